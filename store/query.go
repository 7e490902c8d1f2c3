package store

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"fanmill/classify"
	"fanmill/store/disk"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

const rowColumns = "SELECT id, scope, digest, class, adds, step, sure, score_c, score_e, score_l, log_odds, time, source, complete, waits"

const numRowColumns = 15

// asRow reads rowColumns.
func asRow(v []driver.Value) Row {
	r := Row{
		ID: sqlite.Int(v[0]), Scope: sqlite.Text(v[1]), Class: Class(sqlite.Int(v[3])), Adds: int(sqlite.Int(v[4])), Step: stepOf(sqlite.Text(v[1]), sqlite.Int(v[5])), Sure: sqlite.Int(v[6]) != 0,
		ScoreC: sqlite.Float(v[7]), ScoreE: sqlite.Float(v[8]), ScoreL: sqlite.Float(v[9]), LogOdds: sqlite.Float(v[10]),
		Time: sqlite.Time(v[11]), Source: sqlite.Text(v[12]), Complete: sqlite.Int(v[13]) != 0, Waits: sqlite.Int(v[14]) != 0, waits: sqlite.Int(v[14]),
	}
	copy(r.Digest[:], sqlite.Blob(v[2]))
	return r
}

// findRow returns a row without its lists and message, or ErrNoRow.
func findRow(c *sqlite.Conn, scope string, d classify.Digest) (Row, error) {
	return oneRow(c, rowColumns+" FROM msg WHERE scope = ? AND digest = ?", scope, d[:])
}

func oneRow(c *sqlite.Conn, query string, args ...driver.Value) (row Row, err error) {
	err = ErrNoRow
	queryErr := c.Query(query, func(v []driver.Value) error {
		row, err = asRow(v), nil
		return sqlite.ErrStop
	}, args...)
	return row, cmp.Or(queryErr, err)
}

// allRows returns the rows that a query of rowColumns yields.
func allRows(ctx context.Context, c *sqlite.Conn, query string, args ...driver.Value) (rows []Row, err error) {
	err = c.Query(query, func(v []driver.Value) error {
		rows = append(rows, asRow(v))
		return ctx.Err()
	}, args...)
	return rows, err
}

// loadRow returns a row with all that is kept of it, or ErrNoRow. These are two
// queries because SQLite would plan a join anew each time.
func loadRow(c *sqlite.Conn, id int64) (row Row, err error) {
	err = c.Consistent(func() error {
		if row, err = oneRow(c, rowColumns+" FROM msg WHERE id = ?", id); err != nil {
			return err
		}
		const query = "SELECT (SELECT features FROM lists WHERE id = ?1), (SELECT grams FROM lists WHERE id = ?1), (SELECT message FROM body WHERE id = ?1)"
		return c.Query(query, row.readBody, id)
	})
	return row, err
}

// kept joins the rows with what is kept of them.
const kept = "msg LEFT JOIN lists USING (id) LEFT JOIN body USING (id)"

// readBody takes features, grams and message, as far as they are kept.
func (r *Row) readBody(v []driver.Value) (err error) {
	if r.Features, err = pack.ReadFeatures(sqlite.Blob(v[0])); err != nil {
		return err
	}
	if r.Grams, err = pack.ReadGrams(sqlite.Blob(v[1])); err != nil {
		return err
	}
	if b := sqlite.Blob(v[2]); b != nil {
		r.Message, err = pack.ReadMessage(b)
	}
	return err
}

// Find returns the row of a message without features, grams and message, and whether
// there is one.
func (db *DB) Find(ctx context.Context, scope string, d classify.Digest) (row Row, found bool, err error) {
	err = db.r.Ask(ctx, "find message", func(c *sqlite.Conn) (err error) {
		row, err = findRow(c, scope, d)
		return err
	})
	if errors.Is(err, ErrNoRow) {
		return Row{}, false, nil
	}
	return row, err == nil, err
}

// Load returns a row with features, grams and message, as far as they are kept; ErrNoRow
// when there is none.
func (db *DB) Load(ctx context.Context, id int64) (row Row, err error) {
	err = db.r.Ask(ctx, fmt.Sprintf("load message %d", id), func(c *sqlite.Conn) (err error) {
		row, err = loadRow(c, id)
		return err
	})
	return row, err
}

// Recent returns the rows of a scope recorded last, the newest first, without
// features and messages; forgotten ones are among them.
func (db *DB) Recent(ctx context.Context, scope string, limit int) (rows []Row, err error) {
	err = db.r.Ask(ctx, "list messages", func(c *sqlite.Conn) (err error) {
		rows, err = allRows(ctx, c, rowColumns+" FROM msg WHERE scope = ? ORDER BY id DESC LIMIT ?", scope, int64(limit))
		return err
	})
	return rows, err
}

const opColumns = `SELECT seq, time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes`

const numOpColumns = 18

// asOp reads opColumns.
func asOp(v []driver.Value) Op {
	return Op{
		Seq: sqlite.Int(v[0]), Time: sqlite.Time(v[1]), Origin: Origin{Actor: sqlite.Text(v[2]), Source: sqlite.Text(v[3])},
		Kind: Kind(sqlite.Int(v[4])), Row: sqlite.Int(v[5]), Scope: sqlite.Text(v[6]), Before: asMark(sqlite.Text(v[6]), v[7:12]), After: asMark(sqlite.Text(v[6]), v[12:17]), Undoes: sqlite.Int(v[17]),
	}
}

// Ops returns at most limit ops with a seq above after, the oldest first.
func (db *DB) Ops(ctx context.Context, after int64, limit int) (ops []Op, err error) {
	err = db.r.Ask(ctx, "list ops", func(c *sqlite.Conn) error {
		ops = ops[:0]
		return c.Query(opColumns+" FROM op WHERE seq > ? ORDER BY seq LIMIT ?", func(v []driver.Value) error {
			ops = append(ops, asOp(v))
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
