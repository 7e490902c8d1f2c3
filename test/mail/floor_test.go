package mail

import (
	"testing"

	"fanmill/training/eval"
)

// The accuracy that our own mail, in all its languages and kinds, must get at
// least. It is far above what is measured (see docs/accuracy.md), since a few
// hundred messages leave much to chance, and far below what any broken part of
// reading, learning or scoring gives.
func TestAccuracyFloor(t *testing.T) {
	for _, c := range []struct {
		name                 string
		plan                 func(seed uint64) eval.Plan
		roca, errors, unsure float64 // at most: 1-ROCA, errors at 0.5, unsure spam, in percent
	}{
		{"5 folds", func(seed uint64) eval.Plan { return eval.Plan{From: 1, Folds: 5, Seed: seed} }, 0.5, 7, 30},
		{"online", func(seed uint64) eval.Plan { return eval.Plan{From: 1, Shuffle: &seed} }, 4, 14, 70},
	} {
		o := eval.DefaultOptions("index")
		b := eval.Bench{Indexes: []string{o.Index}, Configs: []eval.Config{o.Config}, Resamples: 10}
		for seed := range uint64(5) {
			b.Plans = append(b.Plans, c.plan(seed))
		}
		out, err := b.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f := out.Series[0].Report
		errors, unsure := 100*f.Errors/float64(f.N), 100*f.SpamUnsure/float64(f.Spam)
		if f.ROCA > c.roca || errors > c.errors || unsure > c.unsure {
			t.Errorf("%s: 1-ROCA %.3f %%, errors %.1f %%, unsure spam %.1f %%; want at most %v, %v and %v",
				c.name, f.ROCA, errors, unsure, c.roca, c.errors, c.unsure)
		}
		if f.HamRejected > 0 || f.SpamPassed > 0.01*float64(f.Spam) {
			t.Errorf("%s: %v ham rejected, %v of %d spam passed", c.name, f.HamRejected, f.SpamPassed, f.Spam)
		}
	}
}
