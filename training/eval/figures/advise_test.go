package figures

import (
	"math"
	"math/rand/v2"
	"testing"

	"fanmill/classify"
)

// The bound of none is the exact form of 3/n; that of 4 of 100 is Clopper and
// Pearson's, as found in tables (8.92 %).
func TestUpperBound(t *testing.T) {
	for _, n := range []int{10, 1000, 30_000} {
		near(t, "none", upperBound(0, n), 1-math.Pow(0.05, 1/float64(n)))
	}
	if got := upperBound(4, 100); math.Abs(got-0.0892) > 5e-5 {
		t.Errorf("4 of 100: %v", got)
	}
	near(t, "all", upperBound(5, 5), 1)
}

// The rule of three: 1 in N can be promised from about 3N on. Wilks' sample sizes
// for 1 in 20 are 59, 93 and 124.
func TestTolerable(t *testing.T) {
	for _, c := range []struct{ n, oneIn, want int }{
		{58, 20, -1}, {59, 20, 0}, {92, 20, 0}, {93, 20, 1}, {123, 20, 1}, {124, 20, 2}, {2994, 1000, -1}, {2995, 1000, 0}, {1, 2, -1},
	} {
		if got := tolerable(c.n, 1/float64(c.oneIn)); got != c.want {
			t.Errorf("%d ham, 1 in %d: %d, want %d", c.n, c.oneIn, got, c.want)
		}
	}
}

func TestShortNumbers(t *testing.T) {
	for _, c := range []struct{ p, above, upTo float64 }{
		{0.98731, 0.988, 0.98}, {0.995, 0.9951, 0.99}, {0.3, 0.31, 0.3}, {0.0123, 0.02, 0.012}, {0.00004567, 0.01, 0.000045}, {0.9999998, 0.99999981, 0.99},
	} {
		near(t, "above", above(c.p), c.above)
		near(t, "up to", upTo(c.p), c.upTo)
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		p := 1 / (1 + math.Exp(-30*random.NormFloat64()))
		if a, u := above(p), upTo(p); p < 1-1e-13 && a <= p || a > 1 || u > p || u < 0 {
			t.Fatalf("%v: above %v, up to %v", p, a, u)
		}
	}
	if above(1) != 1 || upTo(0) != 0 {
		t.Errorf("%v, %v", above(1), upTo(0))
	}
}

// mixed is a run with ham from 0 up to top and spam from bottom up to 1, evenly.
func mixed(hams, spams int, top, bottom float64) Run {
	var results []Result
	for i := range hams {
		results = append(results, scored(false, top*float64(i+1)/float64(hams+1)))
	}
	for i := range spams {
		results = append(results, scored(true, 1-(1-bottom)*float64(i+1)/float64(spams+1)))
	}
	return newRun(results...)
}

func wish(oneIn int) Wish { return Wish{OneIn: oneIn, Before: classify.DefaultCutoffs()} }

func TestAdvise(t *testing.T) {
	run := mixed(3000, 1000, 0.96, 0.4)
	a, err := Advise(run, wish(1000))
	if err != nil {
		t.Fatal(err)
	}
	// 0 of 3000 may be above: the highest ham stands at 0.96 * 3000/3001 = 0.95968.
	near(t, "reject_cutoff", a.Cutoffs.Reject, 0.96)
	if !a.Promised || a.Above != 0 || len(a.Highest) != 1 || a.Highest[0].Message != 2999 || a.Bound > 0.001 {
		t.Errorf("got %+v", a)
	}
	// 10 in 1000 may be held as spam: 21 of 3000 (5 % chance at most of so few).
	if k := tolerable(3000, 0.01); k != 20 && k != 21 || a.Then.Ham[Spam] > k || a.Then.Ham[Spam] < k-2 {
		t.Errorf("%d may be held, %+v", k, a.Then)
	}
	// 1 % of 1000 spam may pass, 4 of 1000 to be sure; but nothing over 0.5 is ham.
	if a.Then.Spam[Ham] > tolerable(1000, 0.01) || a.Cutoffs.Ham < 0.4 || a.Cutoffs.Ham > 0.5 {
		t.Errorf("ham_cutoff %v: %+v", a.Cutoffs.Ham, a.Then)
	}
	if a.Now.Ham[Ham]+a.Now.Ham[Unsure]+a.Now.Ham[Spam]+a.Now.Ham[Reject] != 3000 {
		t.Errorf("now %+v", a.Now)
	}
}

func TestAdviseTooFewHam(t *testing.T) {
	a, err := Advise(mixed(500, 500, 0.3, 0.7), wish(1000))
	if err != nil {
		t.Fatal(err)
	}
	if a.Promised || a.Above != 0 || math.Abs(a.Bound-3./500) > 1e-4 {
		t.Errorf("got %+v", a)
	}
	// All ham is below 0.31 and all spam above 0.7: no class beyond the middle. But
	// 500 ham are too few to bring the reject_cutoff in force down.
	if c := a.Cutoffs; c.Ham != 0.5 || c.Spam != 0.5 || c.Reject != 0.995 || a.Highest != nil {
		t.Errorf("cut-offs %+v, highest %v", c, a.Highest)
	}
	// They are reason enough to take it up.
	b, err := Advise(mixed(1000, 100, 0.9999, 0.01), wish(1000))
	if c := b.Cutoffs; err != nil || c.Ham >= 0.15 || c.Reject <= 0.995 || len(b.Highest) != 1 || c.Spam < 0.9 {
		t.Errorf("cut-offs %+v, highest %v, %v", c, b.Highest, err)
	}
}

// A ham at a score of 1 cannot be kept below any cut-off, and is not promised away.
func TestAdviseHamAtOne(t *testing.T) {
	run := mixed(400, 400, 0.3, 0.7)
	run[5].Score = classify.Score{P: 1, LogOdds: 50}
	a, err := Advise(run, wish(100))
	if err != nil || a.Cutoffs.Reject != 1 || a.Above != 1 || a.Promised || a.Highest[0].Message != 5 {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := Advise(run, wish(1)); err == nil {
		t.Error("1 in 1 is taken")
	}
}

// What is promised holds: of many sites with scores of one distribution, at most
// 5 in 100 get a cut-off that more ham is above than they asked for.
func TestAdviceHolds(t *testing.T) {
	const sites, oneIn = 400, 200 // so that the limit is above 0.9
	random := rand.New(rand.NewPCG(13, 14))
	broken := 0
	for range sites {
		a, err := Advise(normals(random, 1600, 3), wish(oneIn))
		if err != nil || !a.Promised {
			t.Fatalf("%+v, %v", a, err)
		}
		z := math.Log(a.Cutoffs.Reject / (1 - a.Cutoffs.Reject))
		if share := math.Erfc(z/math.Sqrt2) / 2; share > 1./oneIn {
			broken++
		}
	}
	if broken > 32 || broken == 0 { // 20 at most expected, standard deviation 4.4
		t.Errorf("%d of %d promises are broken", broken, sites)
	}
}

// Where spam is dropped, ham is lost from spam_cutoff on.
func TestAdviseDrops(t *testing.T) {
	w := wish(1000)
	w.Drops = true
	a, err := Advise(mixed(3000, 1000, 0.96, 0.4), w)
	if err != nil || a.Cutoffs.Spam != 0.96 || a.Cutoffs.Reject != 0.96 || a.Then.Ham[Spam] != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}
