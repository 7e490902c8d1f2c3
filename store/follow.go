package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
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

const selectOps = `SELECT op.seq, op.scope, op.row,
	op.class_before, op.adds_before, op.step_before, op.sure_before, op.waits_before,
	op.class_after, op.adds_after, op.step_after, op.sure_after, op.waits_after,
	msg.class, msg.sure, msg.score_c, msg.score_e, msg.score_l,
	CASE WHEN op.adds_before > 0 OR op.adds_after > 0 THEN (SELECT features FROM lists WHERE id = msg.id) END,
	CASE WHEN op.step_before <> op.step_after THEN (SELECT grams FROM lists WHERE id = msg.id) END, op.undoes, op.kind
FROM op LEFT JOIN msg ON msg.id = op.row WHERE op.seq > ? ORDER BY op.seq`

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
	var buf lists
	err = db.w.Query(selectOps, func(v []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return db.applyOp(v, &buf)
	}, start)
	if errors.Is(err, errRebuild) || err == nil && db.seq.Load() < last || last < start {
		db.log.Warn("building the model from the rows of the ledger", "reason", errRebuild, "from", db.seq.Load(), "to", last)
		err = db.rebuild(ctx)
	}
	return err
}

// applyOp changes the model by one row of selectOps.
func (db *DB) applyOp(v []driver.Value, buf *lists) error {
	if sqlite.Int(v[0]) != db.seq.Load()+1 {
		return errRebuild
	}
	if m := db.models.Model(sqlite.Text(v[1])); m != nil {
		ch := readChange(m.Scope(), v[2:])
		ch.Undoes = sqlite.Int(v[20])
		ch.Same = ch.Before == ch.After && ledger.Kind(sqlite.Int(v[21])) == ledger.KindLearn
		if err := buf.parse(&ch, v[18], v[19]); err != nil {
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

// readChange takes a change from a row of selectOps, from op.row on. An op does
// not say whether it changed the row's scores, nor whether a later op has done so:
// it is taken for one that did, but for a confirmation.
func readChange(scope string, v []driver.Value) model.Change {
	ch := model.Change{Row: sqlite.Int(v[0]), Before: ledger.AsMark(scope, v[1:6]), After: ledger.AsMark(scope, v[6:11]), Label: ledger.AsLabel(v[11:16])}
	ch.Label.Spam, ch.Label.Sure = ch.After.Class == Spam, ch.After.Sure
	return ch
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
			if fresh[scope], err = db.readSum(ctx, scope); err != nil {
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
		c, err := db.readSum(ctx, scope)
		if err == nil {
			m = db.models.Set(scope, c)
		}
		return err
	})
	return m, err
}

// readSum adds the rows of a scope up.
func (db *DB) readSum(ctx context.Context, scope string) (sum model.Sum, err error) {
	const labels = "SELECT count(*) FILTER (WHERE class = 1), count(*) FILTER (WHERE class = 2), count(*) FILTER (WHERE waits) FROM msg WHERE scope = ?"
	err = db.w.Query(labels, func(v []driver.Value) error {
		sum = model.NewSum(int(sqlite.Int(v[0])), int(sqlite.Int(v[1])), int(sqlite.Int(v[2])))
		return nil
	}, scope)
	if err != nil {
		return sum, err
	}
	const query = `SELECT msg.id, class, adds, step, CASE WHEN adds > 0 THEN features END, CASE WHEN step <> 0 THEN grams END
		FROM msg LEFT JOIN lists USING (id) WHERE scope = ? AND class <> 0 AND (adds > 0 OR step <> 0)`
	var buf lists
	err = db.w.Query(query, func(v []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		m := Mark{Class: Class(sqlite.Int(v[1])), Adds: int(sqlite.Int(v[2])), Step: ledger.StepOf(scope, sqlite.Int(v[3]))}
		ch := model.Change{Row: sqlite.Int(v[0]), Before: Mark{Class: m.Class}, After: m, Same: true}
		if err := buf.parse(&ch, v[4], v[5]); err != nil {
			return err
		}
		if ch.Lacks() {
			return missing(db.path, &ch)
		}
		sum.Change(&ch) // the label is counted already
		return nil
	}, scope)
	if err == nil && scope == "" {
		err = sum.Refit(db.siteLabels(ctx))
	}
	return sum, err
}

// lists are buffers for the features and grams of one change at a time.
type lists struct {
	features []uint64
	grams    []uint32
}

// parse gives a change the stored lists that it needs, as far as they are kept;
// they are valid until the next call.
func (l *lists) parse(ch *model.Change, features, grams driver.Value) (err error) {
	if l.features == nil {
		l.features, l.grams = make([]uint64, 0, 512), make([]uint32, 0, 2048)
	}
	if b := sqlite.Blob(features); b != nil && ch.NeedsFeatures() {
		if l.features, err = pack.ReadFeaturesTo(l.features[:0], b); err != nil {
			return err
		}
		ch.Features = l.features
	}
	if b := sqlite.Blob(grams); b != nil && ch.NeedsGrams() {
		l.grams, err = pack.ReadGramsTo(l.grams[:0], b)
		ch.Grams = l.grams
	}
	return err
}

// missing is the fault of a row whose change lacks its lists.
func missing(path string, ch *model.Change) error {
	return sqlite.Damaged(path, fmt.Sprintf("message %d counts but has no features or grams", ch.Row))
}
