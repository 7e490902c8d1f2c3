// Package sqlite is what the databases of the data directory have in common: connections
// with prepared statements, the wait for other processes, files that are made, checked,
// brought up to date, copied and put back by a Schema, and errors that say what to do.
// No other package knows the driver.
//
// Every database has a table meta (key, value): "schema" and "features", the versions of
// its layout and of the features in it (classify.FeatureVersion), and "ledger", a random
// id. An existing file is looked at before it is opened for writing; one that is damaged,
// or newer than this fanmill, is refused and left as it is, never replaced by an empty one.
package sqlite

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

// Conn is one connection with its prepared statements. The driver is used without
// database/sql: the callers take turns on a connection anyway, and pool, conversions and
// context goroutines would double the cost of an insert. A Conn must not be used by two
// goroutines at once.
type Conn struct {
	db    *sqlite3.SQLiteConn
	stmts map[string]*sqlite3.SQLiteStmt
	still bool // see ConnectToRead
}

// Connect opens path for reading and writing, and sets pragmas, such as
// "synchronous=FULL". Nothing is created. SQLite's own waiting is off: Retry waits.
func Connect(path string, pragmas ...string) (*Conn, error) { return connect(path, "rw", pragmas) }

// connect opens path; mode is an SQLite URI mode: ro or rw.
func connect(path, mode string, pragmas []string) (*Conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	dsn := "file:" + (&url.URL{Path: abs}).EscapedPath() + "?mode=" + mode + "&_mutex=no&_busy_timeout=0"
	d, err := (&sqlite3.SQLiteDriver{}).Open(dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	c := &Conn{db: d.(*sqlite3.SQLiteConn), stmts: make(map[string]*sqlite3.SQLiteStmt)}
	for _, p := range append([]string{"trusted_schema=OFF", "cell_size_check=ON", "temp_store=MEMORY"}, pragmas...) {
		if err := c.Run("PRAGMA " + p); err != nil {
			c.Close()
			return nil, fmt.Errorf("open %s: set %s: %w", path, p, err)
		}
	}
	return c, nil
}

// ConnectToRead opens path for reading. Even a reader writes beside a database:
// it makes the index of the write-ahead log where there is none. Where it may not, and
// there is no log, the file is read as one that nobody changes; a writer that comes
// meanwhile makes a log, by which Disturbed knows.
func ConnectToRead(path string, pragmas ...string) (*Conn, error) {
	c, err := connect(path, "ro", pragmas)
	if n := code(err); n != sqlite3.ErrCantOpen && n != sqlite3.ErrReadonly || hasLog(path) {
		return c, err
	}
	c, err = connect(path, "ro&immutable=1", pragmas)
	if c != nil {
		c.still = true
	}
	return c, err
}

// Disturbed is the fault that somebody writes to what is read as a file that nobody
// changes: IsBusy, so that Retry reads again.
func (c *Conn) Disturbed(path string) error {
	if c.still && hasLog(path) {
		return errBusy
	}
	return nil
}

func hasLog(path string) bool {
	_, err := os.Stat(path + "-wal")
	return !errors.Is(err, fs.ErrNotExist)
}

// Close closes the connection.
func (c *Conn) Close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.db.Close())...)
}

// Run executes statements that are not worth keeping prepared.
func (c *Conn) Run(sql string) error {
	_, err := c.db.Exec(sql, nil)
	return err
}

