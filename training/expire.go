package training

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/query"
)

// Expiry goes in small steps, each a transaction of its own: expireStep labels go, and
// when some of them counted, up to rejudged of the newest labels of their class that do
// not count are judged again, since what they would have added was known from those that
// went.
const (
	expireStep = 50
	rejudged   = 50
)

// Expired counts what became of rows by expiry.
type Expired struct {
	Found  int `json:"found"`  // labels that are to go
	Needed int `json:"needed"` // of these, counted
	Labels int `json:"labels"` // taken away
	Gained int `json:"gained"` // labels that count now in place of those that went
}

// Expire takes the labels away that the ledger shall not keep, in the trainer's scope:
// those that do not count first, then the oldest. pause is waited between two steps, so
// that other writers get their turn. progress may be nil. What is done before an error
// stays done.
func (t *Trainer) Expire(ctx context.Context, keep query.Keep, pause time.Duration, progress func(done, total int)) (Expired, error) {
	list, sum, err := t.Expirables(ctx, keep)
	if err != nil {
		return sum, err
	}
	s := settler{t: t, stream: classify.NewStream(t.o.Classify)}
	for done := 0; done < len(list); {
		n, err := s.expire(ctx, list[done:min(done+expireStep, len(list))], &sum)
		if err != nil {
			return sum, err
		}
		if done += n; progress != nil {
			progress(done, len(list))
		}
		if err := wait(ctx, pause); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// Swept counts what was removed from the ledger, or is to be.
type Swept struct {
	Messages int   `json:"removed"` // without a label
	Ops      int64 `json:"pruned"`  // of the log
}

// Ops and messages are removed so many at once.
const (
	sweepStep = 50
	pruneStep = 500
)

// Sweep removes, in such steps too, messages of all scopes whose label expired an hour
// ago or longer, and of the log and of other messages without a label what is too old.
// The room is given back to the file system.
func Sweep(ctx context.Context, db *store.DB, keep query.Memory, pause time.Duration) (sum Swept, err error) {
	old, err := db.Stale(ctx, keep, time.Now())
	if err != nil {
		return sum, err
	}
	for ids := range slices.Chunk(old.Messages, sweepStep) {
		n := 0
		err := db.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Sweep(ids)
			return err
		})
		if err != nil {
			return sum, fmt.Errorf("write to the ledger: %w", err)
		}
		sum.Messages += n
		if err := wait(ctx, pause); err != nil {
			return sum, err
		}
	}
	for sum.Ops < old.Ops {
		n, err := db.Prune(ctx, old, pruneStep)
		if err != nil {
			return sum, fmt.Errorf("write to the ledger: %w", err)
		}
		if sum.Ops += n; n == 0 {
			break // another process has done the rest
		}
		if err := wait(ctx, pause); err != nil {
			return sum, err
		}
	}
	return sum, db.Shrink(ctx, pause)
}

// Expirables lists the labels that are to go.
func (t *Trainer) Expirables(ctx context.Context, keep query.Keep) ([]query.Expirable, Expired, error) {
	var sum Expired
	if keep.Age <= 0 && keep.Rows <= 0 {
		return nil, sum, nil
	}
	list, err := t.db.Expirables(ctx, t.o.Scope, keep, time.Now())
	sum.Found = len(list)
	for _, x := range list {
		if x.Needed {
			sum.Needed++
		}
	}
	return list, sum, err
}

// expire takes some labels away and returns how many it looked at.
func (s *settler) expire(ctx context.Context, list []query.Expirable, sum *Expired) (done int, err error) {
	next := *sum
	err = s.update(ctx, func(tx *store.Tx, late func() bool) error {
		next, done = *sum, 0
		lost := map[store.Class]int{}
		for ; done < len(list) && !late(); done++ {
			gone, err := tx.Expire(list[done], s.t.o.Origin.Actor)
			if err != nil {
				return fmt.Errorf("expire message %d: %w", list[done].ID, err)
			}
			if gone {
				next.Labels++
			}
			if gone && list[done].Needed {
				lost[list[done].Class]++
			}
		}
		for class := range lost {
			if err := s.rejudge(tx, class, &next); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		*sum = next
	}
	return done, err
}

// rejudge lets the newest labels of a class that do not count gain what they add now.
func (s *settler) rejudge(tx *store.Tx, class store.Class, sum *Expired) error {
	rows, err := tx.Spare(s.t.o.Scope, class, rejudged)
	if err != nil {
		return err
	}
	for _, row := range rows {
		effect, err := s.judgeAgain(tx, learned{row.Digest, class})
		if err != nil {
			return fmt.Errorf("judge %s again: %w", row.Digest, err)
		}
		if effect.Adds > 0 {
			sum.Gained++
		}
	}
	return nil
}

// wait waits, unless ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
