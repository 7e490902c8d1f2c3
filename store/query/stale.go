package query

import (
	"context"
	"database/sql/driver"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// Memory says how long the ledger remembers what the model does not need: the log, and
// messages that have no label any more.
type Memory struct {
	Age   time.Duration // older ones go; 0: none
	Least int64         // so many of the newest ops stay, however old; the last one always
}

// Stale is what is to go.
type Stale struct {
	Ops      int64   // how many
	Last     int64   // the newest of them
	Messages []int64 // rows without a label
}

const (
	// The newest row stays: SQLite would give its number to the next message, which ops
	// and table was would then be taken to speak of.
	selectUnlabelled = `SELECT id FROM msg WHERE class = 0 AND time < ? AND id < (SELECT max(id) FROM msg)
		AND (source = ? OR time < ? AND id NOT IN (SELECT row FROM op WHERE time >= ?3))`
	selectYoung = "SELECT seq FROM op WHERE time >= ? ORDER BY seq LIMIT 1"
)

// sweepAfter is how long an expired row stays: far longer than any process is behind.
const sweepAfter = time.Hour

// Stale lists what is to go: of the log all before the first op that is young enough;
// messages whose label expired an hour ago or longer, and those whose label was taken
// away otherwise before the time that is remembered, and about which nothing was decided
// since.
func (r *Reader) Stale(ctx context.Context, keep Memory, now time.Time) (old Stale, err error) {
	before := int64(0)
	if keep.Age > 0 {
		before = now.Add(-keep.Age).UnixMicro()
	}
	err = r.db.Ask(ctx, "list what is no longer needed", func(c *sqlite.Conn) error {
		return c.Consistent(func() error {
			old = Stale{}
			err := c.Query(selectUnlabelled, func(v []driver.Value) error {
				old.Messages = append(old.Messages, sqlite.Int(v[0]))
				return ctx.Err()
			}, now.Add(-sweepAfter).UnixMicro(), ledger.Expired, before)
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
	first, err := c.Integer(ledger.SelectFirst)
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
	if s.Last = last - least; young > 0 {
		s.Last = min(s.Last, young-1)
	}
	s.Ops = max(0, s.Last-first+1)
	return nil
}

// LogBegin returns the time of the oldest op, and whether there were older ones that the
// log no longer has.
func (r *Reader) LogBegin(ctx context.Context) (at time.Time, pruned bool, err error) {
	err = r.db.Ask(ctx, "look where the log begins", func(c *sqlite.Conn) error {
		return c.Query(ledger.SelectFirst, func(v []driver.Value) error {
			at, pruned = sqlite.Time(v[1]), sqlite.Int(v[0]) > 1
			return nil
		})
	})
	return at, pruned, err
}
