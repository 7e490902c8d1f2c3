package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"fanmill/classify"
	"fanmill/store/disk"
	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// Find returns the row of a message without features, grams and message, and whether
// there is one.
func (db *DB) Find(ctx context.Context, scope string, d classify.Digest) (row Row, found bool, err error) {
	err = db.r.Ask(ctx, "find message", func(c *sqlite.Conn) (err error) {
		row, err = ledger.FindRow(c, scope, d)
		return err
	})
	if errors.Is(err, ledger.ErrNoRow) {
		return Row{}, false, nil
	}
	return row, err == nil, err
}

// Load returns a row with features, grams and message, as far as they are kept; ErrNoRow
// when there is none.
func (db *DB) Load(ctx context.Context, id int64) (row Row, err error) {
	err = db.r.Ask(ctx, fmt.Sprintf("load message %d", id), func(c *sqlite.Conn) (err error) {
		row, err = ledger.LoadRow(c, id)
		return err
	})
	return row, err
}

// Recent returns the rows of a scope recorded last, the newest first, without
// features and messages; forgotten ones are among them.
func (db *DB) Recent(ctx context.Context, scope string, limit int) (rows []Row, err error) {
	err = db.r.Ask(ctx, "list messages", func(c *sqlite.Conn) (err error) {
		rows, err = ledger.Rows(ctx, c, ledger.RowColumns+" FROM msg WHERE scope = ? ORDER BY id DESC LIMIT ?", scope, int64(limit))
		return err
	})
	return rows, err
}

// Ops returns at most limit ops with a seq above after, the oldest first.
func (db *DB) Ops(ctx context.Context, after int64, limit int) (ops []ledger.Op, err error) {
	err = db.r.Ask(ctx, "list ops", func(c *sqlite.Conn) error {
		ops = ops[:0]
		return c.Query(ledger.OpColumns+" FROM op WHERE seq > ? ORDER BY seq LIMIT ?", func(v []driver.Value) error {
			ops = append(ops, ledger.AsOp(v))
			return ctx.Err()
		}, after, int64(limit))
	})
	return ops, err
}

// Imported returns how many rows of a scope hold what another filter has counted.
func (db *DB) Imported(ctx context.Context, scope string) (n int64, err error) {
	err = db.r.Ask(ctx, "look for imported counts", func(c *sqlite.Conn) (err error) {
		n, err = c.Integer("SELECT count(*) FROM msg WHERE scope = ? AND class > 2", scope)
		return err
	})
	return n, err
}

// Scopes returns the names of all scopes that have rows, sorted; the site is "".
func (db *DB) Scopes() (names []string, err error) {
	// One index look-up for each name, where DISTINCT would walk all rows.
	const query = `WITH RECURSIVE s (name) AS (
		SELECT min(scope) FROM msg
		UNION ALL SELECT (SELECT min(scope) FROM msg WHERE scope > s.name) FROM s WHERE s.name IS NOT NULL)
		SELECT name FROM s WHERE name IS NOT NULL`
	err = db.r.Ask(context.Background(), "list scopes", func(c *sqlite.Conn) error {
		names = names[:0]
		return c.Query(query, func(v []driver.Value) error {
			names = append(names, sqlite.Text(v[0]))
			return nil
		})
	})
	return names, err
}

// Size returns the bytes that ledger and snapshot take on disk.
func (db *DB) Size() (int64, error) {
	return disk.Size(db.path, db.path+"-wal", db.snapshotPath())
}

// Check reads the whole ledger for damage, which for a large one takes seconds.
func (db *DB) Check(ctx context.Context) error {
	return db.r.Ask(ctx, "check ledger", func(c *sqlite.Conn) error {
		verdict, err := c.QuickCheck(ctx)
		if err == nil && verdict != "ok" {
			err = sqlite.Damaged(db.path, verdict)
		}
		return err
	})
}

// Export writes the model of all scopes that have rows, in order, each as
// model.Models.Export does. Two ledgers with the same training export the same bytes.
func (db *DB) Export(w io.Writer) error {
	scopes, err := db.Scopes()
	if err != nil {
		return err
	}
	if err := db.take(context.Background()); err != nil {
		return fmt.Errorf("export model: %w", err)
	}
	defer db.give()
	out := bufio.NewWriter(w)
	for _, scope := range scopes {
		m, err := db.loadScope(context.Background(), scope)
		if err != nil {
			return fmt.Errorf("export model: %w", sqlite.Explain(db.path, err))
		}
		db.models.Export(out, m)
		db.models.Trim(db.opts.ScopeMemory)
	}
	if err := out.Flush(); err != nil { // keeps the first error of the writes before
		return fmt.Errorf("export model: %w", err)
	}
	return nil
}

// Sum returns a checksum of the site's model as Export writes it: two that are equal
// score all mail alike.
func (db *DB) Sum() (sum [sha256.Size]byte, err error) {
	if err := db.take(context.Background()); err != nil {
		return sum, fmt.Errorf("sum the model up: %w", err)
	}
	defer db.give()
	h := sha256.New()
	out := bufio.NewWriter(h)
	db.models.Export(out, db.models.Model(""))
	err = out.Flush()
	return [sha256.Size]byte(h.Sum(nil)), err
}
