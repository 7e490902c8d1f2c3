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
	"os"

	"fanmill/classify"
)

const rowColumns = "SELECT id, scope, digest, class, adds, step, sure, score_c, score_e, score_l, log_odds, time, source, complete, waits"

const numRowColumns = 15

// asRow reads rowColumns.
func asRow(v []driver.Value) Row {
	r := Row{
		ID: asInt(v[0]), Scope: asText(v[1]), Class: Class(asInt(v[3])), Adds: int(asInt(v[4])), Step: stepOf(asText(v[1]), asInt(v[5])), Sure: asInt(v[6]) != 0,
		ScoreC: asFloat(v[7]), ScoreE: asFloat(v[8]), ScoreL: asFloat(v[9]), LogOdds: asFloat(v[10]),
		Time: asTime(v[11]), Source: asText(v[12]), Complete: asInt(v[13]) != 0, Waits: asInt(v[14]) != 0, waits: asInt(v[14]),
	}
	copy(r.Digest[:], asBlob(v[2]))
	return r
}

// findRow returns a row without its lists and message, or ErrNoRow.
func findRow(c *conn, scope string, d classify.Digest) (Row, error) {
	return oneRow(c, rowColumns+" FROM msg WHERE scope = ? AND digest = ?", scope, d[:])
}

func oneRow(c *conn, query string, args ...driver.Value) (row Row, err error) {
	err = ErrNoRow
	queryErr := c.query(query, func(v []driver.Value) error {
		row, err = asRow(v), nil
		return errStop
	}, args...)
	return row, cmp.Or(queryErr, err)
}

// loadRow returns a row with all that is kept of it, or ErrNoRow. These are two
// queries because SQLite would plan a join anew each time.
func loadRow(c *conn, id int64) (row Row, err error) {
	err = c.consistent(func() error {
		if row, err = oneRow(c, rowColumns+" FROM msg WHERE id = ?", id); err != nil {
			return err
		}
		const query = "SELECT (SELECT features FROM lists WHERE id = ?1), (SELECT grams FROM lists WHERE id = ?1), (SELECT message FROM body WHERE id = ?1)"
		return c.query(query, row.readBody, id)
	})
	return row, err
}

// kept joins the rows with what is kept of them.
const kept = "msg LEFT JOIN lists USING (id) LEFT JOIN body USING (id)"

// readBody takes features, grams and message, as far as they are kept.
func (r *Row) readBody(v []driver.Value) (err error) {
	if b := asBlob(v[0]); b != nil {
		if r.Features, err = parseFeatures(make([]uint64, 0, len(b)/8), b); err != nil {
			return err
		}
	}
	if b := asBlob(v[1]); b != nil {
		if r.Grams, err = parseGrams(make([]uint32, 0, len(b)), b); err != nil {
			return err
		}
	}
	if b := asBlob(v[2]); b != nil {
		r.Message, err = unpack(b)
	}
	return err
}

// ask runs fn with the connection for queries, which sees what is committed.
func (db *DB) ask(ctx context.Context, what string, fn func(c *conn) error) error {
	err := retryBusy(ctx, db.opts.Busy, func() error {
		db.rmu.Lock()
		defer db.rmu.Unlock()
		if db.r == nil {
			return ErrClosed
		}
		return fn(db.r)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, explain(db.path, err))
	}
	return nil
}

// Find returns the row of a message without features, grams and message, and whether
// there is one.
func (db *DB) Find(ctx context.Context, scope string, d classify.Digest) (row Row, found bool, err error) {
	err = db.ask(ctx, "find message", func(c *conn) (err error) {
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
	err = db.ask(ctx, fmt.Sprintf("load message %d", id), func(c *conn) (err error) {
		row, err = loadRow(c, id)
		return err
	})
	return row, err
}

// Recent returns the rows of a scope recorded last, the newest first, without
// features and messages; forgotten ones are among them.
func (db *DB) Recent(ctx context.Context, scope string, limit int) (rows []Row, err error) {
	err = db.ask(ctx, "list messages", func(c *conn) error {
		rows = rows[:0]
		return c.query(rowColumns+" FROM msg WHERE scope = ? ORDER BY id DESC LIMIT ?", func(v []driver.Value) error {
			rows = append(rows, asRow(v))
			return ctx.Err()
		}, scope, int64(limit))
	})
	return rows, err
}

const opColumns = `SELECT seq, time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes`

const numOpColumns = 18

// asOp reads opColumns.
func asOp(v []driver.Value) Op {
	return Op{
		Seq: asInt(v[0]), Time: asTime(v[1]), Origin: Origin{Actor: asText(v[2]), Source: asText(v[3])},
		Kind: Kind(asInt(v[4])), Row: asInt(v[5]), Scope: asText(v[6]), Before: asMark(asText(v[6]), v[7:12]), After: asMark(asText(v[6]), v[12:17]), Undoes: asInt(v[17]),
	}
}

// Ops returns at most limit ops with a seq above after, the oldest first.
func (db *DB) Ops(ctx context.Context, after int64, limit int) (ops []Op, err error) {
	err = db.ask(ctx, "list ops", func(c *conn) error {
		ops = ops[:0]
		return c.query(opColumns+" FROM op WHERE seq > ? ORDER BY seq LIMIT ?", func(v []driver.Value) error {
			ops = append(ops, asOp(v))
			return ctx.Err()
		}, after, int64(limit))
	})
	return ops, err
}

// Imported returns how many rows of a scope hold what another filter has counted.
func (db *DB) Imported(ctx context.Context, scope string) (n int64, err error) {
	err = db.ask(ctx, "look for imported counts", func(c *conn) (err error) {
		n, err = c.integer("SELECT count(*) FROM msg WHERE scope = ? AND class > 2", scope)
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
	err = db.ask(context.Background(), "list scopes", func(c *conn) error {
		names = names[:0]
		return c.query(query, func(v []driver.Value) error {
			names = append(names, asText(v[0]))
			return nil
		})
	})
	return names, err
}

// Size returns the bytes that ledger and snapshot take on disk.
func (db *DB) Size() (int64, error) {
	return sizeOf(db.path, db.path+"-wal", db.snapshotPath())
}

func sizeOf(paths ...string) (total int64, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return 0, fmt.Errorf("measure database: %w", err)
		default:
			total += info.Size()
		}
	}
	return total, nil
}

// Check reads the whole ledger for damage, which for a large one takes seconds.
func (db *DB) Check(ctx context.Context) error {
	return db.ask(ctx, "check ledger", func(c *conn) error {
		verdict, err := c.quickCheck(ctx)
		if err == nil && verdict != "ok" {
			err = damaged(db.path, verdict)
		}
		return err
	})
}

// Export writes the model of all scopes in a canonical form: for each scope that has
// rows, in order, a line with its name and totals, one with its Fit if it has one, and
// then its features that count and its weights that are not zero, ascending. Two ledgers with the same training export the same bytes.
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
			return fmt.Errorf("export model: %w", explain(db.path, err))
		}
		t := &db.mem.site
		if m.own != nil {
			t = &siteCounts{counts: *m.own}
		}
		t.export(out, scope)
		db.mem.trim(db.opts.ScopeMemory)
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
	db.mem.site.export(out, "")
	err = out.Flush()
	return [sha256.Size]byte(h.Sum(nil)), err
}
