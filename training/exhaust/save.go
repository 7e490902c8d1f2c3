package exhaust

import (
	"context"
	"fmt"

	"fanmill/store"
	"fanmill/store/model"
	"fanmill/training"
)

// Saved counts what became of rows.
type Saved struct {
	Needed  int `json:"needed"`  // count
	Spare   int `json:"spare"`   // are labelled and do not count
	Dropped int `json:"dropped"` // taken out of training
	Changed int `json:"changed"` // somebody has decided otherwise meanwhile: left as they are
}

// Save writes into the ledger what a run has come to, in one transaction: how often each
// message counts, its step and its scores before it was learned, in the order of training.
// With Sources.Only other labels of the scope, but those given since, count no more. Messages that leave
// says are left out lose their label.
func (c *Collection) Save(ctx context.Context, db *store.DB, by store.Origin, leave func(*Message) bool) (s Saved, err error) {
	err = db.Update(ctx, func(tx *store.Tx) error {
		s = Saved{}
		for _, m := range c.Messages {
			if err := c.save(tx, c.known[m.Digest], by, leave(m), &s); err != nil {
				return fmt.Errorf("learn %s: %w", m.Digest, err)
			}
		}
		if c.src.Only {
			return c.rest(ctx, tx, by)
		}
		return nil
	})
	if err != nil {
		return Saved{}, fmt.Errorf("write to the ledger: %w", err)
	}
	return s, nil
}

func (c *Collection) save(tx *store.Tx, e *entry, by store.Origin, leave bool, s *Saved) error {
	old, found, err := tx.Find(c.src.Scope, e.Digest)
	if err != nil {
		return err
	}
	if found && old.Class != e.was || !found && e.was != store.None {
		s.Changed++
		return nil
	}
	if leave {
		gone, err := tx.Forget(c.src.Scope, e.Digest, by)
		if gone || err == nil && !found {
			s.Dropped++
		}
		return err
	}
	row := e.row(c.src.Scope)
	if found && old.Class == row.Class { // the label is as old as it was, and as sure
		row.Time, row.Sure = old.Time, row.Sure || old.Sure
	}
	if e.length > 0 {
		if row.Message, err = c.message(e); err != nil {
			return err
		}
		row.Complete = e.complete
	}
	if s.Spare++; e.Needed() {
		s.Spare, s.Needed = s.Spare-1, s.Needed+1
	}
	return tx.Learn(row, by)
}

func (e *entry) row(scope string) store.Row {
	return store.Row{
		Scope: scope, Digest: e.Digest, Class: e.Class, Adds: e.Adds, Step: e.Step, Sure: e.Sure,
		ScoreC: e.Before.C, ScoreE: e.Before.E, ScoreL: e.Before.L, LogOdds: e.Before.LogOdds,
		Features: training.NotNil(e.Features), Grams: training.NotNil(e.Grams),
	}
}

// rest lets the scope's other labels count no more.
func (c *Collection) rest(ctx context.Context, tx *store.Tx, by store.Origin) error {
	return tx.Counting(ctx, c.src.Scope, func(row store.Row) error {
		if c.known[row.Digest] != nil || row.Time.After(c.begun) {
			return nil
		}
		row.Adds, row.Step = 0, 0
		return tx.Learn(row, by)
	})
}

// Model returns an empty model to run in: for a user's scope beside the site's.
func Model(db *store.DB, scope string) (*model.Draft, error) {
	if scope == "" {
		return model.NewDraft(nil), nil
	}
	site, err := db.Model("")
	if err != nil {
		return nil, err
	}
	return model.NewDraft(site), nil
}
