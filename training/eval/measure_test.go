package eval

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

func result(spam bool, logOdds float64) Result {
	return Result{Spam: spam, Score: classify.Score{P: 1 / (1 + math.Exp(-logOdds)), LogOdds: logOdds}}
}

func scored(spam bool, p float64) Result {
	return Result{Spam: spam, Score: classify.Score{P: p, LogOdds: math.Log(p / (1 - p))}}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// Worked out by hand: of 3 ham x 2 spam pairs, spam 0.4 is below ham 0.95 (one
// pair wrong) and level with ham 0.4 (half a pair), spam 0.999 is above all.
func TestMeasureByHand(t *testing.T) {
	results := []Result{
		scored(false, 0.05), scored(false, 0.4), scored(false, 0.95),
		scored(true, 0.4), scored(true, 0.999),
	}
	r, err := Measure(results, classify.DefaultCutoffs())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "1-ROCA", r.ROCA, 100*1.5/6)
	// 1 of 3 ham called spam, 1 of 2 spam missed, at both 0.9 and 0.5:
	// odds (1.5/2.5) and (1.5/1.5), their geometric mean, as a percentage.
	odds := math.Sqrt(1.5 / 2.5 * 1)
	near(t, "lam", r.LAM, 100*odds/(1+odds))
	near(t, "lam50", r.LAM50, 100*odds/(1+odds))
	want := Report{
		N: 5, Ham: 3, Spam: 2, ROCA: r.ROCA, LAM: r.LAM, LAM50: r.LAM50,
		HamRejected: 0, HamUnsure: 1, SpamPassed: 0, SpamUnsure: 1, First1000: 2,
	}
	if r != want {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
}

func TestMeasureAtTheCutoffs(t *testing.T) {
	results := []Result{
		scored(false, 0.15), scored(false, 0.5), scored(false, 0.9), scored(false, 0.995), scored(false, 0.1499),
		scored(true, 0.1499), scored(true, 0.15), scored(true, 0.8999), scored(true, 0.9), scored(true, 0.5),
	}
	r, err := Measure(results, classify.DefaultCutoffs())
	if err != nil {
		t.Fatal(err)
	}
	if r.HamRejected != 1 || r.HamUnsure != 2 || r.SpamPassed != 1 || r.SpamUnsure != 3 || r.First1000 != 3+2 {
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
	r, err := Measure([]Result{result(true, 900), result(false, 800), result(true, 700), result(false, 600)}, classify.DefaultCutoffs())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "1-ROCA", r.ROCA, 25)
	r, err = Measure([]Result{result(true, math.Inf(1)), result(false, math.Inf(1))}, classify.DefaultCutoffs())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "1-ROCA of equals", r.ROCA, 50)
}

// The sorted computation agrees with counting all pairs.
func TestROCAgainstAllPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		results := []Result{result(false, 0), result(true, 0)}
		for range random.IntN(40) {
			results = append(results, result(random.IntN(2) == 0, float64(random.IntN(10)-5)))
		}
		wrong, pairs := 0.0, 0.0
		for _, h := range results {
			for _, s := range results {
				if h.Spam || !s.Spam {
					continue
				}
				pairs++
				switch {
				case h.Score.LogOdds > s.Score.LogOdds:
					wrong++
				case h.Score.LogOdds == s.Score.LogOdds:
					wrong += 0.5
				}
			}
		}
		before := slices.Clone(results)
		near(t, "1-ROCA", aboveROC(results), wrong/pairs)
		if !slices.Equal(before, results) {
			t.Fatal("the results were put in another order")
		}
	}
}

func TestMeasureOneClass(t *testing.T) {
	for _, results := range [][]Result{nil, {scored(true, 0.9)}, {scored(false, 0.9), scored(false, 0.1)}} {
		if _, err := Measure(results, classify.DefaultCutoffs()); !errors.Is(err, ErrOneClass) {
			t.Errorf("%d results: got %v, want ErrOneClass", len(results), err)
		}
	}
}

func TestFirst1000(t *testing.T) {
	var results []Result
	for i := range 3000 {
		results = append(results, scored(i%2 == 0, 0.7)) // each ham is wrong
	}
	r, err := Measure(results, classify.DefaultCutoffs())
	if err != nil || r.First1000 != 500 {
		t.Errorf("%d errors in the first 1000, want 500 (%v)", r.First1000, err)
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
	want := "n ham spam roca_pct lam_pct lam50_pct ham_rejected ham_unsure spam_passed spam_unsure first1000 seconds"
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

func TestReportText(t *testing.T) {
	var text strings.Builder
	r := Report{N: 10, Ham: 4, Spam: 6, ROCA: 0.25, LAM: 1.5, LAM50: 2.5, HamUnsure: 1, SpamUnsure: 3, Seconds: 0.01}
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"4 ham, 6 spam", "0.2500 %", "(25.00 % of ham)", "(50.00 % of spam)", "1000 us per message"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
