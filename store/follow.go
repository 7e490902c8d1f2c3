package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

const (
	followEvery = 200 * time.Millisecond
	// A snapshot is due after this many ops: applying as many at the next start
	// takes about a tenth of a second.
	snapshotEvery = 5000
	// snapshotPause keeps a follower of a long training from writing all the time.
	snapshotPause = time.Minute
)

// errRebuild stops catching up where the log alone does not suffice.
var errRebuild = errors.New("the op log does not lead from here")

// CatchUp applies what other processes have written since, and returns how many
// ops that were. With nothing new it costs a few microseconds.
func (db *DB) CatchUp(ctx context.Context) (applied int, err error) {
	err = sqlite.Retry(ctx, db.opts.Busy, func() error {
		if err := db.take(ctx); err != nil {
			return err
		}
		defer db.give()
		n, err := db.catchUp(ctx)
		applied += n
		return err
	})
	if err != nil {
		return applied, fmt.Errorf("follow ledger: %w", sqlite.Explain(db.path, err))
	}
	return applied, nil
}

// catchUp is CatchUp for the holder of the turn.
func (db *DB) catchUp(ctx context.Context) (int, error) {
	start := db.seq.Load()
	last, err := db.w.Integer(ledger.SelectLast)
	if err != nil || last == start && !db.models.Behind() {
		return 0, err
	}
	err = db.w.Consistent(func() error {
		if err := db.apply(ctx); err != nil {
			return err
		}
		return db.refit(ctx)
	})
	return int(max(0, db.seq.Load()-start)), err
}

// apply carries out the ops that other processes have written. Fits stay as they
// are.
func (db *DB) apply(ctx context.Context) error {
	start := db.seq.Load()
	last, err := db.w.Integer(ledger.SelectLast)
	if err != nil || last == start {
		return err
	}
	err = ledger.EachChange(ctx, db.w, start, db.applyOp)
	if errors.Is(err, errRebuild) || err == nil && db.seq.Load() < last || last < start {
		db.log.Warn("building the model from the rows of the ledger", "reason", errRebuild, "from", db.seq.Load(), "to", last)
		err = db.rebuild(ctx)
	}
	return err
}

// applyOp changes the model by one op.
func (db *DB) applyOp(seq int64, scope string, read func() (model.Change, error)) error {
	if seq != db.seq.Load()+1 {
		return errRebuild
	}
	if m := db.models.Model(scope); m != nil {
		ch, err := read()
		if err != nil {
			return err
		}
		if ch.Lacks() {
			return errRebuild
		}
		db.models.Change(m, &ch)
	}
	db.seq.Add(1)
	db.unsaved++
	return nil
}

// Follow keeps the model current until ctx ends or the DB is closed. While the
// ledger cannot be read the model stays as it is; that is logged once.
func (db *DB) Follow(ctx context.Context) error {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	var saved time.Time
	failing := false
	for {
		err := db.followOnce(ctx, &saved)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, sqlite.ErrClosed):
			return err
		case err != nil && !failing:
			db.log.Error("cannot follow the ledger, serving with the model as it is", "error", err)
		case err == nil && failing:
			db.log.Info("following the ledger again", "seq", db.Seq())
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (db *DB) followOnce(ctx context.Context, saved *time.Time) error {
	if err := db.take(ctx); err != nil {
		return err
	}
	defer db.give()
	db.following = true
	if err := db.replaced(); err != nil {
		return err
	}
	if _, err := db.catchUp(ctx); err != nil {
		return sqlite.Explain(db.path, err)
	}
	if db.unsaved >= snapshotEvery && time.Since(*saved) >= snapshotPause {
		*saved = time.Now()
		db.saveSnapshot()
	}
	return nil
}

// Rebuild makes the model in memory anew from the rows of the ledger. Look-ups
// go on with the old one meanwhile.
func (db *DB) Rebuild(ctx context.Context) error {
	err := sqlite.Retry(ctx, db.opts.Busy, func() error {
		if err := db.take(ctx); err != nil {
			return err
		}
		defer db.give()
		return db.rebuild(ctx)
	})
	if err != nil {
		return fmt.Errorf("rebuild model: %w", sqlite.Explain(db.path, err))
	}
	return nil
}

// rebuild is Rebuild for the holder of the turn; within a transaction only
// before it changes anything.
func (db *DB) rebuild(ctx context.Context) error {
	return db.w.Consistent(func() error {
		seq, err := db.w.Integer(ledger.SelectLast)
		if err != nil {
			return err
		}
		fresh := make(map[string]model.Sum)
		for _, scope := range append(db.models.Names(), "") {
			if fresh[scope], err = ledger.Sum(ctx, db.w, db.path, scope); err != nil {
				return err
			}
		}
		for scope, c := range fresh {
			db.models.Set(scope, c)
		}
		db.seq.Store(seq)
		if seq > 0 {
			db.unsaved = math.MaxInt32
		}
		return nil
	})
}

// loadScope adds a scope to the model, for the holder of the turn; within a
// transaction only before it changes that scope.
func (db *DB) loadScope(ctx context.Context, scope string) (*Model, error) {
	if m := db.models.Model(scope); m != nil {
		return m, nil
	}
	var m *Model
	err := db.w.Consistent(func() error {
		if err := db.apply(ctx); err != nil { // within a Tx there is nothing to do
			return err
		}
		c, err := ledger.Sum(ctx, db.w, db.path, scope)
		if err == nil {
			m = db.models.Set(scope, c)
		}
		return err
	})
	return m, err
}
