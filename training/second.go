package training

import (
	"context"
	"fmt"
	"time"

	"fanmill/classify"
	"fanmill/store"
)

// The second look. Whether a message counts is decided when it is recorded, by
// what is known then. Training all ham and then all spam, as is usual, judges
// the ham before anything speaks for spam. So, once both classes have
// classify.MinLabels counting messages, those that did not count are judged once
// more by the same rule, ham and spam in turn. That brings back what training in
// mixed order would have given: on the first half of the SpamAssassin corpus
// (shuffled, all ham before all spam) 1-ROCA of the second half falls from 8 %
// to 0.1 %. Each message gets one second look.

// lookMax bounds how many messages of each class, the newest, get a second look
// at a time.
const lookMax = 10_000

// dropBatch is of how many messages features are dropped in one transaction.
const dropBatch = 500

// rememberMax bounds the features kept of messages that did not count, so that
// the second look need not read them again from the ledger: 32 MB.
const rememberMax = 4 << 20

// memory holds the features of messages that were recorded without counting.
type memory struct {
	features map[classify.Digest][]uint64
	n        int
}

func (m *memory) keep(msg *classify.Message, o Outcome) {
	if o != Sure || m.n+len(msg.Features) > rememberMax {
		return
	}
	if m.features == nil {
		m.features = map[classify.Digest][]uint64{}
	}
	m.features[msg.Digest] = append([]uint64(nil), msg.Features...)
	m.n += len(msg.Features)
}

// secondLook judges what waits for it, in as many transactions as time
// requires, and returns how many messages count now that did not. With first
// set it does so only if the scope has never had a second look: a moderator who
// decides one message at a time needs it once, when both classes are known.
func (t *Trainer) secondLook(ctx context.Context, known memory, first bool) (counted int, err error) {
	rows, err := t.waiting(ctx, first)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	stream, scorer := classify.NewStream(t.o.Classify), new(classify.Scorer)
	last := int64(0)
	for _, r := range rows {
		last = max(last, r.ID)
	}
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil { // the ledger heeds it only where it waits
			return counted, err
		}
		done, adds := 0, 0
		err := t.db.Update(ctx, func(tx *store.Tx) error {
			done, adds = 0, 0
			begin := time.Now()
			for _, r := range rows {
				n, err := t.judgeAgain(tx, r, known, stream, scorer)
				if err != nil {
					return fmt.Errorf("judge %s again: %w", r.Digest, err)
				}
				adds += n
				if done++; time.Since(begin) > batchTime {
					break
				}
			}
			if done < len(rows) {
				return nil
			}
			return tx.Judged(t.o.Scope, last)
		})
		if err != nil {
			return counted, fmt.Errorf("write to the ledger: %w", err)
		}
		counted += adds
		rows = rows[done:]
	}
	return counted, t.dropFeatures(ctx)
}

// dropFeatures takes away what was kept for second looks that are done.
func (t *Trainer) dropFeatures(ctx context.Context) error {
	for n := dropBatch; n == dropBatch; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := t.db.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DropFeatures(t.o.Scope, dropBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("write to the ledger: %w", err)
		}
	}
	return nil
}

// waiting lists the messages that are due for a second look, classes in turn in
// proportion to their numbers; none while a class is thin.
func (t *Trainer) waiting(ctx context.Context, first bool) (rows []store.Idle, err error) {
	err = t.db.Update(ctx, func(tx *store.Tx) error {
		rows = nil
		total := tx.Model(t.o.Scope).Totals()
		if min(total.Ham, total.Spam) < classify.MinLabels {
			return nil
		}
		if judged, err := tx.LastJudged(t.o.Scope); err != nil || first && judged > 0 {
			return err
		}
		ham, err := tx.Idle(t.o.Scope, store.Ham, lookMax)
		if err != nil {
			return err
		}
		spam, err := tx.Idle(t.o.Scope, store.Spam, lookMax)
		rows = inTurn(ham, spam)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what is to be judged again: %w", err)
	}
	return rows, nil
}

// inTurn merges two lists so that both are used up at the same pace.
func inTurn(a, b []store.Idle) []store.Idle {
	out := make([]store.Idle, 0, len(a)+len(b))
	for i, k := 0, 0; i < len(a) || k < len(b); {
		if k == len(b) || i < len(a) && i*len(b) <= k*len(a) {
			out, i = append(out, a[i]), i+1
		} else {
			out, k = append(out, b[k]), k+1
		}
	}
	return out
}

// judgeAgain applies the rule to one message and returns how often it now counts.
func (t *Trainer) judgeAgain(tx *store.Tx, r store.Idle, known memory, stream *classify.Stream, scorer *classify.Scorer) (int, error) {
	row, found, err := tx.Find(t.o.Scope, r.Digest)
	if err != nil || !found || row.Class != r.Class || row.Adds > 0 {
		return 0, err // forgotten or changed by somebody in the meantime
	}
	row.Features = known.features[r.Digest]
	if row.Features == nil {
		if row.Features, err = features(tx, r.ID, stream); err != nil || row.Features == nil {
			return 0, err
		}
	}
	model := tx.Model(t.o.Scope)
	before := scorer.Score(row.Features, nil, model)
	if row.Adds = t.rule.Adds(r.Class == store.Spam, before, model.Totals()); row.Adds == 0 {
		return 0, nil
	}
	row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds = before.C, before.E, before.L, before.LogOdds
	row.Time = time.Time{}
	return row.Adds, tx.Learn(row, t.o.Origin)
}

// features are what the ledger keeps of a row, or what its message yields; nil
// when there is neither.
func features(tx *store.Tx, id int64, stream *classify.Stream) ([]uint64, error) {
	row, err := tx.Load(id)
	if err != nil {
		return nil, err
	}
	if row.Features != nil || !row.Complete {
		return row.Features, nil
	}
	stream.Reset()
	return append([]uint64{}, stream.Stored(row.Message).Features...), nil
}
