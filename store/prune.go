package store

import (
	"context"

	"fanmill/store/ledger"
	"fanmill/store/query"
)

// The rows say what the model is, and nothing is built from the log (see ledger.Sum), so
// what is old of it can go: it says who decided what, and how to take that back. A
// process that is further behind than the log reaches finds a gap and builds its model
// from the rows (see package follow).

// Prune removes up to limit of the ops that are to go, the oldest first, with what they
// took from their rows, and returns how many. A snapshot that is older than what goes is
// written anew before.
func (db *DB) Prune(ctx context.Context, old query.Stale, limit int64) (removed int64, err error) {
	if old.Ops <= 0 {
		return 0, nil
	}
	if saved, ok := db.follower.Saved(); ok && saved.Seq <= old.Last {
		if _, err := db.CatchUp(ctx); err != nil {
			return 0, err
		}
		if err := db.WriteSnapshot(); err != nil {
			return 0, err
		}
	}
	err = db.Update(ctx, func(tx *Tx) error {
		first, err := tx.db.w.Integer(ledger.SelectFirst)
		if err != nil {
			return tx.fail("prune the log", err)
		}
		last := min(old.Last, first+limit-1)
		removed = max(0, last-first+1)
		if err := ledger.Prune(tx.db.w, last); err != nil {
			return tx.fail("prune the log", err)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// Sweep removes those of some rows that have no label, with their messages, and returns
// how many. What the log still has of them says that they were there.
func (tx *Tx) Sweep(ids []int64) (removed int, err error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	for _, id := range ids {
		gone, err := ledger.Sweep(tx.db.w, id)
		if err != nil {
			return 0, tx.fail("remove messages without a label", err)
		}
		if gone { // else it has one again
			removed++
		}
	}
	tx.asked = false
	return removed, nil
}
