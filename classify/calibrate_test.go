package classify

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fanmill/classify/exact"
)

// opinions draws labels whose true score is known: log-odds z, the opinions
// such that the prior weights give about z.
func opinions(r *rand.Rand, n int, hamSlip, spamSlip float64) (labels []Label, truth []bool, p []float64) {
	for range n {
		l := Label{C: r.NormFloat64() * 30, L: r.NormFloat64() * 1.2, E: r.NormFloat64() * 0.45}
		z := float64(1.8*exact.Asinh(l.C/20)) + float64(1.6*exact.Asinh(l.L/0.7)) + float64(0.6*exact.Asinh(l.E/0.15)) - 0.4
		l.Spam = r.Float64() < exact.Sigma(z)
		truth, p = append(truth, l.Spam), append(p, exact.Sigma(z))
		if u := r.Float64(); l.Spam && u < spamSlip || !l.Spam && u < hamSlip {
			l.Spam = !l.Spam
		}
		labels = append(labels, l)
	}
	return labels, truth, p
}

func TestCalibrateFindsWeightsAndSlips(t *testing.T) {
	for _, slips := range [][2]float64{{0, 0}, {0.05, 0.05}, {0, 0.1}, {0.1, 0}} {
		labels, _, p := opinions(rand.New(rand.NewPCG(1, 2)), 5000, slips[0], slips[1])
		f := Calibrate(labels)
		if math.Abs(f.HamSlip-slips[0]) > 0.02 || math.Abs(f.SpamSlip-slips[1]) > 0.02 {
			t.Errorf("slips %v: found %.3f and %.3f", slips, f.HamSlip, f.SpamSlip)
		}
		gap := 0.0
		for i, l := range labels {
			gap += math.Abs(exact.Sigma(f.LogOdds(l.C, l.E, l.L))-p[i]) / float64(len(labels))
		}
		if gap > 0.02 {
			t.Errorf("slips %v: scores are %.3f off on average: %+v", slips, gap, f)
		}
	}
}

// A label that a person insists on is no slip, whatever the opinions say.
func TestCalibrateTakesSureLabelsAtTheirWord(t *testing.T) {
	labels, truth, _ := opinions(rand.New(rand.NewPCG(3, 4)), 2000, 0, 0.2)
	sure := slices.Clone(labels)
	for i := range sure {
		sure[i].Sure = sure[i].Spam != truth[i]
	}
	doubted, believed := Calibrate(labels), Calibrate(sure)
	if believed.SpamSlip > doubted.SpamSlip/3 {
		t.Errorf("share of wrong labels %.3f though the wrong ones are insisted on, %.3f otherwise", believed.SpamSlip, doubted.SpamSlip)
	}
}

func TestCalibrateBeforeThereIsEnough(t *testing.T) {
	labels, _, _ := opinions(rand.New(rand.NewPCG(5, 6)), 200, 0, 0)
	slices.SortFunc(labels, func(a, b Label) int { return b2i(a.Spam) - b2i(b.Spam) })
	ham := slices.IndexFunc(labels, func(l Label) bool { return l.Spam })
	if f := Calibrate(labels[:ham+4]); f != PriorFit() {
		t.Errorf("fitted from 4 spam: %+v", f)
	}
	if f := Calibrate(labels[:ham+5]); f.Labels != ham+5 {
		t.Errorf("with 5 spam there is no fit: %+v", f)
	}
	if f := Calibrate(nil); f != PriorFit() {
		t.Errorf("fitted from nothing: %+v", f)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Opinions that leave no doubt must not make a fit that is no number.
func TestCalibrateOfExtremes(t *testing.T) {
	var labels []Label
	for i := range 1000 {
		y := float64(1 - 2*(i%2))
		labels = append(labels, Label{C: 1e6 * y, L: 100 * y, E: 1e4 * y, Spam: i%2 == 0})
	}
	for range 3 {
		f := Calibrate(labels)
		for _, x := range [...]float64{f.WC, f.WL, f.WE, f.Bias, f.HamSlip, f.SpamSlip} {
			if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 100 {
				t.Fatalf("fit %+v", f)
			}
		}
		for i := range labels { // then all labels contradict
			labels[i].Spam = !labels[i].Spam
		}
		labels[0].C = math.MaxFloat64
	}
}

func TestFitLabels(t *testing.T) {
	for n, want := range map[int]int{0: 0, 19: 0, 20: 20, 39: 20, 199: 180, 200: 200, 299: 200, 999: 900, 1000: 1000, 1249: 1000, 1250: 1250, 100_001: 100_000} {
		if got := FitLabels(n); got != want {
			t.Errorf("FitLabels(%d) = %d, want %d", n, got, want)
		}
	}
	for n := 1; n < 5000; n++ {
		if FitLabels(n) < FitLabels(n-1) {
			t.Fatalf("fewer labels are fitted at %d than before", n)
		}
	}
}

func TestSlip(t *testing.T) {
	f := PriorFit()
	f.HamSlip, f.SpamSlip = 0.05, 0.05
	if s := f.Slip(true, 8); s > 1e-3 {
		t.Errorf("spam that looks like spam: slip %v", s)
	}
	if s := f.Slip(true, -8); s < 0.98 {
		t.Errorf("spam that looks like ham: slip %v", s)
	}
	if a, b := f.Slip(true, -3), f.Slip(false, 3); math.Abs(a-b) > 1e-12 {
		t.Errorf("the classes are treated differently: %v and %v", a, b)
	}
}

func TestReportKeepsTheOrderAndAFloor(t *testing.T) {
	last := 0.0
	for z := -800.0; z <= 800; z += 0.25 {
		p := report(z)
		if p < last || p < floor || p > 1-floor {
			t.Fatalf("log-odds %v: score %v after %v", z, p, last)
		}
		last = p
	}
	if p := report(0); p != 0.5 {
		t.Errorf("even odds: %v", p)
	}
}

func TestSolve(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		var a, h [4][4]float64
		for i := range a {
			for j := range a {
				a[i][j] = r.NormFloat64()
			}
		}
		for i := range h {
			for j := range h {
				for k := range h {
					h[i][j] += a[i][k] * a[j][k]
				}
			}
			h[i][i] += 0.5
		}
		want := point{r.NormFloat64(), r.NormFloat64(), r.NormFloat64(), r.NormFloat64()}
		var g point
		for i := range h {
			g[i] = point(h[i]).dot(want)
		}
		got := solve(&h, g)
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-8 {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	}
}

func TestAsinh(t *testing.T) {
	for _, x := range []float64{0, 1e-9, 0.1, -0.1, 1, -3, 1e3, -1e6, 1e9} {
		if got, want := exact.Asinh(x), math.Asinh(x); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("exact.Asinh(%v) = %v, want %v", x, got, want)
		}
	}
}
