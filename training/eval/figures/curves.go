package figures

import "slices"

// Point is a place on the learning curve.
type Point struct {
	After  int     `json:"after"`  // messages counted
	Errors float64 `json:"errors"` // at 0.5 so far, the mean over the runs
	Low    float64 `json:"low"`    // 95 % interval
	High   float64 `json:"high"`   //
}

// Missed is a place on the ROC curve: the spam below the lowest cut-off that at most
// HamAbove of the ham are at or above. Shares are of 0 to 1, of several runs put
// together.
type Missed struct {
	HamAbove  float64 `json:"ham_above"`
	SpamBelow float64 `json:"spam_below"`
	Low       float64 `json:"low"`  // 95 % interval of SpamBelow
	High      float64 `json:"high"` //
}

// Slot is a twentieth of the scores, from From, up to To: a bar of the histogram.
// The last one includes 1.
type Slot struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Ham  Counted `json:"ham"`
	Spam Counted `json:"spam"`
}

// Counted is a number of messages, the mean over the runs.
type Counted struct {
	N    float64 `json:"n"`
	Low  float64 `json:"low"`  // 95 % interval
	High float64 `json:"high"` //
}

// counted applies the rule of three to a number out of so many.
func counted(n, low, high float64, of int) Counted {
	threeOf(n, float64(of), 3, &low, &high)
	return Counted{n, low, high}
}

// Operating is what a cut-off at Score would do: shares of 0 to 1.
type Operating struct {
	Score     float64
	HamAbove  float64 // ham at or above it
	SpamBelow float64 // spam below it
}

// ROC is the ROC curve, from a cut-off that takes nothing for spam down to one
// that takes everything. Several runs are put together.
func ROC(runs []Run) []Operating {
	all := slices.Concat(runs...)
	slices.SortStableFunc(all, func(a, b Result) int { return byScore(b, a) })
	var total, above [2]float64
	for _, r := range all {
		total[class(r.Spam)]++
	}
	out := []Operating{{Score: 1, SpamBelow: 1}}
	for i, r := range all {
		above[class(r.Spam)]++
		if i+1 == len(all) || byScore(r, all[i+1]) != 0 {
			out = append(out, Operating{r.Score.P, above[ham] / total[ham], 1 - above[spam]/total[spam]})
		}
	}
	return out
}

// curves sets the curves of the report and the bands around them: an interval for
// each place by itself, made as those of the figures are.
func (r *Report) curves(t *tracer, at trace, traces []trace) {
	l, h := bands(at, traces)
	v, low, high := t.parts(at), t.parts(l), t.parts(h)
	for i, share := range t.shares {
		x := Missed{share, v.roc[i], low.roc[i], high.roc[i]}
		if share < 1 { // where all ham may be above, no spam is below in any sample
			threeOf(x.SpamBelow, 1, 3/float64(r.Spam), &x.Low, &x.High)
		}
		r.ROC = append(r.ROC, x)
	}
	r.Curve = points(t.coarse, v.coarse, low.coarse, high.coarse)
	r.Fine = points(t.fine, v.fine, low.fine, high.fine)
	for i := range Slots {
		x := Slot{From: float64(i) / Slots, To: float64(i+1) / Slots}
		x.Ham = counted(v.hams[i], low.hams[i], high.hams[i], r.Ham)
		x.Spam = counted(v.spams[i], low.spams[i], high.spams[i], r.Spam)
		r.Scores = append(r.Scores, x)
	}
}

// points makes a learning curve.
func points(places []int, errors, low, high []float64) []Point {
	out := make([]Point, len(places))
	for i, after := range places {
		x := counted(errors[i], low[i], high[i], after)
		out[i] = Point{after, x.N, x.Low, x.High}
	}
	return out
}

// bands are the intervals of each number of a trace.
func bands(at trace, traces []trace) (low, high trace) {
	column := make([]float64, len(traces))
	low, high = make(trace, len(at)), make(trace, len(at))
	for i, v := range at {
		for j, t := range traces {
			column[j] = t[i]
		}
		low[i] = min(percentile(column, 0.025), v)
		high[i] = max(percentile(column, 0.975), v)
	}
	return low, high
}
