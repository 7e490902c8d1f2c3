package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// An update that took longer than longUpdate leaves the next one of this process
// a pause before it: writers of other processes poll, and one that trains
// batch after batch would never let them in.
const (
	longUpdate  = 20 * time.Millisecond
	updatePause = 2 * sqlite.MaxPause
)

// Tx is a write transaction on the ledger. All ops written before it, by any
// process, are in the model. It must not be used after the function given to
// Update has returned, nor by other goroutines.
type Tx struct {
	db  *DB
	ctx context.Context
	now time.Time
	err error // the first fault of the database: nothing more may be written

	found Row  // what Find answered last; without an ID: none
	asked bool // since the last change

	done    []model.Done // what a rollback takes back
	stepped bool         // weights are kept
	weights []int32      // the site's, as they were before the first step

	lists ledger.Lists
}

// Update runs fn in a write transaction: it waits for other writers, applies
// their ops, runs fn and commits. When fn or the commit fails, or fn panics, ledger
// and model are as before. fn must not call methods of the DB that wait for updates
// (Update, CatchUp, Rebuild, WriteSnapshot, Export, Close). Batches of some hundred
// messages cost least per message.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if db.opts.ReadOnly {
		return fmt.Errorf("update ledger: %w", sqlite.ErrReadOnly)
	}
	if err := db.begin(ctx); err != nil {
		return fmt.Errorf("update ledger: %w", sqlite.Explain(db.path, err))
	}
	defer db.give()
	start := time.Now()
	defer func() { db.lastEnd = time.Now(); db.lastLong = db.lastEnd.Sub(start) > longUpdate }()
	tx := &Tx{db: db, ctx: ctx, now: start}
	defer tx.end()
	committed := false
	defer func() {
		if !committed {
			tx.rollback()
		}
	}()
	if err := db.follower.Apply(ctx); err != nil {
		return fmt.Errorf("follow ledger: %w", sqlite.Explain(db.path, err))
	}
	if err := tx.run(fn); err != nil {
		return err
	}
	committed = true
	return nil
}

// waitQuietly is how long an update waits for another process before it says so.
const waitQuietly = time.Second

// begin takes the turn and SQLite's write lock. While another process has the
// lock it gives the turn back, so that this process goes on following.
func (db *DB) begin(ctx context.Context) error {
	start, said := time.Now(), false
	return sqlite.Retry(ctx, db.opts.Busy, func() error {
		if err := db.take(ctx); err != nil {
			return err
		}
		if wait := time.Until(db.lastEnd.Add(updatePause)); db.lastLong && wait > 0 {
			time.Sleep(wait)
		}
		err := db.replaced()
		if err == nil {
			_, err = db.w.Exec("BEGIN IMMEDIATE")
		}
		if err != nil {
			db.give()
		}
		if sqlite.IsBusy(err) && !said && time.Since(start) > waitQuietly {
			said = true
			db.log.Warn("another process writes to the ledger, waiting for it", "file", db.path, "at_most", db.opts.Busy)
		}
		return err
	})
}

func (tx *Tx) run(fn func(*Tx) error) error {
	if err := fn(tx); err != nil {
		return err
	}
	if tx.err != nil {
		return tx.err
	}
	if err := tx.refit(); err != nil {
		return err
	}
	if _, err := tx.db.w.Exec("COMMIT"); err != nil {
		return fmt.Errorf("commit to ledger: %w", sqlite.Explain(tx.db.path, err))
	}
	return nil
}

// remember keeps what a rollback needs to take a change back. Lists of grams are
// long: weights are kept whole instead, as they were.
func (tx *Tx) remember(of *Model, ch *model.Change) {
	d := model.Done{Model: of, Before: ch.Before, After: ch.After, Same: ch.Same}
	if ch.NeedsFeatures() {
		d.Features = slices.Clone(ch.Features)
	}
	tx.done = append(tx.done, d)
	if ch.NeedsGrams() && !tx.stepped {
		tx.stepped, tx.weights = true, tx.db.models.CopyWeights(tx.db.spare[:0])
		tx.db.spare = nil // until the transaction has ended
	}
}

// end gives a buffer back for the next transaction, and memory of scopes: while it
// runs, a rollback may need them all.
func (tx *Tx) end() {
	if tx.stepped {
		tx.db.spare = tx.weights
	}
	tx.db.models.Trim(tx.db.opts.ScopeMemory)
}

// rollback takes the transaction's changes out of ledger and model.
func (tx *Tx) rollback() {
	db := tx.db
	db.follower.TakeBack(tx.done)
	if tx.stepped {
		db.models.SetWeights(tx.weights)
		tx.stepped = false
	}
	if err := db.w.Rollback(); err != nil {
		db.log.Error("cannot roll back the ledger", "error", err)
	}
	if _, err := db.follower.CatchUp(context.WithoutCancel(tx.ctx)); err != nil {
		db.log.Warn("cannot calibrate after a transaction that failed, trying again with the next", "error", sqlite.Explain(db.path, err))
	}
}

// usable reports the fault after which the transaction can only fail.
func (tx *Tx) usable() error {
	if tx.err != nil {
		return fmt.Errorf("transaction has failed: %w", tx.err)
	}
	return nil
}

// fail keeps the first fault. SQLite ends the transaction by itself on some of
// them, and what were written then would be committed alone.
func (tx *Tx) fail(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, sqlite.Explain(tx.db.path, err))
	if tx.err == nil {
		tx.err = err
	}
	return err
}

// Model returns the model of a scope as the transaction sees it: with all it has
// learned so far. If the scope cannot be read the transaction will fail, and the
// site's model is returned.
func (tx *Tx) Model(scope string) TxModel {
	m, err := tx.load(scope)
	if err != nil {
		m = tx.db.models.Model("")
	}
	return TxModel{m, tx}
}

func (tx *Tx) load(scope string) (*Model, error) {
	m, err := tx.db.follower.Scope(tx.ctx, scope)
	if err != nil {
		return nil, tx.fail(fmt.Sprintf("load scope %q", scope), err)
	}
	return m, nil
}

// Find returns the row of a message without features and message, and whether
// there is one.
func (tx *Tx) Find(scope string, d classify.Digest) (Row, bool, error) {
	if err := tx.usable(); err != nil {
		return Row{}, false, err
	}
	if f := &tx.found; tx.asked && f.Scope == scope && f.Digest == d {
		return *f, f.ID != 0, nil
	}
	row, err := ledger.FindRow(tx.db.w, scope, d)
	switch {
	case errors.Is(err, ledger.ErrNoRow):
		row = Row{Scope: scope, Digest: d}
	case err != nil:
		return Row{}, false, tx.fail("find message", err)
	}
	tx.found, tx.asked = row, true
	return row, row.ID != 0, nil
}

// Load returns a row with features and message, as far as they are kept; ErrNoRow
// when there is none.
func (tx *Tx) Load(id int64) (Row, error) {
	if err := tx.usable(); err != nil {
		return Row{}, err
	}
	row, err := ledger.LoadRow(tx.db.w, id)
	if err != nil {
		return Row{}, fmt.Errorf("load message %d: %w", id, sqlite.Explain(tx.db.path, err))
	}
	return row, nil
}
