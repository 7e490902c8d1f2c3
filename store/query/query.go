// Package query reads the ledger for whoever wants to know what stands in it: single
// messages and ops, counts of labels, where a feature comes from, which labels are doubtful,
// and what may be taken back, is to expire or can go from the log. It changes nothing: that a
// store.Tx does. Queries that go with the model are told of it what they need.
package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// Reader answers questions of any goroutine about a ledger: they see what is committed, and
// wait for no update.
type Reader struct {
	db   *sqlite.Reader
	path string // of the ledger
}

// New returns a Reader of the ledger at path, to which db is open.
func New(path string, db *sqlite.Reader) *Reader { return &Reader{db: db, path: path} }

// Find returns the row of a message without features, grams and message, and whether
// there is one.
func (r *Reader) Find(ctx context.Context, scope string, d classify.Digest) (row ledger.Row, found bool, err error) {
	err = r.db.Ask(ctx, "find message", func(c *sqlite.Conn) (err error) {
		row, err = ledger.FindRow(c, scope, d)
		return err
	})
	if errors.Is(err, ledger.ErrNoRow) {
		return ledger.Row{}, false, nil
	}
	return row, err == nil, err
}

// Load returns a row with features, grams and message, as far as they are kept; ledger.ErrNoRow
// when there is none.
func (r *Reader) Load(ctx context.Context, id int64) (row ledger.Row, err error) {
	err = r.db.Ask(ctx, fmt.Sprintf("load message %d", id), func(c *sqlite.Conn) (err error) {
		row, err = ledger.LoadRow(c, id)
		return err
	})
	return row, err
}

// Recent returns the rows of a scope recorded last, the newest first, without
// features and messages; forgotten ones are among them.
func (r *Reader) Recent(ctx context.Context, scope string, limit int) (rows []ledger.Row, err error) {
	err = r.db.Ask(ctx, "list messages", func(c *sqlite.Conn) (err error) {
		rows, err = ledger.Rows(ctx, c, ledger.RowColumns+" FROM msg WHERE scope = ? ORDER BY id DESC LIMIT ?", scope, int64(limit))
		return err
	})
	return rows, err
}

// Ops returns at most limit ops with a seq above after, the oldest first.
func (r *Reader) Ops(ctx context.Context, after int64, limit int) (ops []ledger.Op, err error) {
	err = r.db.Ask(ctx, "list ops", func(c *sqlite.Conn) error {
		ops = ops[:0]
		return c.Query(ledger.OpColumns+" FROM op WHERE seq > ? ORDER BY seq LIMIT ?", func(v []driver.Value) error {
			ops = append(ops, ledger.AsOp(v))
			return ctx.Err()
		}, after, int64(limit))
	})
	return ops, err
}

// Imported returns how many rows of a scope hold what another filter has counted.
func (r *Reader) Imported(ctx context.Context, scope string) (n int64, err error) {
	err = r.db.Ask(ctx, "look for imported counts", func(c *sqlite.Conn) (err error) {
		n, err = c.Integer("SELECT count(*) FROM msg WHERE scope = ? AND class > 2", scope)
		return err
	})
	return n, err
}

// Scopes returns the names of all scopes that have rows, sorted; the site is "".
func (r *Reader) Scopes() (names []string, err error) {
	// One index look-up for each name, where DISTINCT would walk all rows.
	const query = `WITH RECURSIVE s (name) AS (
		SELECT min(scope) FROM msg
		UNION ALL SELECT (SELECT min(scope) FROM msg WHERE scope > s.name) FROM s WHERE s.name IS NOT NULL)
		SELECT name FROM s WHERE name IS NOT NULL`
	err = r.db.Ask(context.Background(), "list scopes", func(c *sqlite.Conn) error {
		names = names[:0]
		return c.Query(query, func(v []driver.Value) error {
			names = append(names, sqlite.Text(v[0]))
			return nil
		})
	})
	return names, err
}

// Check reads the whole ledger for damage, which for a large one takes seconds.
func (r *Reader) Check(ctx context.Context) error {
	return r.db.Ask(ctx, "check ledger", func(c *sqlite.Conn) error {
		verdict, err := c.QuickCheck(ctx)
		if err == nil && verdict != "ok" {
			err = sqlite.Damaged(r.path, verdict)
		}
		return err
	})
}
