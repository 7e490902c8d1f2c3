// Package datadir is the data directory as commands and daemon use it: made and locked,
// its databases opened, its daemon called, and what root has made there given to whom
// the directory belongs to.
package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
)

// OpenLedger opens the ledger for a command. done closes it, and when it was open for
// writing gives what root has made to the directory's owner; it adds what fails to *err.
func OpenLedger(ctx context.Context, e *cli.Env, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	return open(ctx, e, store.Options{Dir: dir, ReadOnly: readOnly})
}

// OpenExisting is OpenLedger for commands that have nothing to do without training:
// where there is no ledger, none is made.
func OpenExisting(ctx context.Context, e *cli.Env, dir string, readOnly bool) (db *store.DB, done func(err *error), err error) {
	db, done, err = open(ctx, e, store.Options{Dir: dir, ReadOnly: readOnly, Existing: true})
	if errors.Is(err, fs.ErrNotExist) {
		err = cli.Hint(err, "check --data and FANMILL_DATA; `fanmill train` makes a ledger")
	}
	return db, done, err
}

func open(ctx context.Context, e *cli.Env, o store.Options) (db *store.DB, done func(err *error), err error) {
	o.Logger = e.Logger()
	db, err = store.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	return db, func(err *error) {
		*err = errors.Join(*err, db.Close())
		if !o.ReadOnly {
			*err = errors.Join(*err, Adopt(o.Dir))
		}
	}, nil
}

// OpenReading opens the ledger for reading. Where there is none, nothing was
// learned: an empty one in a temporary directory says the same, and leaves none
// in the data directory that might have the wrong owner.
func OpenReading(ctx context.Context, e *cli.Env, dir string) (*store.DB, func(), error) {
	o := store.Options{Dir: dir, Logger: e.Logger(), ReadOnly: true}
	remove := func() {}
	if _, err := os.Stat(filepath.Join(dir, "fanmill.db")); errors.Is(err, fs.ErrNotExist) {
		tmp, err := os.MkdirTemp("", "fanmill-")
		if err != nil {
			return nil, nil, fmt.Errorf("make temporary directory: %w", err)
		}
		o.Dir, o.ReadOnly = tmp, false
		remove = func() { _ = os.RemoveAll(tmp) } // what is left there is of no use
	}
	db, err := store.Open(ctx, o)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return db, func() { _ = db.Close(); remove() }, nil // nothing was written that counts
}

// OpenHistory opens the history to write to, as the configuration has it.
func OpenHistory(ctx context.Context, dir string, set *settings.Settings, log *slog.Logger) (*history.History, error) {
	h := &set.File.History
	return history.Open(ctx, history.Options{
		Dir: dir, Days: h.Days, MaxBytes: int64(h.MaxBytes), Subject: h.Subject, Addresses: h.Addresses,
		Features: h.Features, Logger: log,
	})
}

// ReadHistory opens the history for reading; nil where there is none, since no
// mail has been seen yet.
func ReadHistory(ctx context.Context, e *cli.Env, dir string) (*history.History, error) {
	h, err := history.Open(ctx, history.Options{Dir: dir, ReadOnly: true, Logger: e.Logger()})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return h, err
}

// OpenSpool opens the spool of held messages, which is in the data directory unless the
// configuration says otherwise.
func OpenSpool(set *settings.Settings, log *slog.Logger) (*spool.Spool, error) {
	o := &set.File.Spool
	s, err := spool.Open(o.Dir, spool.Options{
		MinFree: int64(o.MinFree), MemLimit: int(o.MemoryLimit), TombstoneAge: time.Duration(o.TombstoneAge), Logger: log,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}
