package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// Census is what the ledger holds of one scope.
type Census struct {
	Scope string
	model.Labels
	Partial int       // labelled messages that are not kept whole: a newer feature set could not learn them
	Last    time.Time // when a label changed last
}

// Census counts the labels of all scopes that have any, by name; the site is "" and
// the first. It reads the state of every row, but no models and no messages.
func (r *Reader) Census(ctx context.Context) (list []Census, err error) {
	const query = `SELECT scope, class, count(*), sum(adds), sum(waits <> 0), sum(NOT complete), max(time)
		FROM msg WHERE class <> 0 GROUP BY scope, class ORDER BY scope`
	err = r.db.Ask(ctx, "count labels", func(c *sqlite.Conn) error {
		list = list[:0]
		return c.Query(query, func(v []driver.Value) error {
			if scope := sqlite.Text(v[0]); len(list) == 0 || list[len(list)-1].Scope != scope {
				list = append(list, Census{Scope: scope})
			}
			list[len(list)-1].count(v)
			return ctx.Err()
		})
	})
	return list, err
}

// count adds what a row of the query says of one class.
func (s *Census) count(v []driver.Value) {
	n, adds := int(sqlite.Int(v[2])), int(sqlite.Int(v[3]))
	switch model.Class(sqlite.Int(v[1])) {
	case model.Ham:
		s.Ham, s.HamAdds = n, s.HamAdds+adds
	case model.Spam:
		s.Spam, s.SpamAdds = n, s.SpamAdds+adds
	case model.HamCounts:
		s.HamAdds, s.Imported = s.HamAdds+adds, s.Imported+adds
		return
	case model.SpamCounts:
		s.SpamAdds, s.Imported = s.SpamAdds+adds, s.Imported+adds
		return
	}
	s.Waiting += int(sqlite.Int(v[4]))
	s.Partial += int(sqlite.Int(v[5]))
	if t := sqlite.Time(v[6]); t.After(s.Last) {
		s.Last = t
	}
}

// Left returns how many labels a newer feature set has taken away, since their messages
// are not kept whole, and that nobody has given again.
func (r *Reader) Left(ctx context.Context) (n int64, err error) {
	err = r.db.Ask(ctx, "count labels that were taken away", func(c *sqlite.Conn) error {
		n, err = c.Integer("SELECT count(*) FROM msg WHERE class = 0 AND source = ?", ledger.Renewed)
		return err
	})
	return n, err
}

// LastTraining returns the newest op of a scope by which something was learned;
// ledger.ErrNoRow when there is none.
func (r *Reader) LastTraining(ctx context.Context, scope string) (op ledger.Op, err error) {
	err = r.db.Ask(ctx, "look for the last training", func(c *sqlite.Conn) error {
		found := ledger.ErrNoRow
		err := c.Query(ledger.OpColumns+fmt.Sprintf(" FROM op WHERE scope = ? AND kind IN (%d, %d) ORDER BY seq DESC LIMIT 1", ledger.KindLearn, ledger.KindFlip), func(v []driver.Value) error {
			op, found = ledger.AsOp(v), nil
			return sqlite.ErrStop
		}, scope)
		return cmp.Or(err, found)
	})
	return op, err
}

const countNew = `SELECT count(*) FROM msg WHERE id IN
	(SELECT row FROM op WHERE time >= ? AND class_before = 0 AND class_after <> 0 AND undoes IS NULL)`

// Growth tells how many messages the ledger has, and how many of them came to it
// since a moment, as far as the log reaches back; those that got a label again count too.
func (r *Reader) Growth(ctx context.Context, since time.Time) (all, recent int64, err error) {
	err = r.db.Ask(ctx, "measure growth", func(c *sqlite.Conn) (err error) {
		if all, err = c.Integer("SELECT count(*) FROM msg"); err != nil {
			return err
		}
		recent, err = c.Integer(countNew, since.UnixMicro())
		return err
	})
	return all, recent, err
}

// LabelsBy counts the labels of a scope by who gave them: those whose source is one of
// sources, and the others. Only Ham and Spam are set.
func (r *Reader) LabelsBy(ctx context.Context, scope string, sources ...string) (by, others model.Labels, err error) {
	const query = "SELECT source, class, count(*) FROM msg WHERE scope = ? AND class IN (1, 2) GROUP BY source, class"
	err = r.db.Ask(ctx, "count labels", func(c *sqlite.Conn) error {
		by, others = model.Labels{}, model.Labels{}
		return c.Query(query, func(v []driver.Value) error {
			of := &others
			if slices.Contains(sources, sqlite.Text(v[0])) {
				of = &by
			}
			if model.Class(sqlite.Int(v[1])) == model.Spam {
				of.Spam += int(sqlite.Int(v[2]))
			} else {
				of.Ham += int(sqlite.Int(v[2]))
			}
			return ctx.Err()
		}, scope)
	})
	return by, others, err
}
