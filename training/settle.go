package training

import (
	"bytes"
	"context"
	"fmt"
	"slices"
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

// rememberMax bounds the features and grams kept of messages that wait, in
// bytes, so that learning need not read them from the ledger again.
const rememberMax = 64 << 20

// memory holds the features and grams of messages that were recorded.
type memory struct {
	lists map[classify.Digest]lists
	bytes int
}

type lists struct {
	features []uint64
	grams    []uint32
}

func (m *memory) keep(msg *classify.Message) bool {
	n := 8*len(msg.Features) + 4*len(msg.Grams)
	if m.bytes+n > rememberMax {
		return false
	}
	if m.lists == nil {
		m.lists = map[classify.Digest]lists{}
	}
	m.lists[msg.Digest] = lists{slices.Clone(msg.Features), slices.Clone(msg.Grams)}
	m.bytes += n
	return true
}

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
	var sum Settled
	rows, err := t.waiting(ctx)
	if err != nil || len(rows) == 0 {
		return sum, err
	}
	slices.SortFunc(rows, func(a, b store.Waiting) int { return bytes.Compare(a.Digest[:], b.Digest[:]) })
	s := settler{t: t, known: known, stream: classify.NewStream(t.o.Classify)}
	total := len(rows)
	for s.round = 0; s.round < Rounds && len(rows) > 0; s.round++ {
		again := rows[:0]
		for done := 0; done < len(rows); {
			part, n, err := s.part(ctx, rows[done:])
			if err != nil {
				return sum, err
			}
			done += n
			again = append(again, part...)
			if s.round == 0 {
				sum.Judged, sum.Learned = sum.Judged+n, sum.Learned+len(part)
				progress(done, total)
			}
		}
		rows = again
	}
	return sum, nil
}

// waiting lists what is to be learned; none while a class is too small.
func (t *Trainer) waiting(ctx context.Context) (rows []store.Waiting, err error) {
	err = t.db.Update(ctx, func(tx *store.Tx) error {
		rows = nil
		if t.oneSided(tx) {
			return nil
		}
		rows, err = tx.Waiting(t.o.Scope)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what is to be learned: %w", err)
	}
	return rows, nil
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
	round  int
}

// part learns rows in one transaction and returns how many it dealt with, and
// which of these the model did not know well enough.
func (s *settler) part(ctx context.Context, rows []store.Waiting) (learned []store.Waiting, done int, err error) {
	if err := ctx.Err(); err != nil { // the ledger heeds it only where it waits
		return nil, 0, err
	}
	err = s.t.db.Update(ctx, func(tx *store.Tx) error {
		learned, done = nil, 0
		for begin := time.Now(); done < len(rows) && time.Since(begin) < batchTime; done++ {
			more, err := s.judge(tx, rows[done])
			if err != nil {
				return fmt.Errorf("learn %s: %w", rows[done].Digest, err)
			}
			if more {
				learned = append(learned, rows[done])
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("write to the ledger: %w", err)
	}
	return learned, done, nil
}

// judge learns one message and tells whether the model gained by it. In the
// first round the score before training is kept: later ones know the message.
func (s *settler) judge(tx *store.Tx, w store.Waiting) (bool, error) {
	row, found, err := tx.Find(s.t.o.Scope, w.Digest)
	if err != nil || !found || row.Class != w.Class || row.Waits != (s.round == 0) {
		return false, err // forgotten or changed by somebody in the meantime
	}
	if err := s.read(tx, &row); err != nil || row.Features == nil {
		return false, err
	}
	model := tx.Model(s.t.o.Scope)
	spam, score := row.Class == store.Spam, s.scorer.Score(row.Features, row.Grams, model)
	var effect Effect
	if s.round == 0 {
		effect = s.t.rule.Judge(spam, score, len(row.Grams), model, row.Sure)
		row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds = score.C, score.E, score.L, score.LogOdds
	} else {
		without := func() classify.Score { return s.scorer.Score(row.Features, row.Grams, less(model, row)) }
		if effect = s.t.rule.Again(spam, score, without, len(row.Grams), model, row.Sure); effect.Nothing() {
			return false, nil
		}
	}
	row.Adds, row.Step, row.Waits = row.Adds+effect.Adds, row.Step+effect.Step, false
	return !effect.Nothing(), tx.Learn(row, s.t.o.Origin)
}

// read gives a row its features and grams: remembered, kept in the ledger, or
// taken from its message. Features are nil when there is nothing to take them from.
func (s *settler) read(tx *store.Tx, row *store.Row) error {
	if l, ok := s.known.lists[row.Digest]; ok {
		row.Features, row.Grams = l.features, l.grams
		return nil
	}
	if err := tx.Lists(row); err != nil || row.Features != nil && row.Grams != nil || !row.Complete {
		return err
	}
	kept, err := tx.Load(row.ID)
	if err != nil {
		return err
	}
	s.stream.Reset()
	m := s.stream.Stored(kept.Message)
	row.Features, row.Grams = notNil(m.Features), notNil(m.Grams)
	return nil
}

// notNil makes an empty list of nil, which would mean in a row that the list is
// not known.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
