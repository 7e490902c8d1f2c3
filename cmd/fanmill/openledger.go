package main

import (
	"context"
	"errors"
	"io/fs"

	"fanmill/cmd/fanmill/cli"
	"fanmill/store"
)

// openLedger opens the ledger for a command. done closes it, and when it was open for
// writing gives what root has made to the directory's owner; it adds what fails to *err.
func openLedger(ctx context.Context, e *cli.Env, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	return openStore(ctx, e, store.Options{Dir: dir, ReadOnly: readOnly})
}

// openExisting is openLedger for commands that have nothing to do without training:
// where there is no ledger, none is made.
func openExisting(ctx context.Context, e *cli.Env, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	db, done, err = openStore(ctx, e, store.Options{Dir: dir, ReadOnly: readOnly, Existing: true})
	if errors.Is(err, fs.ErrNotExist) {
		err = cli.Hint(err, "check --data and FANMILL_DATA; `fanmill train` makes a ledger")
	}
	return db, done, err
}

func openStore(ctx context.Context, e *cli.Env, o store.Options) (db *store.DB, done func(err *error), err error) {
	o.Logger = e.Logger()
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
