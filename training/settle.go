package training

import (
	"context"
	"fmt"
	"maps"
	"time"

	"fanmill/classify"
	"fanmill/store"
)

// Many messages at once are first recorded, and learned when all of them are
// known: in the order of their digests, which mixes classes, senders and times.
// A mailbox has its messages sorted by class and time, and a model that learns
// all ham before all spam knows nothing of spam when it judges the ham, and is
// wrong about all the spam when it comes (docs/adr/0003-record-then-learn.md).
//
// What the first round had to learn is judged again in up to Rounds rounds.
// Messages wait while a class has fewer than classify.MinLabels labels: the
// training that brings the last of these learns them all.

// Settled says what became of messages that waited.
type Settled struct {
	Judged  int `json:"judged"`
	Learned int `json:"learned"` // of these; the others were known well enough
}

// Settle learns what waits in the scope, if both classes are known.
func (t *Trainer) Settle(ctx context.Context) (Settled, error) {
	return t.settle(ctx, memory{}, func(int, int) {})
}

// settle learns what waits in the scope, if both classes are known, in as many
// transactions as time requires. What was learned before an error stays, the
// rest goes on waiting.
func (t *Trainer) settle(ctx context.Context, known memory, progress func(done, total int)) (Settled, error) {
	s := settler{t: t, known: known, stream: classify.NewStream(t.o.Classify)}
	total, err := t.waiting(ctx, &s.known)
	if err != nil || total == 0 {
		return s.sum, err
	}
	for more := true; more; progress(s.sum.Judged, total) {
		if more, err = s.first(ctx); err != nil {
			return s.sum, err
		}
	}
	for round := 1; round < Rounds && len(s.again) > 0; round++ {
		rows := s.again
		s.again = rows[:0]
		for len(rows) > 0 {
			n, err := s.later(ctx, rows)
			if err != nil {
				return s.sum, err
			}
			rows = rows[n:]
		}
	}
	if err := t.db.Shrink(ctx, 0); err != nil {
		t.logger.Warn("cannot give what is free of the ledger back to the file system", "error", err)
	}
	return s.sum, nil
}

