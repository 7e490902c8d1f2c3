package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"fanmill/store/disk"
	"fanmill/store/follow"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/query"
	"fanmill/store/sqlite"
)

// ErrReplaced is what a caller may branch on, besides the errors of packages sqlite and
// ledger.
var ErrReplaced = errors.New("database file was replaced or removed while open")

// Options say where a ledger lies and how to open it.
type Options struct {
	Dir      string
	Logger   *slog.Logger  // nil: nothing is logged
	ReadOnly bool          // never write; the ledger must exist
	Existing bool          // the ledger must exist; else one is made where there is none
	Busy     time.Duration // how long to wait for other processes; 0: 2 min

	ScopeMemory int64 // bytes for users' scopes, those asked for last; 0: 64 MiB
}

const defaultScopeMemory = 64 << 20

// DB is an open ledger with the model derived from it.
type DB struct {
	*query.Reader // asks the ledger, and waits for no update

	opts Options
	path string
	log  *slog.Logger
	file os.FileInfo // of the ledger as it was opened
	uuid string

	// turn is held (a token in the channel) by whoever uses the fields below
	// it or changes the model.
	turn      chan struct{}
	w         *sqlite.Conn // writes, and follows other writers
	closed    bool
	following bool
	follower  *follow.Follower
	lastEnd   time.Time
	lastLong  bool    // the last update kept others waiting
	spare     []int32 // a buffer for weights as they were before an update
	pack      *pack.Packer

	r *sqlite.Reader // answers queries, so that they need not wait for an update

	models *model.Models
}

// Open opens the ledger in o.Dir, creating directory and file when they are
// missing and o.ReadOnly is not set, and brings the model up to date. The errors
// sqlite.ErrDamaged, sqlite.ErrNewer, sqlite.ErrFeatureVersion and sqlite.ErrBusy can be told apart by errors.Is.
func Open(ctx context.Context, o Options) (*DB, error) {
	o.setDefaults()
	db := &DB{
		opts: o, log: o.Logger, path: filepath.Join(o.Dir, ledger.FileName),
		turn: make(chan struct{}, 1), pack: pack.NewPacker(), models: model.NewModels(),
	}
	db.follower = follow.New(db.models, o.Dir, o.ReadOnly, o.Logger)
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(sqlite.Explain(db.path, err), db.closeFiles())
	}
	return db, nil
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Busy <= 0 {
		o.Busy = sqlite.DefaultBusy
	}
	if o.ScopeMemory <= 0 {
		o.ScopeMemory = defaultScopeMemory
	}
}

func (db *DB) open(ctx context.Context) error {
	if err := db.prepare(ctx); err != nil {
		return err
	}
	return sqlite.Retry(ctx, db.opts.Busy, func() error {
		if err := errors.Join(db.closeFiles(), db.connect()); err != nil {
			return fmt.Errorf("open ledger: %w", err)
		}
		if err := db.follower.Start(ctx); err != nil {
			return fmt.Errorf("load model: %w", err)
		}
		return db.w.Disturbed(db.path)
	})
}

// prepare makes sure that there is a sound ledger to open.
func (db *DB) prepare(ctx context.Context) error {
	if _, err := os.Stat(db.path); db.opts.Existing && errors.Is(err, os.ErrNotExist) {
		return ledger.Schema.Absent(db.path)
	}
	if !db.opts.ReadOnly {
		if err := os.MkdirAll(db.opts.Dir, 0o750); err != nil {
			return fmt.Errorf("create data directory: %w", err)
		}
		if err := db.refuseEmptied(); err != nil {
			return err
		}
	}
	return ledger.Schema.Prepare(ctx, db.path, db.opts.ReadOnly, db.opts.Busy)
}

// refuseEmptied finds a ledger that was cut to nothing: SQLite would take it for
// a new one. The snapshot beside it says that there was training.
func (db *DB) refuseEmptied() error {
	info, err := os.Stat(db.path)
	if err != nil || info.Size() > 0 {
		return nil // a missing ledger is a new one; other errors show when it is opened
	}
	if _, err := os.Stat(filepath.Join(db.opts.Dir, ledger.SnapshotName)); err != nil {
		return nil
	}
	return sqlite.Damaged(db.path, "it is empty, but "+ledger.SnapshotName+" beside it was trained; remove both to begin anew")
}

