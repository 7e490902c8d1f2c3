package training

import (
	"context"
	"fmt"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training/corpus"
)

// batchTime bounds one transaction, so that other writers get their turn.
const batchTime = 150 * time.Millisecond

// Summary counts what became of messages.
type Summary struct {
	Learned   int `json:"learned"`
	Sure      int `json:"sure"`
	Seen      int `json:"seen"` // with this class, or with one that outranks it
	Flipped   int `json:"flipped"`
	Forgotten int `json:"forgotten"`
	NotFound  int `json:"not_found"`
	Waiting   int `json:"waiting"` // recorded, to be learned when both classes are known
	Earlier   int `json:"earlier"` // of Learned and Sure: were recorded by earlier runs
	Failed    int `json:"failed"`  // files and messages that could not be read
}

// Messages returns how many messages were read.
func (s Summary) Messages() int {
	return s.Learned + s.Sure - s.Earlier + s.Seen + s.Flipped + s.Waiting + s.Forgotten + s.NotFound
}

// Count adds one message's outcome.
func (s *Summary) Count(o Outcome) {
	switch o {
	case Learned:
		s.Learned++
	case Sure:
		s.Sure++
	case Seen, Outranked:
		s.Seen++
	case Flipped:
		s.Flipped++
	case Recorded:
		s.Waiting++
	case Forgotten:
		s.Forgotten++
	case NotFound:
		s.NotFound++
	}
}

// Progress is how far a run has come; all of it is in the ledger.
type Progress struct {
	Bytes   int64 // of the input, as it is on disk
	Total   int64 // 0: not known
	Summary Summary

	Learning, ToLearn int // after all was read: of the messages that waited, how many are learned
}

// Train labels all messages of the paths. What cannot be read goes to
// o.Problem, and the rest goes on. When it ends early, by ctx or by an error of
// the ledger, what the summary counts is in the ledger and stays there.
// Both callbacks may be nil.
func (t *Trainer) Train(ctx context.Context, class store.Class, paths []string, o corpus.Options, progress func(Progress)) (Summary, error) {
	if err := checkClass(class); err != nil {
		return Summary{}, err
	}
	if t.o.All { // nothing depends on the order
		return t.run(ctx, t.learner(class), paths, o, progress)
	}
	var known memory
	sum, err := t.run(ctx, t.recorder(class, &known), paths, o, progress)
	if err != nil {
		return sum, err
	}
	done, err := t.settle(ctx, known, func(done, total int) {
		if progress != nil {
			progress(Progress{Summary: sum, Learning: done, ToLearn: total})
		}
	})
	sum.Settle(done)
	return sum, err
}

// Settle sorts what waited into what was learned and what was known well enough.
func (s *Summary) Settle(done Settled) {
	own := min(done.Judged, s.Waiting)
	s.Waiting -= own
	s.Earlier = done.Judged - own
	s.Learned += done.Learned
	s.Sure += done.Judged - done.Learned
}

// Forget takes the labels of all messages of the paths away, in the way of Train.
func (t *Trainer) Forget(ctx context.Context, paths []string, o corpus.Options, progress func(Progress)) (Summary, error) {
	return t.run(ctx, t.forget, paths, o, progress)
}

func (t *Trainer) run(ctx context.Context, do action, paths []string, o corpus.Options, progress func(Progress)) (Summary, error) {
	var p Progress
	if progress != nil {
		total, known, err := corpus.Total(ctx, paths)
		if err != nil {
			return p.Summary, err
		}
		if known {
			p.Total = total
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := t.startReader(ctx, paths, o)
	for {
		// A read from a terminal cannot be interrupted, so ctx is watched too.
		select {
		case b := <-r.filled:
			if err := t.commit(ctx, do, b.messages, &p.Summary); err != nil {
				return p.Summary, err
			}
			p.Bytes = b.done
			p.Summary.Failed += len(b.problems)
			for _, problem := range b.problems {
				if o.Problem != nil {
					o.Problem(problem)
				}
			}
			if progress != nil {
				progress(p)
			}
			r.free <- b
		case err := <-r.end:
			return p.Summary, err
		case <-ctx.Done():
			return p.Summary, ctx.Err()
		}
	}
}

// commit does the action to the messages, in as many transactions as time
// requires.
func (t *Trainer) commit(ctx context.Context, do action, messages []classify.Message, sum *Summary) error {
	for len(messages) > 0 {
		var done int
		var part Summary
		err := t.db.Update(ctx, func(tx *store.Tx) error {
			done, part = 0, *sum
			begin := time.Now()
			for i := range messages {
				result, err := do(tx, &messages[i])
				if err != nil {
					return err
				}
				part.Count(result.Outcome)
				if done = i + 1; time.Since(begin) > batchTime {
					break
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write to the ledger: %w", err)
		}
		*sum = part
		messages = messages[done:]
	}
	return nil
}
