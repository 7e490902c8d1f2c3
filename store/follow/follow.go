// Package follow keeps the models of a process in step with a ledger: it starts them from the
// snapshot or the rows, applies the ops that other processes write, counts those that this
// one writes, and saves the snapshot. It takes no locks and waits for nobody: package store
// sees to it that one goroutine at a time uses a Follower.
//
// The snapshot, model.snap, is written under another name, synced and renamed. One that does
// not fit the ledger is ignored with a log line, and the model is built from the rows.
package follow

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"

	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// snapshotEvery is after how many ops a snapshot is due: applying as many at the next start
// takes about a tenth of a second.
const snapshotEvery = 5000

// Follower is the models with the number of the op up to which they hold the ledger. Its
// methods, save for Seq and Saved, are for one goroutine at a time.
type Follower struct {
	models   *model.Models
	path     string // of the ledger
	readOnly bool
	log      *slog.Logger
	c        *sqlite.Conn
	uuid     string // of the ledger
	seq      atomic.Int64
	unsaved  int64 // ops applied since the snapshot on disk
}

// New returns a Follower of the ledger in a data directory; Use must be called before it can
// do anything. With readOnly it saves no snapshots.
func New(models *model.Models, dir string, readOnly bool, log *slog.Logger) *Follower {
	return &Follower{models: models, path: filepath.Join(dir, ledger.FileName), readOnly: readOnly, log: log}
}

// Use gives a Follower the connection to the ledger of an id, the present one from now on.
func (f *Follower) Use(c *sqlite.Conn, uuid string) { f.c, f.uuid = c, uuid }

// Start fills the model from the snapshot, or from the rows if there is none
// that fits, and applies what came after it.
func (f *Follower) Start(ctx context.Context) error {
	if err := f.loadSnapshot(); err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			f.log.Warn("ignoring the model snapshot, building the model from the ledger", "file", f.snapshotPath(), "reason", err)
		}
		if err := f.Rebuild(ctx); err != nil {
			return err
		}
	}
	_, err := f.CatchUp(ctx)
	return err
}

// Seq returns the number of the last op that the models hold.
func (f *Follower) Seq() int64 { return f.seq.Load() }

// Record carries a change out that the next op of the ledger is.
func (f *Follower) Record(m *model.Model, ch *model.Change) {
	f.models.Change(m, ch)
	f.seq.Add(1)
	f.unsaved++
}

// TakeBack takes changes back, which are the last ones, but for what they did to weights.
func (f *Follower) TakeBack(done []model.Done) {
	for i := len(done) - 1; i >= 0; i-- {
		f.models.TakeBack(&done[i])
	}
	f.seq.Add(-int64(len(done)))
	f.unsaved -= int64(len(done))
}

// Refit makes the Fit anew if it is behind.
func (f *Follower) Refit(ctx context.Context) error {
	return f.models.Refit(ledger.SiteLabels(ctx, f.c))
}

// errRebuild stops catching up where the log alone does not suffice.
var errRebuild = errors.New("the op log does not lead from here")

// CatchUp applies what other processes have written since, makes the Fit anew if it is
// behind, and returns how many ops there were.
func (f *Follower) CatchUp(ctx context.Context) (int, error) {
	start := f.seq.Load()
	last, err := f.c.Integer(ledger.SelectLast)
	if err != nil || last == start && !f.models.Behind() {
		return 0, err
	}
	err = f.c.Consistent(func() error {
		if err := f.Apply(ctx); err != nil {
			return err
		}
		return f.Refit(ctx)
	})
	return int(max(0, f.seq.Load()-start)), err
}

// Apply carries out the ops that other processes have written. Fits stay as they
// are.
func (f *Follower) Apply(ctx context.Context) error {
	start := f.seq.Load()
	last, err := f.c.Integer(ledger.SelectLast)
	if err != nil || last == start {
		return err
	}
	err = ledger.EachChange(ctx, f.c, start, f.applyOp)
	if errors.Is(err, errRebuild) || err == nil && f.seq.Load() < last || last < start {
		f.log.Warn("building the model from the rows of the ledger", "reason", errRebuild, "from", f.seq.Load(), "to", last)
		err = f.Rebuild(ctx)
	}
	return err
}

// applyOp changes the model by one op.
func (f *Follower) applyOp(seq int64, scope string, read func() (model.Change, error)) error {
	if seq != f.seq.Load()+1 {
		return errRebuild
	}
	if m := f.models.Model(scope); m != nil {
		ch, err := read()
		if err != nil {
			return err
		}
		if ch.Lacks() {
			return errRebuild
		}
		f.models.Change(m, &ch)
	}
	f.seq.Add(1)
	f.unsaved++
	return nil
}

// Rebuild makes the models anew from the rows; within a transaction only before it changes
// anything.
func (f *Follower) Rebuild(ctx context.Context) error {
	return f.c.Consistent(func() error {
		seq, err := f.c.Integer(ledger.SelectLast)
		if err != nil {
			return err
		}
		fresh := make(map[string]model.Sum)
		for _, scope := range append(f.models.Names(), "") {
			if fresh[scope], err = ledger.Sum(ctx, f.c, f.path, scope); err != nil {
				return err
			}
		}
		for scope, c := range fresh {
			f.models.Set(scope, c)
		}
		f.seq.Store(seq)
		if seq > 0 {
			f.unsaved = math.MaxInt32
		}
		return nil
	})
}

// Scope returns the model of a scope, from its rows if it is not in memory; within a
// transaction only before that changes the scope.
func (f *Follower) Scope(ctx context.Context, scope string) (*model.Model, error) {
	if m := f.models.Model(scope); m != nil {
		return m, nil
	}
	var m *model.Model
	err := f.c.Consistent(func() error {
		if err := f.Apply(ctx); err != nil { // within a Tx there is nothing to do
			return err
		}
		c, err := ledger.Sum(ctx, f.c, f.path, scope)
		if err == nil {
			m = f.models.Set(scope, c)
		}
		return err
	})
	return m, err
}
