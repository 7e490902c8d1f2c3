package figures

import (
	"cmp"
	"math"
	"slices"

	"fanmill/classify"
)

// Comparison is what a second configuration changes, on the same messages in
// the same order.
type Comparison struct {
	Difference Figures  `json:"difference"` // of the second to the first
	Low        Figures  `json:"low"`        // ends of the 95 % intervals
	High       Figures  `json:"high"`       //
	Changed    []Change `json:"changed"`    // verdicts that differ, the farthest apart first
	Better     int      `json:"better"`     // of these nearer to the true class
}

// Change is a message whose verdict differs: in the run where the scores are
// farthest apart.
type Change struct {
	Message int     `json:"-"`
	File    string  `json:"file"` // left to the caller
	Spam    bool    `json:"spam"` // the true class
	Before  Fate    `json:"before"`
	After   Fate    `json:"after"`
	ScoreA  float64 `json:"score_before"`
	ScoreB  float64 `json:"score_after"`
	Runs    int     `json:"runs"` // in which the verdict differs
	apart   float64 // of the log-odds
}

// Better tells whether the change is to the side of the true class.
func (c Change) Better() bool { return c.Spam == (c.After > c.Before) }

// Side is one of two configurations.
type Side struct {
	Report  Report // as Measure made it
	Runs    []Run
	Cutoffs classify.Cutoffs
}

// Compare pairs the runs of two configurations, which counted the same messages
// in the same order and were measured with as many resamples. Each resample took
// the same messages for both, so that only what differs between them makes the
// intervals wide.
func Compare(a, b Side) Comparison {
	c := Comparison{Difference: minus(b.Report.Figures, a.Report.Figures), Changed: changes(a, b)}
	differences := make([]Figures, len(a.Report.draws))
	for i := range differences {
		differences[i] = minus(b.Report.draws[i], a.Report.draws[i])
	}
	c.Low, c.High = intervals(c.Difference, differences)
	for _, x := range c.Changed {
		if x.Better() {
			c.Better++
		}
	}
	return c
}

func changes(a, b Side) []Change {
	all := map[int]Change{}
	for i, run := range a.Runs {
		for j, ra := range run {
			rb := b.Runs[i][j]
			x := Change{
				Message: ra.Message, Spam: ra.Spam, Before: fate(ra.Score.P, a.Cutoffs), After: fate(rb.Score.P, b.Cutoffs),
				ScoreA: ra.Score.P, ScoreB: rb.Score.P, Runs: 1, apart: math.Abs(ra.Score.LogOdds - rb.Score.LogOdds),
			}
			if x.Before == x.After {
				continue
			}
			if old, seen := all[x.Message]; seen {
				n := old.Runs + 1
				if old.apart >= x.apart {
					x = old
				}
				x.Runs = n
			}
			all[x.Message] = x
		}
	}
	out := []Change{}
	for _, x := range all {
		out = append(out, x)
	}
	slices.SortFunc(out, func(x, y Change) int {
		return cmp.Or(cmp.Compare(y.apart, x.apart), cmp.Compare(x.Message, y.Message))
	})
	return out
}
