package figures

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fanmill/classify"
)

// copies is a run in which each message stands as often as its weight says, at the
// place it had: what a weighted sample is short for.
func copies(run Run, weight []float64) (out Run, places []int) {
	for place, r := range run {
		for range int(weight[r.Message]) {
			out, places = append(out, r), append(places, place)
		}
	}
	return out, places
}

// Curves of weighted samples are those of the copies, by definition: at a share of
// ham the least spam that the ROC curve has up to there, and plain counts.
func TestTraceIsThatOfCopies(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for range 50 {
		run := normals(random, 120+random.IntN(300), 2)
		for i := range run { // scores that many messages have
			z := math.Round(2*run[i].Score.LogOdds) / 2
			run[i].Score = result(false, z).Score
		}
		weight := make([]float64, len(run))
		for i := range weight {
			weight[i] = float64(random.IntN(4))
		}
		tr := newTracer([]Run{run})
		got := tr.parts(tr.trace(weight))
		all, places := copies(run, weight)
		checkROC(t, tr.shares, got.roc, ROC([]Run{all}))
		for j, after := range tr.fine {
			want := 0
			for i, r := range all {
				if places[i] < after && r.Wrong() {
					want++
				}
			}
			if got.fine[j] != float64(want) {
				t.Fatalf("%v errors after %d, want %d", got.fine[j], after, want)
			}
		}
		for i := range Slots {
			want := [2]float64{}
			for _, r := range all {
				if p := r.Score.P; p >= float64(i)/Slots && p < float64(i+1)/Slots {
					want[class(r.Spam)]++
				}
			}
			if got.hams[i] != want[ham] || got.spams[i] != want[spam] {
				t.Fatalf("slot %d: %v ham, %v spam, want %v", i, got.hams[i], got.spams[i], want)
			}
		}
	}
}

func checkROC(t *testing.T, shares, got []float64, curve []Operating) {
	t.Helper()
	for i, share := range shares {
		least := 1.0
		for _, o := range curve {
			if o.HamAbove <= share+1e-9 {
				least = min(least, o.SpamBelow)
			}
		}
		near(t, "spam below", got[i], least)
	}
}

// The learning curve ends in the errors of the table, band and all, and bars that
// are joined at a cut-off of their own are counts of the table.
func TestCurvesAgreeWithTheTable(t *testing.T) {
	a := normals(rand.New(rand.NewPCG(13, 1)), 400, 1)
	b := normals(rand.New(rand.NewPCG(13, 2)), 400, 1)
	for _, runs := range [][]Run{{a}, {a, b}} {
		r := measure(t, runs...)
		for _, curve := range [][]Point{r.Curve, r.Fine} {
			if last := curve[len(curve)-1]; last != (Point{400, r.Errors, r.Low.Errors, r.High.Errors}) {
				t.Errorf("the curve ends in %+v, the table has %v (%v-%v)", last, r.Errors, r.Low.Errors, r.High.Errors)
			}
		}
		passed := 0.0
		for _, s := range r.Scores[:3] { // up to ham_cutoff
			passed += s.Spam.N
		}
		near(t, "spam passed", passed, r.SpamPassed)
		half := r.Curve[len(r.Curve)-2]
		if half.After != 200 || half.Errors >= r.Errors {
			t.Errorf("%+v of %v errors", half, r.Errors)
		}
	}
}

// Bands contain the curve, fall as the ROC curve does, and where nothing is seen
// reach up to three messages.
func TestBands(t *testing.T) {
	run := normals(rand.New(rand.NewPCG(14, 1)), 1000, 6)
	for i := range run {
		run[i].Score = result(false, run[i].Score.LogOdds-3).Score // 1 in 700 is wrong
	}
	r := measure(t, run)
	last := Missed{HamAbove: 2}
	for _, x := range r.ROC {
		if x.Low > x.SpamBelow || x.High < x.SpamBelow || x.HamAbove >= last.HamAbove || x.Low < last.Low || x.High < last.High {
			t.Errorf("%+v after %+v", x, last)
		}
		last = x
	}
	if first := r.ROC[0]; first != (Missed{HamAbove: 1}) || r.ROC[1].High != 3./500 {
		t.Errorf("the ROC curve begins with %+v, %+v", first, r.ROC[1])
	}
	if last.HamAbove != 0.001 || last.High <= last.Low {
		t.Errorf("the ROC curve ends in %+v", last)
	}
	if first := r.Fine[0]; first.Errors != 0 || first.High != 3 {
		t.Errorf("the learning curve begins with %+v", first)
	}
	for _, s := range r.Scores {
		for _, x := range []Counted{s.Ham, s.Spam} {
			if x.Low > x.N || x.High < x.N || x.N == 0 && x.High != 3 {
				t.Errorf("from %v: %+v", s.From, x)
			}
		}
	}
}

// Of 95 % bands about 95 in a hundred contain the truth at a place: here the spam
// below the cut-off that a tenth of the ham is above, and the errors after half.
func TestBandsCoverTheTruth(t *testing.T) {
	const trials, n, apart = 200, 200, 1.5
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	const tenth = 1.2815515655446004 // of ham is above
	missed := phi(tenth - apart)
	wrongs := n/4*phi(0) + n/4*phi(-apart)
	random := rand.New(rand.NewPCG(15, 16))
	rocs, curves := 0, 0
	for range trials {
		r, err := Measure([]Run{normals(random, n, apart)}, classify.DefaultCutoffs(), 200, nil)
		if err != nil {
			t.Fatal(err)
		}
		if x := r.ROC[perDecade]; x.Low <= missed && missed <= x.High {
			rocs++
		}
		if x := r.Curve[0]; x.After == n/2 && x.Low <= wrongs && wrongs <= x.High {
			curves++
		}
	}
	for name, hits := range map[string]int{"ROC": rocs, "learning curve": curves} {
		if share := float64(hits) / trials; share < 0.90 || share > 0.985 {
			t.Errorf("%s: %.1f %% of the bands contain the truth", name, 100*share)
		}
	}
}

// Every resample is told, and an error of who is told ends the measuring.
func TestMeasureStops(t *testing.T) {
	run := normals(rand.New(rand.NewPCG(17, 1)), 50, 1)
	steps, enough := 0, errors.New("enough")
	step := func() error {
		if steps++; steps == 7 {
			return enough
		}
		return nil
	}
	if _, err := Measure([]Run{run}, classify.DefaultCutoffs(), 100, step); !errors.Is(err, enough) || steps != 7 {
		t.Errorf("%v after %d steps", err, steps)
	}
	steps = 100
	if _, err := Measure([]Run{run}, classify.DefaultCutoffs(), 100, step); err != nil || steps != 200 {
		t.Errorf("%v after %d steps", err, steps-100)
	}
}

func TestPlaces(t *testing.T) {
	if got := coarsePlaces(600); !slices.Equal(got, []int{100, 200, 500, 600}) {
		t.Errorf("coarse: %v", got)
	}
	for _, n := range []int{1, 2, 299, 300, 301, 6046, 100_000} {
		got := finePlaces(n)
		if len(got) > 300 || got[len(got)-1] != n || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("fine up to %d: %d places, the last %d", n, len(got), got[len(got)-1])
		}
	}
	for n, want := range map[int]int{1: perDecade + 1, 99: 2*perDecade + 1, 100: 3*perDecade + 1, 4150: 4*perDecade + 1} {
		if got := sharesOf(n); len(got) != want || got[len(got)-1] > 1/float64(n) {
			t.Errorf("of %d ham: %d shares down to %v", n, len(got), got[len(got)-1])
		}
	}
}
