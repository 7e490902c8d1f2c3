package figures

import (
	"cmp"
	"slices"
)

// Point is a place on the learning curve.
type Point struct {
	After  int     `json:"after"`  // messages counted
	Errors float64 `json:"errors"` // at 0.5 so far, the mean over the runs
}

// curve is the learning curve at 100, 200, 500, 1,000 messages and so on, and at
// the end.
func curve(runs []Run) []Point {
	n := shortest(runs)
	var at []int
	for decade := 100; decade < n; decade *= 10 {
		for _, m := range []int{1, 2, 5} {
			if m*decade < n {
				at = append(at, m*decade)
			}
		}
	}
	return Errors(runs, append(at, n))
}

func shortest(runs []Run) int {
	return len(slices.MinFunc(runs, func(a, b Run) int { return cmp.Compare(len(a), len(b)) }))
}

// Errors counts the errors at 0.5 up to each of the places, which ascend.
func Errors(runs []Run, places []int) []Point {
	out := make([]Point, len(places))
	for i, after := range places {
		out[i].After = after
	}
	for _, run := range runs {
		errors, from := 0.0, 0
		for i := range out {
			for _, r := range run[from:min(out[i].After, len(run))] {
				if r.Wrong() {
					errors++
				}
			}
			from = min(out[i].After, len(run))
			out[i].Errors += errors / float64(len(runs))
		}
	}
	return out
}

// Operating is what a cut-off at Score would do: shares of 0 to 1.
type Operating struct {
	Score     float64
	HamAbove  float64 // ham at or above it
	SpamBelow float64 // spam below it
}

// ROC is the ROC curve, from a cut-off that takes nothing for spam down to one
// that takes everything. Several runs are put together.
func ROC(runs []Run) []Operating {
	all := slices.Concat(runs...)
	slices.SortStableFunc(all, func(a, b Result) int { return byScore(b, a) })
	var total, above [2]float64
	for _, r := range all {
		total[class(r.Spam)]++
	}
	out := []Operating{{Score: 1, SpamBelow: 1}}
	for i, r := range all {
		above[class(r.Spam)]++
		if i+1 == len(all) || byScore(r, all[i+1]) != 0 {
			out = append(out, Operating{r.Score.P, above[ham] / total[ham], 1 - above[spam]/total[spam]})
		}
	}
	return out
}
