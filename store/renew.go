package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"fanmill/classify"
)

// Renewed says what became of a ledger of another feature version.
type Renewed struct {
	From     int64 `json:"from"`     // the version it had
	Messages int   `json:"messages"` // whose features were made anew
	Left     int   `json:"left"`     // labels whose messages are not kept: taken away
}

// renewAtOnce is how many rows are read at once.
const renewAtOnce = 64

const selectRenew = `SELECT id, scope, class, adds, step, sure, waits, complete, features IS NOT NULL, grams IS NOT NULL, message
	FROM msg JOIN body USING (id) WHERE id > ? ORDER BY id LIMIT ?`

// Renew brings the ledger in o.Dir, which was trained with an older feature version, to
// the present one, in one transaction: extract gives the features and grams of a
// canonical message, in ascending order. Which messages count, how often, and their steps
// stay as they were decided. What is kept without its whole message would count what
// nothing can find any more: its label is taken away. Nobody may have the ledger open.
// progress may be nil.
func Renew(ctx context.Context, o Options, extract func(message []byte) ([]uint64, []uint32), progress func(done int)) (r Renewed, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Busy <= 0 {
		o.Busy = defaultBusy
	}
	path := filepath.Join(o.Dir, ledgerFile)
	anyVersion := ledgerSchema
	anyVersion.model = false
	if err := anyVersion.prepareFile(ctx, path, false, o.Busy); err != nil {
		return r, err
	}
	// Whatever happens now, the snapshot is of no more use.
	if err := os.Remove(filepath.Join(o.Dir, snapshotFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("remove the snapshot of the old model: %w", err)
	}
	c, err := connect(path, "rw", "synchronous=FULL", "cache_size=-16384")
	if err != nil {
		return r, err
	}
	n := renewal{c: c, ctx: ctx, pack: newPacker(), extract: extract, progress: progress}
	err = retryBusy(ctx, o.Busy, func() error { return c.atomically(n.all) })
	if err = errors.Join(err, c.close()); err != nil {
		return Renewed{}, fmt.Errorf("renew features: %w", explain(path, err))
	}
	return n.sum, nil
}

// renewal is a Renew under way.
type renewal struct {
	c        *conn
	ctx      context.Context
	pack     *packer
	extract  func([]byte) ([]uint64, []uint32)
	progress func(int)
	sum      Renewed
}

// renewRow is a row with what is to be made anew.
type renewRow struct {
	Row
	features, grams bool // are kept
}

func (n *renewal) all() error {
	n.sum = Renewed{}
	var err error
	if n.sum.From, err = n.c.integer(metaValue, "features"); err != nil {
		return err
	}
	if n.sum.From > classify.FeatureVersion {
		return fmt.Errorf("%w: it has feature version %d, this fanmill uses %d", ErrNewer, n.sum.From, classify.FeatureVersion)
	}
	for done, last := 0, int64(0); n.sum.From < classify.FeatureVersion; {
		rows, err := n.rows(last)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := n.row(&rows[i]); err != nil {
				return fmt.Errorf("message %d: %w", rows[i].ID, err)
			}
			last = rows[i].ID
		}
		if done += len(rows); n.progress != nil {
			n.progress(done)
		}
		if len(rows) < renewAtOnce {
			break
		}
	}
	_, err = n.c.exec("UPDATE meta SET value = ? WHERE key = 'features'", int64(classify.FeatureVersion))
	return err
}

func (n *renewal) rows(after int64) (rows []renewRow, err error) {
	err = n.c.query(selectRenew, func(v []driver.Value) (err error) {
		r := renewRow{features: asInt(v[8]) != 0, grams: asInt(v[9]) != 0}
		r.ID, r.Scope, r.Complete = asInt(v[0]), asText(v[1]), asInt(v[7]) != 0
		m := asMark(r.Scope, v[2:7])
		r.Class, r.Adds, r.Step, r.Sure, r.Waits = m.Class, m.Adds, m.Step, m.Sure, m.Waits
		if r.Complete {
			if r.Message, err = unpack(asBlob(v[10])); err != nil {
				return err
			}
		}
		rows = append(rows, r)
		return n.ctx.Err()
	}, after, int64(renewAtOnce))
	return rows, err
}

func (n *renewal) row(r *renewRow) error {
	if !r.features && !r.grams {
		return nil // nothing of it counts; its message yields the lists when they are needed
	}
	if !r.Complete {
		return n.leave(r)
	}
	features, grams := n.extract(r.Message)
	r.Features, r.Grams = append([]uint64{}, features...), append([]uint32{}, grams...) // none is an empty list
	lists, err := n.pack.lists(&r.Row, r.features, r.grams)
	if err != nil {
		return err
	}
	n.sum.Messages++
	_, err = n.c.exec("UPDATE body SET features = ?, grams = ? WHERE id = ?", lists[0], lists[1], r.ID)
	return err
}

// leave takes the label of a row away: it can be trained again.
func (n *renewal) leave(r *renewRow) error {
	if _, err := n.c.exec("UPDATE body SET features = NULL, grams = NULL WHERE id = ?", r.ID); err != nil {
		return err
	}
	if r.Class == None {
		return nil
	}
	n.sum.Left++
	if _, err := n.c.exec("INSERT INTO was SELECT (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'op'), score_c, score_e, score_l, log_odds, judged, time, source FROM msg WHERE id = ?", r.ID); err != nil {
		return err
	}
	if _, err := n.c.exec("UPDATE msg SET class = 0, adds = 0, step = 0, sure = 0, waits = 0, source = 'rebuild' WHERE id = ?", r.ID); err != nil {
		return err
	}
	_, err := n.c.exec(`INSERT INTO op (time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
		class_after, adds_after, step_after, sure_after, waits_after) VALUES (unixepoch() * 1000000, '', 'rebuild', ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)`,
		int64(KindForget), r.ID, r.Scope, int64(r.Class), int64(r.Adds), r.Step, r.Sure, r.Waits)
	return err
}
