package figures

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

func result(isSpam bool, logOdds float64) Result {
	return Result{Spam: isSpam, Score: classify.Score{P: 1 / (1 + math.Exp(-logOdds)), LogOdds: logOdds}}
}

func scored(isSpam bool, p float64) Result {
	return Result{Spam: isSpam, Score: classify.Score{P: p, LogOdds: math.Log(p / (1 - p))}}
}

// newRun numbers the messages as they come.
func newRun(results ...Result) Run {
	for i := range results {
		results[i].Message = i
	}
	return NewRun(results)
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func measure(t *testing.T, runs ...Run) Report {
	t.Helper()
	r, err := Measure(runs, classify.DefaultCutoffs(), 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Worked out by hand: of 3 ham x 2 spam pairs, spam 0.4 is below ham 0.95 (one
// pair wrong) and level with ham 0.4 (half a pair), spam 0.999 is above all. The
// later half are the last three messages: the ham 0.95 is above one of two spam.
func TestMeasureByHand(t *testing.T) {
	r := measure(t, newRun(
		scored(false, 0.05), scored(false, 0.4), scored(false, 0.95),
		scored(true, 0.4), scored(true, 0.999),
	))
	near(t, "1-ROCA", r.ROCA, 100*1.5/6)
	near(t, "1-ROCA of the second half", float64(r.ROCALate), 50)
	// 1 of 3 ham called spam, 1 of 2 spam missed, at both 0.9 and 0.5:
	// odds (1.5/2.5) and (1.5/1.5), their geometric mean, as a percentage.
	odds := math.Sqrt(1.5 / 2.5 * 1)
	near(t, "lam", r.LAM, 100*odds/(1+odds))
	near(t, "lam50", r.LAM50, 100*odds/(1+odds))
	// Five bins with one message each: its score, 0 or 1 of it spam.
	near(t, "calibration error", r.ECE, 100*(0.05+0.4+0.95+0.6+0.001)/5)
	want := Figures{
		ROCA: r.ROCA, ROCALate: r.ROCALate, LAM: r.LAM, LAM50: r.LAM50, ECE: r.ECE,
		Errors: 2, First1000: 2, HamAsSpam: 1, HamUnsure: 1, SpamUnsure: 1, SpamRejected: 1,
	}
	if r.N != 5 || r.Ham != 3 || r.Spam != 2 || r.Runs != 1 || r.Figures != want {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
}

func TestMeasureAtTheCutoffs(t *testing.T) {
	r := measure(t, newRun(
		scored(false, 0.15), scored(false, 0.5), scored(false, 0.9), scored(false, 0.995), scored(false, 0.1499),
		scored(true, 0.1499), scored(true, 0.15), scored(true, 0.8999), scored(true, 0.9), scored(true, 0.5),
	))
	if r.HamRejected != 1 || r.HamAsSpam != 1 || r.HamUnsure != 2 || r.SpamPassed != 1 || r.SpamUnsure != 3 || r.Errors != 3+2 {
		t.Errorf("got %+v", r)
	}
	// At 0.9: 2 of 5 ham, 4 of 5 spam wrong. At 0.5: 3 of 5 ham, 2 of 5 spam.
	lam := func(a, b float64) float64 {
		odds := math.Sqrt((a + .5) / (5 - a + .5) * (b + .5) / (5 - b + .5))
		return 100 * odds / (1 + odds)
	}
	near(t, "lam", r.LAM, lam(2, 4))
	near(t, "lam50", r.LAM50, lam(3, 2))
}

func TestMeasureRanksByLogOdds(t *testing.T) {
	// All four round to a score of 1: only the log-odds tell them apart.
	r := measure(t, newRun(result(true, 900), result(false, 800), result(true, 700), result(false, 600)))
	near(t, "1-ROCA", r.ROCA, 25)
	r = measure(t, newRun(result(true, math.Inf(1)), result(false, math.Inf(1))))
	near(t, "1-ROCA of equals", r.ROCA, 50)
}

// allPairs is the definition that the ranked computation shortens.
func allPairs(run Run, weight []float64) float64 {
	wrong, pairs := 0.0, 0.0
	for _, h := range run {
		for _, s := range run {
			if h.Spam || !s.Spam {
				continue
			}
			w := weight[h.Message] * weight[s.Message]
			pairs += w
			switch {
			case h.Score.LogOdds > s.Score.LogOdds:
				wrong += w
			case h.Score.LogOdds == s.Score.LogOdds:
				wrong += w / 2
			}
		}
	}
	return 100 * wrong / pairs
}

func TestROCAgainstAllPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		results := []Result{result(false, 0), result(true, 0)}
		for range random.IntN(40) {
			results = append(results, result(random.IntN(2) == 0, float64(random.IntN(10)-5)))
		}
		run := newRun(results...)
		before := slices.Clone(run)
		s, err := newSample([]Run{run}, classify.DefaultCutoffs())
		if err != nil {
			t.Fatal(err)
		}
		weight := s.once()
		for i := 2; i < len(weight); i++ {
			weight[i] = float64(random.IntN(4))
		}
		near(t, "1-ROCA", s.figures(weight)[0].ROCA, allPairs(run, weight))
		if !slices.Equal(before, run) {
			t.Fatal("the results were put in another order")
		}
	}
}

func TestMeasureOneClass(t *testing.T) {
	good := newRun(scored(false, 0.1), scored(true, 0.9))
	for _, bad := range []Run{nil, newRun(scored(true, 0.9)), newRun(scored(false, 0.9), scored(false, 0.1))} {
		if _, err := Measure([]Run{good, bad}, classify.DefaultCutoffs(), 10, nil); !errors.Is(err, ErrOneClass) {
			t.Errorf("%d results: got %v, want ErrOneClass", len(bad), err)
		}
		if _, err := Advise(bad, wish(10)); !errors.Is(err, ErrOneClass) {
			t.Errorf("advise on %d results: got %v, want ErrOneClass", len(bad), err)
		}
	}
}

func TestEarlyAndCurve(t *testing.T) {
	var results []Result
	for i := range 3000 {
		results = append(results, scored(i%2 == 0, 0.7)) // each ham is wrong
	}
	r := measure(t, newRun(results...))
	if r.First1000 != 500 || r.Errors != 1500 {
		t.Errorf("%v errors in the first 1000 of %v, want 500 of 1500", r.First1000, r.Errors)
	}
	if len(r.Curve) != 6 {
		t.Fatalf("curve %v", r.Curve)
	}
	for i, after := range []int{100, 200, 500, 1000, 2000, 3000} {
		if p := r.Curve[i]; p.After != after || p.Errors != float64(after/2) || p.Low > p.Errors || p.High < p.Errors {
			t.Errorf("%+v, want %d errors after %d", p, after/2, after)
		}
	}
}

// One class in the second half: no area, and JSON says so.
func TestNoSecondHalf(t *testing.T) {
	r := measure(t, newRun(scored(true, 0.9), scored(false, 0.1), scored(false, 0.1), scored(false, 0.1)))
	text, err := json.Marshal(r)
	if err != nil || !math.IsNaN(float64(r.ROCALate)) || !strings.Contains(string(text), `"roca_late_pct":null`) {
		t.Errorf("%v, %s, %v", r.ROCALate, text, err)
	}
}

// The table, the structure and its keys in JSON name the same figures.
func TestTable(t *testing.T) {
	fields := reflect.TypeFor[Figures]()
	if fields.NumField() != len(Table) {
		t.Fatalf("%d figures, %d in the table", fields.NumField(), len(Table))
	}
	var f Figures
	for i, x := range Table {
		*x.at(&f) = float64(i + 1)
		if got := reflect.ValueOf(f).Field(i).Float(); got != float64(i+1) || fields.Field(i).Tag.Get("json") != x.Key {
			t.Errorf("%s is not field %s", x.Key, fields.Field(i).Name)
		}
	}
}

func TestReportKeys(t *testing.T) {
	text, err := json.Marshal(Report{})
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	want := "runs n ham spam roca_pct roca_late_pct lam_pct lam50_pct errors first1000 ham_rejected ham_as_spam ham_unsure " +
		"spam_passed spam_unsure spam_rejected ece_pct seconds low high curve calibration roc scores"
	for _, key := range strings.Fields(want) {
		if _, ok := keys[key]; !ok {
			t.Errorf("no key %s in %s", key, text)
		}
		delete(keys, key)
	}
	if len(keys) > 0 {
		t.Errorf("keys nobody asked for: %v", keys)
	}
}

func TestSeveralRuns(t *testing.T) {
	a := newRun(scored(false, 0.1), scored(true, 0.9), scored(false, 0.95), scored(true, 0.3))
	b := newRun(scored(false, 0.1), scored(true, 0.9), scored(false, 0.2), scored(true, 0.3))
	r := measure(t, a, b)
	near(t, "errors", r.Errors, 1.5)
	near(t, "1-ROCA", r.ROCA, (50+0)/2.)
	near(t, "spread of the errors", r.Spread.Errors, math.Sqrt(0.5))
	if r.Runs != 2 || r.N != 4 || r.Ham != 2 || measure(t, a).Spread != nil {
		t.Errorf("got %+v", r)
	}
}

// Pooled messages keep what they are, under numbers of their own.
func TestPool(t *testing.T) {
	a := newRun(scored(false, 0.1), scored(true, 0.9), scored(false, 0.95))
	b := newRun(scored(false, 0.2), scored(true, 0.3))
	all := Pool([]Run{a, b}, []int{3, 2})
	var numbers []int
	var late []bool
	for _, r := range all {
		numbers, late = append(numbers, r.Message), append(late, r.late)
	}
	if !slices.Equal(numbers, []int{0, 1, 2, 3, 4}) || !slices.Equal(late, []bool{false, true, true, false, true}) || a[0].Message != 0 {
		t.Errorf("pooled %v, late %v", numbers, late)
	}
}

func TestROC(t *testing.T) {
	got := ROC([]Run{newRun(scored(false, 0.2), scored(false, 0.8), scored(true, 0.8), scored(true, 0.9))})
	want := []Operating{{1, 0, 1}, {0.9, 0, 0.5}, {0.8, 0.5, 0}, {0.2, 1, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
