package render

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

// hostile stands wherever a text comes from mail.
const hostile = "</title><script>alert(1)</script>\x1b[31m\u202egnp"

// clean is a Clean that leaves a trace, so that a text that went past it is seen.
func clean(s string) string { return strings.NewReplacer("\x1b", "ESC", "\u202e", "RLO").Replace(s) }

// runs are three times 300 scores of two overlapping classes.
func runs(shift float64) []figures.Run {
	var out []figures.Run
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 1))
		results := make([]figures.Result, 300)
		for i := range results {
			z := 2.5*random.NormFloat64() - 4 - shift
			if i%3 == 0 {
				z = 2.5*random.NormFloat64() + 4 + shift
			}
			results[i] = figures.Result{Message: i, Spam: i%3 == 0, Score: classify.Score{P: 1 / (1 + math.Exp(-z)), LogOdds: z}}
		}
		out = append(out, figures.NewRun(results))
	}
	return out
}

func series(t *testing.T, config string, all []figures.Run) eval.Series {
	t.Helper()
	s := eval.Series{Index: "corpus/" + hostile, Config: config, Results: all, Cutoffs: classify.DefaultCutoffs()}
	for i := range 300 {
		s.Entries = append(s.Entries, eval.Entry{Path: fmt.Sprintf("m/%d%s", i, hostile), Line: i + 1})
	}
	r, err := figures.Measure(all, s.Cutoffs, 200, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Seconds = 0.25
	s.Report = r
	s.Mistakes = []eval.Mistake{{
		File: "m/7" + hostile, Spam: true, Score: 0.0123, LogOdds: -4.4, Runs: len(all), Subject: hostile, From: hostile,
		Clues: []eval.Clue{{Text: hostile, Prob: 0.03, Ham: 12}, {Text: "offer", Prob: 0.9, Ham: 1, Spam: 9}},
	}}
	return s
}

// one is a run with advice, two is a comparison over three runs.
func one(t *testing.T, oneIn int) *eval.Outcome {
	t.Helper()
	s := series(t, "", runs(0)[:1])
	a, err := figures.Advise(s.Results[0], figures.Wish{OneIn: oneIn, Before: s.Cutoffs})
	if err != nil {
		t.Fatal(err)
	}
	advice := &eval.Advice{Advice: a, HamCutoff: a.Cutoffs.Ham, SpamCutoff: a.Cutoffs.Spam, RejectCutoff: a.Cutoffs.Reject}
	for _, r := range a.Highest {
		advice.Highest = append(advice.Highest, eval.Highest{File: s.Entries[r.Message].Path, Score: r.Score.P})
	}
	return &eval.Outcome{Method: "online", Series: []eval.Series{s}, Advice: advice}
}

func two(t *testing.T) *eval.Outcome {
	t.Helper()
	a, b := series(t, "a.toml"+hostile, runs(0)), series(t, "b.toml", runs(1))
	c := figures.Compare(figures.Side{Report: a.Report, Runs: a.Results, Cutoffs: a.Cutoffs}, figures.Side{Report: b.Report, Runs: b.Results, Cutoffs: b.Cutoffs})
	for i := range c.Changed {
		c.Changed[i].File = a.Entries[c.Changed[i].Message].Path
	}
	return &eval.Outcome{
		Method: "online, shuffled", Series: []eval.Series{a, b}, Comparisons: []eval.Comparison{{Index: a.Index, Comparison: c}},
	}
}
