package store

import (
	"context"
	"database/sql/driver"
	"time"

	"fanmill/store/sqlite"
)

// The rows say what the model is, and nothing is built from the log (see readSum), so
// what is old of it can go: it says who decided what, and how to take that back. A
// process that is further behind than the log reaches finds a gap and builds its model
// from the rows (see applyOp).

// Memory says how long the ledger remembers what the model does not need: the log, and
// messages that have no label any more.
type Memory struct {
	Age   time.Duration // older ones go; 0: none
	Least int64         // so many of the newest ops stay, however old; the last one always
}

// Stale is what is to go.
type Stale struct {
	Ops      int64   // how many
	Messages []int64 // rows without a label

	last int64 // of Ops
}

const (
	// The newest row stays: SQLite would give its number to the next message, which ops
	// and table was would then be taken to speak of.
	selectUnlabelled = `SELECT id FROM msg WHERE class = 0 AND time < ? AND id < (SELECT max(id) FROM msg)
		AND (source = ? OR time < ? AND id NOT IN (SELECT row FROM op WHERE time >= ?3))`
	selectFirst = "SELECT seq, time FROM op ORDER BY seq LIMIT 1"
	selectYoung = "SELECT seq FROM op WHERE time >= ? ORDER BY seq LIMIT 1"
)

// sweepAfter is how long an expired row stays: far longer than any process is behind.
const sweepAfter = time.Hour

// Stale lists what is to go: of the log all before the first op that is young enough;
// messages whose label expired an hour ago or longer, and those whose label was taken
// away otherwise before the time that is remembered, and about which nothing was decided
// since.
func (db *DB) Stale(ctx context.Context, keep Memory, now time.Time) (old Stale, err error) {
	before := int64(0)
	if keep.Age > 0 {
		before = now.Add(-keep.Age).UnixMicro()
	}
	err = db.r.Ask(ctx, "list what is no longer needed", func(c *sqlite.Conn) error {
		return c.Consistent(func() error {
			old = Stale{}
			err := c.Query(selectUnlabelled, func(v []driver.Value) error {
				old.Messages = append(old.Messages, sqlite.Int(v[0]))
				return ctx.Err()
			}, now.Add(-sweepAfter).UnixMicro(), expired, before)
			if err != nil || keep.Age <= 0 {
				return err
			}
			return old.ops(c, before, max(keep.Least, 1))
		})
	})
	return old, err
}

// ops looks how much of the log is to go.
func (s *Stale) ops(c *sqlite.Conn, before, least int64) error {
	first, err := c.Integer(selectFirst)
	if err != nil || first == 0 {
		return err
	}
	last, err := c.Integer("SELECT max(seq) FROM op")
	if err != nil {
		return err
	}
	young, err := c.Integer(selectYoung, before)
	if err != nil {
		return err
	}
	if s.last = last - least; young > 0 {
		s.last = min(s.last, young-1)
	}
	s.Ops = max(0, s.last-first+1)
	return nil
}

// Prune removes up to limit of the ops that are to go, the oldest first, with what they
// took from their rows, and returns how many. A snapshot that is older than what goes is
// written anew before.
func (db *DB) Prune(ctx context.Context, old Stale, limit int64) (removed int64, err error) {
	if old.Ops <= 0 {
		return 0, nil
	}
	if saved, ok := db.saved(); ok && saved.Seq <= old.last {
		if _, err := db.CatchUp(ctx); err != nil {
			return 0, err
		}
		if err := db.WriteSnapshot(); err != nil {
			return 0, err
		}
	}
	err = db.Update(ctx, func(tx *Tx) error {
		first, err := tx.db.w.Integer(selectFirst)
		if err != nil {
			return tx.fail("prune the log", err)
		}
		last := min(old.last, first+limit-1)
		removed = max(0, last-first+1)
		for _, sql := range []string{"DELETE FROM was WHERE op <= ?", "DELETE FROM op WHERE seq <= ?"} {
			if _, err := tx.db.w.Exec(sql, last); err != nil {
				return tx.fail("prune the log", err)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}

// Sweep removes those of some rows that have no label, with their messages, and returns
// how many. What the log still has of them says that they were there.
func (tx *Tx) Sweep(ids []int64) (removed int, err error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	for _, id := range ids {
		res, err := tx.db.w.Exec("DELETE FROM msg WHERE id = ? AND class = 0", id)
		if err != nil {
			return 0, tx.fail("remove messages without a label", err)
		}
		if n, _ := res.RowsAffected(); n == 0 {
			continue // it has one again
		}
		for _, sql := range []string{"DELETE FROM lists WHERE id = ?", "DELETE FROM body WHERE id = ?"} {
			if _, err := tx.db.w.Exec(sql, id); err != nil {
				return 0, tx.fail("remove messages without a label", err)
			}
		}
		removed++
	}
	tx.asked = false
	return removed, nil
}

// LogBegin returns the time of the oldest op, and whether there were older ones that the
// log no longer has.
func (db *DB) LogBegin(ctx context.Context) (at time.Time, pruned bool, err error) {
	err = db.r.Ask(ctx, "look where the log begins", func(c *sqlite.Conn) error {
		return c.Query(selectFirst, func(v []driver.Value) error {
			at, pruned = sqlite.Time(v[1]), sqlite.Int(v[0]) > 1
			return nil
		})
	})
	return at, pruned, err
}
