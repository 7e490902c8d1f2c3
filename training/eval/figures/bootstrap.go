package figures

import (
	"math"
	"math/rand/v2"
	"slices"

	"fanmill/classify"
)

// Resamples is how many resamples an interval is made from by default.
const Resamples = 1000

// sample is one or more runs over the same messages, ready for weighting.
type sample struct {
	runs     []ranked
	messages int // above all numbers of messages
}

func newSample(runs []Run, c classify.Cutoffs) (sample, error) {
	var s sample
	for _, run := range runs {
		if err := run.check(); err != nil {
			return s, err
		}
		s.runs = append(s.runs, rank(run, c))
		for _, r := range run {
			s.messages = max(s.messages, r.Message+1)
		}
	}
	return s, nil
}

// once weighs every message 1.
func (s sample) once() []float64 {
	return slices.Repeat([]float64{1}, s.messages)
}

// figures are those of each run.
func (s sample) figures(weight []float64) []Figures {
	out := make([]Figures, len(s.runs))
	for i, r := range s.runs {
		out[i] = r.tally(weight).figures()
	}
	return out
}

// resample calls f with the weights of n resamples, up to its first error: messages
// drawn again, with replacement, as many of each class as there are (the bootstrap;
// B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics
// 1979). A message that several runs scored is drawn for all of them, so that what
// they have in common does not look like certainty. Samples of the same messages are
// given the same draws. The weights are valid until f returns.
func (s sample) resample(n int, f func(weight []float64) error) error {
	strata := s.strata()
	random := rand.New(rand.NewPCG(1979, 0))
	weight := make([]float64, s.messages)
	for range n {
		clear(weight)
		for _, messages := range strata {
			for range messages {
				weight[messages[random.IntN(len(messages))]]++
			}
		}
		if err := f(weight); err != nil {
			return err
		}
	}
	return nil
}

// strata are the messages of each class, by their numbers.
func (s sample) strata() (out [2][]int) {
	const none = -1
	classes := slices.Repeat([]int{none}, s.messages)
	for _, run := range s.runs {
		for _, x := range run {
			classes[x.message] = int(x.class)
		}
	}
	for message, class := range classes {
		if class != none {
			out[class] = append(out[class], message)
		}
	}
	return out
}

// intervals are the percentiles of resampled figures that leave out 2.5 % at
// either end, stretched to contain the figures themselves: resampling adds noise
// to the calibration error, which only grows by it.
func intervals(f Figures, draws []Figures) (low, high Figures) {
	low = each(draws, func(v []float64) float64 { return percentile(v, 0.025) })
	high = each(draws, func(v []float64) float64 { return percentile(v, 0.975) })
	for _, x := range Table {
		at := *x.at(&f)
		*x.at(&low) = min(*x.at(&low), at)
		*x.at(&high) = max(*x.at(&high), at)
	}
	return low, high
}

// percentile sorts values and interpolates between the nearest two. Values that
// are not defined are left out.
func percentile(values []float64, share float64) float64 {
	values = slices.DeleteFunc(values, math.IsNaN)
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	at := share * float64(len(values)-1)
	i := int(at)
	if i+1 == len(values) {
		return values[i]
	}
	return values[i] + (at-float64(i))*(values[i+1]-values[i])
}

// threeOf widens the interval of v, of which there can be 0 up to all, where it is
// at either end. Where nothing was seen resampling sees nothing either, but 0 of n
// is compatible with 3/n: that many would have been seen with 95 % chance. three is
// as much as three messages are.
func threeOf(v, all, three float64, low, high *float64) {
	switch v {
	case 0:
		*high = min(three, all)
	case all:
		*low = max(all-three, 0)
	}
}
