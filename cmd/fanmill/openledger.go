package main

import (
	"context"
	"errors"
	"io/fs"

	"fanmill/store"
)

// openLedger opens the ledger for a command. done closes it, and when it was open for
// writing gives what root has made to the directory's owner; it adds what fails to *err.
func (e *Env) openLedger(ctx context.Context, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	return e.open(ctx, store.Options{Dir: dir, ReadOnly: readOnly})
}

// openExisting is openLedger for commands that have nothing to do without training:
// where there is no ledger, none is made.
func (e *Env) openExisting(ctx context.Context, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	db, done, err = e.open(ctx, store.Options{Dir: dir, ReadOnly: readOnly, Existing: true})
	if errors.Is(err, fs.ErrNotExist) {
		err = hint(err, "check --data and FANMILL_DATA; `fanmill train` makes a ledger")
	}
	return db, done, err
}

func (e *Env) open(ctx context.Context, o store.Options) (db *store.DB, done func(err *error), err error) {
	o.Logger = e.logger()
	db, err = store.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return db, func(err *error) {
		*err = errors.Join(*err, db.Close())
		if !o.ReadOnly {
			*err = errors.Join(*err, adopt(o.Dir))
		}
	}, nil
}
