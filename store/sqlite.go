package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// conn is one SQLite connection with its prepared statements. The driver is used
// without database/sql: the callers take turns on a connection anyway, and pool,
// conversions and context goroutines would double the cost of an insert.
// A conn must not be used by two goroutines at once.
type conn struct {
	db    *sqlite3.SQLiteConn
	stmts map[string]*sqlite3.SQLiteStmt
	still bool // see connectToRead
}

// connect opens path; mode is an SQLite URI mode: ro or rw. Nothing is
// created. SQLite's own waiting is off: retryBusy waits.
func connect(path, mode string, pragmas ...string) (*conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	dsn := "file:" + (&url.URL{Path: abs}).EscapedPath() + "?mode=" + mode + "&_mutex=no&_busy_timeout=0"
	d, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	c := &conn{db: d.(*sqlite3.SQLiteConn), stmts: make(map[string]*sqlite3.SQLiteStmt)}
	for _, p := range append([]string{"trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY"}, pragmas...) {
		if err := c.run("PRAGMA " + p); err != nil {
			c.close()
			return nil, fmt.Errorf("open %s: set %s: %w", path, p, err)
		}
	}
	return c, nil
}

// connectToRead opens path for reading. Even a reader writes beside a database:
// it makes the index of the write-ahead log where there is none. Where it may not, and
// there is no log, the file is read as one that nobody changes; a writer that comes
// meanwhile makes a log, by which disturbed knows.
func connectToRead(path string, pragmas ...string) (*conn, error) {
	c, err := connect(path, "ro", pragmas...)
	if code := sqliteCode(err); code != sqlite3.ErrCantOpen && code != sqlite3.ErrReadonly || hasLog(path) {
		return c, err
	}
	c, err = connect(path, "ro&immutable=1", pragmas...)
	if c != nil {
		c.still = true
	}
	return c, err
}

// disturbed tells that somebody writes to what is read as a file that nobody
// changes.
func (c *conn) disturbed(path string) bool { return c.still && hasLog(path) }

func hasLog(path string) bool {
	_, err := os.Stat(path + "-wal")
	return !errors.Is(err, fs.ErrNotExist)
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.db.Close())...)
}

// run executes statements that are not worth keeping prepared.
func (c *conn) run(sql string) error {
	_, err := c.db.Exec(sql, nil)
	return err
}

func (c *conn) prepare(sql string) (*sqlite3.SQLiteStmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	s, err := c.db.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	c.stmts[sql] = s.(*sqlite3.SQLiteStmt)
	return c.stmts[sql], nil
}

// exec executes sql, keeping it prepared. Arguments are the driver's types:
// int64, float64, string, []byte, nil.
func (c *conn) exec(sql string, args ...driver.Value) (driver.Result, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	return s.Exec(args)
}

// errStop ends a query early without being an error.
var errStop = errors.New("enough rows")

// query calls fn with each row; the slice is reused.
func (c *conn) query(sql string, fn func([]driver.Value) error, args ...driver.Value) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.Query(args)
	if err != nil {
		return err
	}
	dest := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		if err = rows.Next(dest); err == nil {
			err = fn(dest)
		}
	}
	closeErr := rows.Close()
	if err == io.EOF || err == errStop {
		return closeErr
	}
	return errors.Join(err, closeErr)
}

// integer returns the single number that sql yields, 0 when there is no row.
func (c *conn) integer(sql string, args ...driver.Value) (n int64, err error) {
	err = c.query(sql, func(v []driver.Value) error { n = asInt(v[0]); return errStop }, args...)
	return n, err
}

// text is integer for a string.
func (c *conn) text(sql string, args ...driver.Value) (s string, err error) {
	err = c.query(sql, func(v []driver.Value) error { s = asText(v[0]); return errStop }, args...)
	return s, err
}

// quickCheck has SQLite read the whole database, and returns "ok" or the first thing
// that is wrong. It ends early with ctx.
func (c *conn) quickCheck(ctx context.Context) (string, error) {
	rows, err := c.db.QueryContext(ctx, "PRAGMA quick_check(1)", nil)
	if err != nil {
		return "", err
	}
	verdict := make([]driver.Value, 1)
	err = rows.Next(verdict)
	return asText(verdict[0]), errors.Join(err, rows.Close())
}

// consistent runs fn, which only reads, on one state of the database; within a
// transaction that is the transaction's.
func (c *conn) consistent(fn func() error) error {
	if !c.db.AutoCommit() {
		return fn()
	}
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	err := fn()
	return errors.Join(err, c.rollback())
}

// rollback ends the transaction unless SQLite has done so itself, as it does
// after some faults.
func (c *conn) rollback() error {
	if c.db.AutoCommit() {
		return nil
	}
	_, err := c.exec("ROLLBACK")
	return err
}

// atomically runs fn in a write transaction; the caller retries when it is busy.
func (c *conn) atomically(fn func() error) error {
	if _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = c.exec("COMMIT")
	}
	if err != nil {
		return errors.Join(err, c.rollback())
	}
	return nil
}

func asInt(v driver.Value) int64     { n, _ := v.(int64); return n }
func asFloat(v driver.Value) float64 { x, _ := v.(float64); return x }
func asText(v driver.Value) string   { s, _ := v.(string); return s }
func asBlob(v driver.Value) []byte   { b, _ := v.([]byte); return b }

func asTime(v driver.Value) time.Time { return time.UnixMicro(asInt(v)) }

// nilIfNone binds SQL NULL for a nil slice.
func nilIfNone(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}

func nilIfZero(n int64) driver.Value {
	if n == 0 {
		return nil
	}
	return n
}

// Pauses between two tries while another process writes.
const (
	firstPause = 500 * time.Microsecond
	maxPause   = 4 * time.Millisecond
)

// retryBusy calls try until it meets no other process's lock, the context
// ends, or limit has passed.
func retryBusy(ctx context.Context, limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := try()
		if !isBusy(err) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w, for more than %s: try again when it has finished", ErrBusy, limit)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process: %w", ctx.Err())
		case <-time.After(pause):
		}
	}
}