// waiting counts what is to be learned; nothing while a class is too small. The lists
// that are known are put by until then, and come back to what is known.
func (t *Trainer) waiting(ctx context.Context, known *memory) (n int, err error) {
	err = t.db.Update(ctx, func(tx *store.Tx) error {
		n = tx.Model(t.o.Scope).Labels().Waiting
		switch oneSided := t.oneSided(tx); {
		case oneSided:
			if n = 0; len(known.lists) > 0 {
				tx.Stash(maps.All(known.lists))
			}
		case n > 0 && t.o.Scope == "":
			known.bringBack(tx)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count what is to be learned: %w", err)
	}
	return n, nil
}

// oneSided tells whether a class has too few labels to learn many messages of the
// other.
func (t *Trainer) oneSided(tx *store.Tx) bool {
	l := tx.Model(t.o.Scope).Known()
	return min(l.Ham, l.Spam) < classify.MinLabels
}

// settler is one settling under way.
type settler struct {
	t      *Trainer
	known  memory
	stream *classify.Stream
	scorer classify.Scorer
	told   told
	after  classify.Digest // the last that was judged in the first round
	again  []learned       // what the next round judges again
	sum    Settled
}

// learned is a message that the model did not know well enough.
type learned struct {
	digest classify.Digest
	class  store.Class
}

// atOnce is how many messages that wait are read at once.
const atOnce = 32

// first judges messages that wait in one transaction, and tells whether there are more.
func (s *settler) first(ctx context.Context) (more bool, err error) {
	after, again, sum := s.after, s.again, s.sum
	err = s.update(ctx, func(tx *store.Tx, late func() bool) error {
		for more = true; more && !late(); {
			n, err := tx.Waiting(s.t.o.Scope, after, atOnce, func(row *store.Row) error {
				effect, err := s.judge(tx, row)
				if err != nil {
					return fmt.Errorf("learn %s: %w", row.Digest, err)
				}
				after = row.Digest
				sum.Judged++
				if !effect.Nothing() {
					sum.Learned++
					again = append(again, learned{row.Digest, row.Class})
				}
				return nil
			})
			if err != nil {
				return err
			}
			more = n == atOnce
		}
		return nil
	})
	if err == nil {
		s.after, s.again, s.sum = after, again, sum
	}
	return more, err
}

// later judges what was learned once more in one transaction and returns how many
// it dealt with. It takes rows from the front and puts those that gain again there.
func (s *settler) later(ctx context.Context, rows []learned) (done int, err error) {
	again := s.again
	err = s.update(ctx, func(tx *store.Tx, late func() bool) error {
		for done = 0; done < len(rows) && !late(); done++ {
			effect, err := s.judgeAgain(tx, rows[done])
			if err != nil {
				return fmt.Errorf("learn %s: %w", rows[done].digest, err)
			}
			if !effect.Nothing() {
				again = append(again, rows[done])
			}
		}
		return nil
	})
	if err == nil {
		s.again = again
	}
	return done, err
}

// update runs fn in a transaction, with a function that says when it should end.
func (s *settler) update(ctx context.Context, fn func(tx *store.Tx, late func() bool) error) error {
	if err := ctx.Err(); err != nil { // the ledger heeds it only where it waits
		return err
	}
	err := s.t.db.Update(ctx, func(tx *store.Tx) error {
		begin := time.Now()
		return fn(tx, func() bool { return time.Since(begin) > batchTime })
	})
	if err != nil {
		return fmt.Errorf("write to the ledger: %w", err)
	}
	return nil
}

// judge learns one message that waits. Its scores before training are kept: later
// rounds know the message.
func (s *settler) judge(tx *store.Tx, row *store.Row) (Effect, error) {
	if err := s.read(tx, row); err != nil || row.Features == nil {
		return Effect{}, err
	}
	model := tx.Model(s.t.o.Scope)
	spam, score := row.Class == store.Spam, s.scorer.Score(row.Features, row.Grams, model)
	effect := s.t.rule.Judge(spam, score, len(row.Grams), model, row.Sure)
	row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds = score.C, score.E, score.L, score.LogOdds
	if !effect.Nothing() {
		s.known.take(row.Digest, store.Lists{Features: row.Features, Grams: row.Grams})
	}
	return effect, s.add(tx, row, effect)
}

// judgeAgain lets a message that was learned gain more, unless it was forgotten or
// changed by somebody in the meantime.
func (s *settler) judgeAgain(tx *store.Tx, l learned) (Effect, error) {
	row, found, err := tx.Find(s.t.o.Scope, l.digest)
	if err != nil || !found || row.Class != l.class || row.Waits {
		return Effect{}, err
	}
	if err := s.read(tx, &row); err != nil || row.Features == nil {
		return Effect{}, err
	}
	s.told.of(tx.Model(s.t.o.Scope))
	model := &s.told
	spam, score := row.Class == store.Spam, s.scorer.Score(row.Features, row.Grams, model)
	without := func() classify.Score { return s.scorer.Score(row.Features, row.Grams, less(model, row)) }
	effect := s.t.rule.Again(spam, score, without, len(row.Grams), model, row.Sure)
	if effect.Nothing() {
		return effect, nil
	}
	return effect, s.add(tx, &row, effect)
}

func (s *settler) add(tx *store.Tx, row *store.Row, e Effect) error {
	row.Adds, row.Step, row.Waits = row.Adds+e.Adds, row.Step+e.Step, false
	return tx.Learn(*row, s.t.o.Origin)
}

// read gives a row its features and grams: remembered, kept in the ledger, or
// taken from its message. Features are nil when there is nothing to take them from.
func (s *settler) read(tx *store.Tx, row *store.Row) error {
	if l, ok := s.known.lists[row.Digest]; ok {
		row.Features, row.Grams = l.Features, l.Grams
		return nil
	}
	if row.Features == nil || row.Grams == nil {
		if err := tx.Lists(row); err != nil {
			return err
		}
	}
	if row.Features != nil && row.Grams != nil || !row.Complete {
		return nil
	}
	kept, err := tx.Load(row.ID)
	if err != nil {
		return err
	}
	s.stream.Reset()
	m := s.stream.Stored(kept.Message)
	row.Features, row.Grams = append([]uint64{}, m.Features...), append([]uint32{}, m.Grams...)
	return nil
}

// NotNil makes an empty list of nil, which would mean in a row that the list is
// not known.
func NotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
