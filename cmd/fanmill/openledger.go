package main

import (
	"context"
	"errors"

	"fanmill/store"
)

// openLedger opens the ledger for a command. done closes it, and when it was open for
// writing gives what root has made to the directory's owner; it adds what fails to *err.
func (e *Env) openLedger(ctx context.Context, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	db, err = store.Open(ctx, store.Options{Dir: dir, ReadOnly: readOnly, Logger: e.logger()})
	if err != nil {
		return nil, nil, err
	}
	return db, func(err *error) {
		*err = errors.Join(*err, db.Close())
		if !readOnly {
			*err = errors.Join(*err, adopt(dir))
		}
	}, nil
}
