package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fanmill/store/sqlite"
)

const (
	followEvery = 200 * time.Millisecond
	// snapshotPause keeps a follower of a long training from writing all the time.
	snapshotPause = time.Minute
)

// CatchUp applies what other processes have written since, and returns how many
// ops that were. With nothing new it costs a few microseconds.
func (db *DB) CatchUp(ctx context.Context) (applied int, err error) {
	err = sqlite.Retry(ctx, db.opts.Busy, func() error {
		if err := db.take(ctx); err != nil {
			return err
		}
		defer db.give()
		n, err := db.follower.CatchUp(ctx)
		applied += n
		return err
	})
	if err != nil {
		return applied, fmt.Errorf("follow ledger: %w", sqlite.Explain(db.path, err))
	}
	return applied, nil
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
	if _, err := db.follower.CatchUp(ctx); err != nil {
		return sqlite.Explain(db.path, err)
	}
	if db.follower.Due() && time.Since(*saved) >= snapshotPause {
		*saved = time.Now()
		db.follower.TrySave()
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
		return db.follower.Rebuild(ctx)
	})
	if err != nil {
		return fmt.Errorf("rebuild model: %w", sqlite.Explain(db.path, err))
	}
	return nil
}

// WriteSnapshot writes the site's model to model.snap. It waits for an update
// that is under way, and look-ups go on meanwhile.
func (db *DB) WriteSnapshot() error {
	ctx, cancel := context.WithTimeout(context.Background(), db.opts.Busy)
	defer cancel()
	if err := db.take(ctx); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	defer db.give()
	return db.follower.Save()
}
