package figures

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"fanmill/classify"
)

// normals draws log-odds of two normal distributions, of which the true 1-ROCA
// is known.
func normals(random *rand.Rand, n int, apart float64) Run {
	results := make([]Result, n)
	for i := range results {
		isSpam := i%2 == 0
		results[i] = result(isSpam, random.NormFloat64()+apart*float64(class(isSpam)))
	}
	return newRun(results...)
}

// Of 95 % intervals about 95 in a hundred must contain the truth: the area above
// the ROC curve of two normal distributions is Phi(-d/sqrt 2), their errors at a
// score of 0.5 are known by the same function.
func TestIntervalsCoverTheTruth(t *testing.T) {
	const trials, n, apart = 200, 200, 1.5
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	random := rand.New(rand.NewPCG(3, 4))
	area := 100 * phi(-apart/math.Sqrt2)
	errors := n/2*phi(0) + n/2*phi(-apart)
	areas, counts := 0, 0
	for range trials {
		r, err := Measure([]Run{normals(random, n, apart)}, classify.DefaultCutoffs(), 200, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Low.ROCA <= area && area <= r.High.ROCA {
			areas++
		}
		if r.Low.Errors <= errors && errors <= r.High.Errors {
			counts++
		}
	}
	for name, hits := range map[string]int{"1-ROCA": areas, "errors": counts} {
		if share := float64(hits) / trials; share < 0.90 || share > 0.985 {
			t.Errorf("%s: %.1f %% of the intervals contain the truth", name, 100*share)
		}
	}
}

func TestMeasureTwice(t *testing.T) {
	run := normals(rand.New(rand.NewPCG(5, 6)), 200, 1)
	if a, b := measure(t, run), measure(t, run); !reflect.DeepEqual(a, b) {
		t.Errorf("the same twice: %+v and %+v", a, b)
	}
}

// Two runs that scored the messages alike are no better evidence than one.
func TestRunsAreDrawnTogether(t *testing.T) {
	run := normals(rand.New(rand.NewPCG(7, 8)), 200, 1)
	one, two := measure(t, run), measure(t, run, run)
	if one.Low != two.Low || one.High != two.High {
		t.Errorf("one run %v-%v, the same twice %v-%v", one.Low.ROCA, one.High.ROCA, two.Low.ROCA, two.High.ROCA)
	}
}

func TestRuleOfThree(t *testing.T) {
	var results []Result
	for i := range 40 {
		results = append(results, scored(i%2 == 0, 0.01+0.98*float64((i+1)%2)))
	}
	r := measure(t, newRun(append(results, scored(true, 0.5), scored(true, 0.7))...))
	if r.HamRejected != 0 || r.High.HamRejected != 3 || r.Low.HamRejected != 0 || r.SpamUnsure != 2 || r.High.SpamUnsure <= 2 {
		t.Errorf("ham rejected %v (%v-%v), spam unsure %v (%v-%v)",
			r.HamRejected, r.Low.HamRejected, r.High.HamRejected, r.SpamUnsure, r.Low.SpamUnsure, r.High.SpamUnsure)
	}
	few := measure(t, newRun(scored(false, 0.1), scored(true, 0.999), scored(true, 0.999), scored(true, 0.999), scored(true, 0.999)))
	if few.High.HamRejected != 1 || few.Low.SpamRejected != 1 || few.High.SpamRejected != 4 {
		t.Errorf("of one ham up to %v are rejected, of four spam %v-%v", few.High.HamRejected, few.Low.SpamRejected, few.High.SpamRejected)
	}
}

func TestIntervalsContainTheFigure(t *testing.T) {
	r := measure(t, normals(rand.New(rand.NewPCG(9, 10)), 300, 1))
	for _, x := range Table {
		if low, at, high := x.Of(r.Low), x.Of(r.Figures), x.Of(r.High); low > at || high < at {
			t.Errorf("%s: %v is not between %v and %v", x.Key, at, low, high)
		}
	}
}

func TestPercentile(t *testing.T) {
	values := []float64{4, math.NaN(), 1, 3, 2, 5}
	near(t, "middle", percentile(values[:6:6], 0.5), 3)
	near(t, "between", percentile([]float64{1, 2}, 0.25), 1.25)
	near(t, "end", percentile([]float64{1, 2}, 1), 2)
	if !math.IsNaN(percentile([]float64{math.NaN()}, 0.5)) {
		t.Error("a percentile of nothing is a number")
	}
}

// The figure of speed that interactive use needs: 1,000 resamples of 6,000
// messages, the curves included, in about a second at most.
func BenchmarkMeasure(b *testing.B) {
	run := normals(rand.New(rand.NewPCG(1, 1)), 6000, 5)
	for b.Loop() {
		if _, err := Measure([]Run{run}, classify.DefaultCutoffs(), Resamples, nil); err != nil {
			b.Fatal(err)
		}
	}
}
