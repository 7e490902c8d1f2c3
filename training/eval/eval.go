// Package eval measures the filter on a labelled corpus, in the way of TREC's
// spam track: every message is scored by what was learned from those before it,
// then learned from.
//
// A corpus is given by an index, a text file of lines `spam PATH` and `ham
// PATH`, paths relative to the index's folder, one message per file. Each run
// starts from an empty model that lives in memory and follows the rules of the
// store: a message that was seen before changes nothing, with the other label
// it changes sides. A run uses one goroutine; several may run at once, but then
// Report.Seconds counts the CPU time of all.
package eval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"fanmill/classify"
	"fanmill/training"
)

// Options say what to measure.
type Options struct {
	Index    string // path of the index file
	Classify classify.Options
	Cutoffs  classify.Cutoffs
	Rule     training.Rule
	From     int     // messages before the From-th (from 1) are learned, not counted
	Folds    int     // 0: online; K >= 2: score each of K parts after learning the others
	Seed     uint64  // how the parts are drawn
	Shuffle  *uint64 // nil: the order of the index; else a permutation of it
	Progress func(done, total int)
}

// DefaultOptions measures online, in the order of the index, with the defaults
// of scoring and training.
func DefaultOptions(index string) Options {
	return Options{
		Index:    index,
		Classify: classify.DefaultOptions(),
		Cutoffs:  classify.DefaultCutoffs(),
		Rule:     training.Rule{Margin: training.DefaultMargin},
		From:     1,
	}
}

// ErrOneClass says that the messages counted are all ham or all spam, so that
// most of the figures have no meaning.
var ErrOneClass = errors.New("the messages counted need both ham and spam")

func (o Options) validate() error {
	switch {
	case o.Folds == 1 || o.Folds < 0:
		return fmt.Errorf("%d folds: want 2 or more", o.Folds)
	case o.From < 1:
		return fmt.Errorf("counting from message %d: want 1 or more", o.From)
	}
	return errors.Join(o.Classify.Validate())
}

// Run measures and reports.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.validate(); err != nil {
		return Report{}, err
	}
	index, err := ReadIndex(o.Index)
	if err != nil {
		return Report{}, err
	}
	if o.Folds > len(index) {
		return Report{}, fmt.Errorf("%d folds of %d messages", o.Folds, len(index))
	}
	if o.Shuffle != nil {
		shuffle(index, *o.Shuffle)
	}
	begin := cpuTime()
	r := run{ctx: ctx, o: o, corpus: newReader(o.Classify, index), results: make([]Result, 0, len(index))}
	if o.Folds > 0 {
		err = r.crossValidate()
	} else {
		err = r.online()
	}
	if err != nil {
		return Report{}, err
	}
	report, err := Measure(r.results[min(o.From-1, len(r.results)):], o.Cutoffs)
	report.Seconds = (cpuTime() - begin).Seconds()
	return report, err
}

func shuffle[T any](s []T, seed uint64) {
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// run is one measurement in progress; results are in the order of the corpus.
type run struct {
	ctx     context.Context
	o       Options
	corpus  *reader
	results []Result
}

// online scores each message, then learns it.
func (r *run) online() error {
	learner := newLearner(r.o.Rule)
	for i := range r.corpus.index {
		m, err := r.next(i, i)
		if err != nil {
			return err
		}
		score := learner.score(m)
		r.results = append(r.results, Result{Spam: m.spam, Score: score})
		learner.learn(m, score)
	}
	return nil
}

// crossValidate learns all parts but one, in the order of the corpus, scores
// the messages of that one, and does so for each part.
func (r *run) crossValidate() error {
	n := len(r.corpus.index)
	part := make([]int, n)
	for i := range part {
		part[i] = i % r.o.Folds
	}
	shuffle(part, r.o.Seed)
	r.corpus.remember()
	r.results = r.results[:n]
	done := 0
	for fold := range r.o.Folds {
		learner := newLearner(r.o.Rule)
		for _, learn := range []bool{true, false} {
			for i := range n {
				if (part[i] != fold) != learn {
					continue
				}
				m, err := r.next(i, done/r.o.Folds)
				if err != nil {
					return err
				}
				done++
				score := learner.score(m)
				if learn {
					learner.learn(m, score)
				} else {
					r.results[i] = Result{Spam: m.spam, Score: score}
				}
			}
		}
	}
	return nil
}

// next reads the i-th message of the corpus.
func (r *run) next(i, done int) (message, error) {
	if err := r.ctx.Err(); err != nil {
		return message{}, err
	}
	if r.o.Progress != nil && done%64 == 0 {
		r.o.Progress(done, len(r.corpus.index))
	}
	return r.corpus.read(i)
}

// cpuTime is the CPU time this process has used, in user and system mode.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // cannot fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
