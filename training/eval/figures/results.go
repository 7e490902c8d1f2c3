// Package figures turns scored messages of known class into the figures of an
// evaluation: error rates, areas and calibration, each with a 95 % interval,
// the difference of two configurations, and advice on cut-offs.
//
// It is pure: the same results give the same numbers, for its random draws have
// a fixed seed. Nothing in it is safe for concurrent use with writers of the
// results.
package figures

import (
	"errors"
	"fmt"

	"fanmill/classify"
)

// Result is one message as it was scored, with its true class.
type Result struct {
	Message int  // place in the corpus, from 0: by it runs are paired and resampled
	Spam    bool // the true class, whatever was learned
	Score   classify.Score

	early bool // among the first 1000 counted
	late  bool // in the second half of the counted
}

// Wrong tells whether the score is on the wrong side of 0.5.
func (r Result) Wrong() bool { return r.Spam != (r.Score.P >= 0.5) }

// Run is what one run counted, in the order it came.
type Run []Result

// NewRun makes a run of results in the order they came. It keeps and marks them.
func NewRun(results []Result) Run {
	for i := range results {
		results[i].early = i < 1000
		results[i].late = i >= len(results)/2
	}
	return results
}

// Pool puts runs over several corpora together: what was early or late in its
// own run stays so. sizes are the corpora's sizes; messages are numbered through.
func Pool(runs []Run, sizes []int) Run {
	var all Run
	first := 0
	for i, run := range runs {
		for _, r := range run {
			r.Message += first
			all = append(all, r)
		}
		first += sizes[i]
	}
	return all
}

// ErrOneClass says that the messages counted are all ham or all spam, so that
// most of the figures have no meaning.
var ErrOneClass = errors.New("the messages counted need both ham and spam")

func (r Run) check() error {
	var n [2]int
	for _, x := range r {
		n[class(x.Spam)]++
	}
	if n[ham] == 0 || n[spam] == 0 {
		return fmt.Errorf("%w: there are %d ham and %d spam", ErrOneClass, n[ham], n[spam])
	}
	return nil
}

// The classes, as places in arrays.
const ham, spam = 0, 1

func class(isSpam bool) int {
	if isSpam {
		return spam
	}
	return ham
}

// Fate is what the cut-offs make of a score: the verdict, where spam that may
// be refused stands apart.
type Fate uint8

// The fates, from the mildest to the hardest.
const (
	Ham Fate = iota
	Unsure
	Spam
	Reject
	fates = iota
)

// String returns the fate's word.
func (f Fate) String() string {
	if f == Reject {
		return "reject"
	}
	return classify.Verdict(f).String()
}

// MarshalText writes the fate as its word.
func (f Fate) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// fate applies cut-offs to a score.
func fate(p float64, c classify.Cutoffs) Fate {
	v := c.Verdict(p)
	if v == classify.Spam && p >= c.Reject {
		return Reject
	}
	return Fate(v)
}