func (c *Conn) prepare(sql string) (*sqlite3.SQLiteStmt, error) {
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

// Exec executes sql, keeping it prepared. Arguments are the driver's types:
// int64, float64, bool, string, []byte; nil, as such or as a slice, is NULL.
func (c *Conn) Exec(sql string, args ...driver.Value) (driver.Result, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	return s.Exec(args)
}

// ErrStop ends a query early without being an error.
var ErrStop = errors.New("enough rows")

// Query calls fn with each row; the slice is reused.
func (c *Conn) Query(sql string, fn func([]driver.Value) error, args ...driver.Value) error {
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
	if err == io.EOF || err == ErrStop {
		return closeErr
	}
	return errors.Join(err, closeErr)
}

// Integer returns the single number that sql yields, 0 when there is no row.
func (c *Conn) Integer(sql string, args ...driver.Value) (n int64, err error) {
	err = c.Query(sql, func(v []driver.Value) error { n = Int(v[0]); return ErrStop }, args...)
	return n, err
}

// Text is Integer for a string.
func (c *Conn) Text(sql string, args ...driver.Value) (s string, err error) {
	err = c.Query(sql, func(v []driver.Value) error { s = Text(v[0]); return ErrStop }, args...)
	return s, err
}

// QuickCheck has SQLite read the whole database, and returns "ok" or the first thing
// that is wrong. It ends early with ctx.
func (c *Conn) QuickCheck(ctx context.Context) (string, error) {
	rows, err := c.db.QueryContext(ctx, "PRAGMA quick_check(1)", nil)
	if err != nil {
		return "", err
	}
	verdict := make([]driver.Value, 1)
	err = rows.Next(verdict)
	return Text(verdict[0]), errors.Join(err, rows.Close())
}

// Consistent runs fn, which only reads, on one state of the database; within a
// transaction that is the transaction's.
func (c *Conn) Consistent(fn func() error) error {
	if !c.db.AutoCommit() {
		return fn()
	}
	if _, err := c.Exec("BEGIN"); err != nil {
		return err
	}
	err := fn()
	return errors.Join(err, c.Rollback())
}

// Rollback ends the transaction unless SQLite has done so itself, as it does
// after some faults.
func (c *Conn) Rollback() error {
	if c.db.AutoCommit() {
		return nil
	}
	_, err := c.Exec("ROLLBACK")
	return err
}

// Atomically runs fn in a write transaction; the caller retries when it is busy.
func (c *Conn) Atomically(fn func() error) error {
	if _, err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		_, err = c.Exec("COMMIT")
	}
	if err != nil {
		return errors.Join(err, c.Rollback())
	}
	return nil
}

// Vacuum gives free pages back to the file system, at most so many, if the file has
// auto_vacuum INCREMENTAL.
func (c *Conn) Vacuum(pages int) error {
	return c.Query(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pages), func([]driver.Value) error { return nil })
}

// EmptyLog writes the write-ahead log into the database and cuts it to nothing. While
// others read or write the fault IsBusy.
func (c *Conn) EmptyLog() error {
	busy, err := c.Integer("PRAGMA wal_checkpoint(TRUNCATE)")
	if err == nil && busy != 0 {
		return errBusy
	}
	return err
}

// Int returns a value of a row as a number; NULL, and what is no number, is 0.
func Int(v driver.Value) int64 { n, _ := v.(int64); return n }

// Float is Int for floating point.
func Float(v driver.Value) float64 { x, _ := v.(float64); return x }

// Text is Int for a string.
func Text(v driver.Value) string { s, _ := v.(string); return s }

// Blob is Int for bytes: NULL is nil, no bytes are an empty slice.
func Blob(v driver.Value) []byte { b, _ := v.([]byte); return b }

// Time is Int for a moment, which is stored in microseconds since 1970.
func Time(v driver.Value) time.Time { return time.UnixMicro(Int(v)) }

// DefaultBusy is how long to wait for other processes if nobody says otherwise: what
// training to exhaustion writes at once takes 3 s for 50,000 labels on an idle machine.
const DefaultBusy = 2 * time.Minute

// MaxPause is the longest pause between two tries while another process writes; the first
// is firstPause, and each is twice the one before.
const (
	firstPause = 500 * time.Microsecond
	MaxPause   = 4 * time.Millisecond
)

// Retry calls try until it meets no other process's lock, the context
// ends, or limit has passed.
func Retry(ctx context.Context, limit time.Duration, try func() error) error {
	deadline := time.Now().Add(limit)
	for pause := firstPause; ; pause = min(2*pause, MaxPause) {
		err := try()
		if !IsBusy(err) {
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