func (db *DB) connect() (err error) {
	if db.file, err = os.Stat(db.path); err != nil {
		return err
	}
	pragmas := []string{"synchronous=FULL", "cache_size=-4096", "journal_size_limit=16777216"}
	if db.opts.ReadOnly {
		db.w, err = sqlite.ConnectToRead(db.path, pragmas...)
	} else {
		db.w, err = sqlite.Connect(db.path, append(pragmas, "journal_mode=WAL")...) // else put back without it
	}
	if err != nil {
		return err
	}
	if db.r, err = sqlite.OpenReader(db.path, db.opts.Busy); err != nil {
		return err
	}
	db.Reader = query.New(db.path, db.r)
	db.uuid, err = db.w.Text(sqlite.MetaValue, "ledger")
	db.follower.Use(db.w, db.uuid)
	return err
}

// Close ends the use of the ledger, after writing a snapshot when much has
// changed since the last one. Models stay usable but are no longer kept current.
func (db *DB) Close() error {
	if err := db.take(context.Background()); errors.Is(err, sqlite.ErrClosed) {
		return nil
	}
	defer db.give()
	db.closed = true
	if db.follower.Due() || db.following && db.follower.Unsaved() {
		db.follower.TrySave()
	}
	return db.closeFiles()
}

// closeFiles closes what is open. Queries may still come: the Reader stays.
func (db *DB) closeFiles() error {
	var errs []error
	if db.r != nil {
		errs = append(errs, db.r.Close())
	}
	if db.w != nil { // last: it may write the log back
		errs = append(errs, db.w.Close())
		db.w = nil
	}
	return errors.Join(errs...)
}

// take waits for the turn to use the writing connection and change the model.
func (db *DB) take(ctx context.Context) error {
	select {
	case db.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for an update: %w", ctx.Err())
	}
	if db.closed {
		db.give()
		return sqlite.ErrClosed
	}
	return nil
}

func (db *DB) give() { <-db.turn }

// Seq returns the number of the last op that the model holds.
func (db *DB) Seq() int64 { return db.follower.Seq() }

// Loaded is Model without a wait: it reports false for a scope that is not in memory.
func (db *DB) Loaded(scope string) (*Model, bool) {
	m := db.models.Model(scope)
	return m, m != nil
}

// Model returns the model of a scope; "" is the site. For a scope that is not in
// memory it reads the rows, and may wait for an update that is under way; for others,
// and always for the site, it only looks it up.
func (db *DB) Model(scope string) (*Model, error) {
	if m := db.models.Model(scope); m != nil {
		return m, nil
	}
	if err := ledger.CheckScope(scope); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), db.opts.Busy)
	defer cancel()
	if err := db.take(ctx); err != nil {
		return nil, fmt.Errorf("load scope %q: %w", scope, err)
	}
	defer db.give()
	var m *Model
	err := sqlite.Retry(ctx, db.opts.Busy, func() (err error) {
		m, err = db.follower.Scope(ctx, scope)
		return err
	})
	db.models.Trim(db.opts.ScopeMemory)
	if err != nil {
		return nil, fmt.Errorf("load scope %q: %w", scope, sqlite.Explain(db.path, err))
	}
	return m, nil
}

// Labels returns the labels of a scope itself (for a user: without the site's).
func (db *DB) Labels(scope string) (Labels, error) {
	m, err := db.Model(scope)
	if err != nil {
		return Labels{}, err
	}
	return m.Labels(), nil
}

// replaced reports that the path no longer leads to the file that is open: what
// were written there now would be lost.
func (db *DB) replaced() error {
	info, err := os.Stat(db.path)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && !os.SameFile(info, db.file):
		return fmt.Errorf("%s: %w: restart fanmill to use the file that is there now", db.path, ErrReplaced)
	case err != nil:
		return fmt.Errorf("look for ledger: %w", err)
	}
	return nil
}

// Size returns the bytes that ledger and snapshot take on disk.
func (db *DB) Size() (int64, error) {
	return disk.Size(db.path, db.path+"-wal", filepath.Join(db.opts.Dir, ledger.SnapshotName))
}
