package figures

import (
	"math"
	"math/rand/v2"
	"testing"

	"fanmill/classify"
)

func compare(t *testing.T, a, b []Run) Comparison {
	t.Helper()
	return Compare(side(t, a, classify.DefaultCutoffs()), side(t, b, classify.DefaultCutoffs()))
}

func side(t *testing.T, runs []Run, c classify.Cutoffs) Side {
	t.Helper()
	r, err := Measure(runs, c, 300, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Side{r, runs, c}
}

func TestCompareByHand(t *testing.T) {
	a := newRun(scored(false, 0.1), scored(false, 0.5), scored(true, 0.95), scored(true, 0.3), scored(false, 0.02))
	b := newRun(scored(false, 0.2), scored(false, 0.1), scored(true, 0.999), scored(true, 0.35), scored(false, 0.01))
	c := compare(t, []Run{a}, []Run{b})
	near(t, "1-ROCA", c.Difference.ROCA, -100*1./6)
	near(t, "ham unsure", c.Difference.HamUnsure, 0)
	near(t, "errors", c.Difference.Errors, -1)
	near(t, "spam rejected", c.Difference.SpamRejected, 1)
	want := []struct {
		message       int
		before, after Fate
		better        bool
	}{{2, Spam, Reject, true}, {1, Unsure, Ham, true}, {0, Ham, Unsure, false}}
	if len(c.Changed) != len(want) || c.Better != 2 {
		t.Fatalf("got %+v", c)
	}
	for i, w := range want {
		x := c.Changed[i]
		if x.Message != w.message || x.Before != w.before || x.After != w.after || x.Better() != w.better || x.Runs != 1 {
			t.Errorf("got %+v, want %+v", x, w)
		}
	}
}

// Each side has cut-offs of its own.
func TestCompareCutoffs(t *testing.T) {
	run := []Run{newRun(scored(false, 0.1), scored(true, 0.8))}
	c := Compare(side(t, run, classify.DefaultCutoffs()), side(t, run, classify.Cutoffs{Ham: 0.15, Spam: 0.7, Reject: 1}))
	if c.Difference.SpamUnsure != -1 || len(c.Changed) != 1 || c.Changed[0].After != Spam {
		t.Errorf("got %+v", c)
	}
}

// A message that changed in two runs is shown once, as it is farthest apart.
func TestCompareRuns(t *testing.T) {
	base := newRun(scored(false, 0.1), scored(true, 0.99))
	near1, far := newRun(scored(false, 0.2), scored(true, 0.99)), newRun(scored(false, 0.6), scored(true, 0.99))
	c := compare(t, []Run{base, base, base}, []Run{near1, far, base})
	if len(c.Changed) != 1 || c.Changed[0].Runs != 2 || c.Changed[0].ScoreB != 0.6 {
		t.Errorf("got %+v", c.Changed)
	}
}

// Pairing tells what two separate intervals cannot: every log-odds moved by a
// little, in the right direction.
func TestComparePairs(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	a := normals(random, 400, 1)
	results := make([]Result, len(a))
	for i, r := range a {
		results[i] = result(r.Spam, r.Score.LogOdds+0.2*float64(class(r.Spam)))
	}
	b := newRun(results...)
	c, ra, rb := compare(t, []Run{a}, []Run{b}), measure(t, a), measure(t, b)
	if c.High.ROCA >= 0 || c.Low.ROCA > c.Difference.ROCA || rb.High.ROCA < ra.Low.ROCA {
		t.Errorf("difference %v (%v to %v), alone %v-%v and %v-%v", c.Difference.ROCA, c.Low.ROCA, c.High.ROCA,
			ra.Low.ROCA, ra.High.ROCA, rb.Low.ROCA, rb.High.ROCA)
	}
	same := compare(t, []Run{a}, []Run{a})
	if same.Difference != (Figures{}) || same.Low != (Figures{}) || same.High != (Figures{}) || len(same.Changed) != 0 {
		t.Errorf("a run differs from itself: %+v", same)
	}
	if math.IsNaN(c.Difference.ECE) {
		t.Error("no calibration error")
	}
}
