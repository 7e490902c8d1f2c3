package sqlite_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// letters is a schema for these tests, in its second version.
var letters = sqlite.Schema{
	What: "box of letters", AppID: 77, Version: 2,
	DDL:     "CREATE TABLE letter (n INTEGER PRIMARY KEY, x ANY) STRICT;",
	Upgrade: []string{"CREATE TABLE letter (n INTEGER PRIMARY KEY, x ANY) STRICT;"},
}

// prepared makes a database.
func prepared(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "letters.db")
	if err := letters.Prepare(t.Context(), path, false, time.Minute); err != nil {
		t.Fatal(err)
	}
	return path
}

func connected(t testing.TB, path string) *sqlite.Conn {
	t.Helper()
	c, err := sqlite.Connect(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestValuesComeBack: what is bound is read again as it was; a nil slice is NULL, and an
// empty one is not.
func TestValuesComeBack(t *testing.T) {
	c := connected(t, prepared(t))
	in := []driver.Value{int64(-7), 0.1, "text", []byte{0, 255}, []byte{}, []byte(nil), nil}
	for _, x := range in {
		if _, err := c.Exec("INSERT INTO letter (x) VALUES (?)", x); err != nil {
			t.Fatal(err)
		}
	}
	var out []driver.Value
	err := c.Query("SELECT x FROM letter ORDER BY n", func(v []driver.Value) error {
		out = append(out, v[0])
		return nil
	})
	in[5] = nil
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%#v, want %#v (%v)", out, in, err)
	}
	if sqlite.Int(out[0]) != -7 || sqlite.Float(out[1]) != 0.1 || sqlite.Text(out[2]) != "text" || len(sqlite.Blob(out[3])) != 2 ||
		sqlite.Blob(out[4]) == nil || sqlite.Blob(out[5]) != nil || sqlite.Int(out[6]) != 0 || sqlite.Text(out[0]) != "" {
		t.Error("values of other types than they have")
	}
	if n, err := c.Integer("SELECT n FROM letter WHERE n > ?", int64(99)); n != 0 || err != nil {
		t.Errorf("no row gives %d, %v", n, err)
	}
}

// TestQueryEnds: ErrStop ends a query without being an error, another error is returned,
// and the statement can be used again.
func TestQueryEnds(t *testing.T) {
	c := connected(t, prepared(t))
	if err := c.Run("INSERT INTO letter (x) VALUES (1), (2), (3)"); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	for _, x := range []struct{ is, want error }{{sqlite.ErrStop, nil}, {failed, failed}, {sqlite.ErrStop, nil}} {
		n := 0
		err := c.Query("SELECT x FROM letter", func([]driver.Value) error { n++; return x.is })
		if !errors.Is(err, x.want) || n != 1 {
			t.Errorf("%v after %d rows, want %v", err, n, x.want)
		}
	}
}

// TestAtomically: what fails leaves nothing, and the connection can go on.
func TestAtomically(t *testing.T) {
	c := connected(t, prepared(t))
	failed := errors.New("failed")
	for _, want := range []error{failed, nil} {
		err := c.Atomically(func() error { return errors.Join(c.Run("INSERT INTO letter (x) VALUES ('a')"), want) })
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if n, err := c.Integer("SELECT count(*) FROM letter"); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestRetry waits for another connection as long as it is told to.
func TestRetry(t *testing.T) {
	path := prepared(t)
	one, other := connected(t, path), connected(t, path)
	write := func() error { return other.Run("INSERT INTO letter (x) VALUES ('b')") }
	if err := one.Run("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := write(); !sqlite.IsBusy(err) {
		t.Errorf("beside a writer: %v", err)
	}
	if err := sqlite.Retry(t.Context(), 10*time.Millisecond, write); !errors.Is(err, sqlite.ErrBusy) || !strings.Contains(err.Error(), "10ms") {
		t.Errorf("past its time: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := sqlite.Retry(ctx, time.Minute, write); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the context's: %v", err)
	}
	freed := make(chan error)
	go func() { time.Sleep(10 * time.Millisecond); freed <- one.Run("COMMIT") }()
	if err := errors.Join(sqlite.Retry(t.Context(), time.Minute, write), <-freed); err != nil {
		t.Errorf("when it was free: %v", err)
	}
}

// TestReader answers until it is closed, and says then that it is.
func TestReader(t *testing.T) {
	path := prepared(t)
	r, err := sqlite.OpenReader(path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (n int64, err error) {
		err = r.Ask(t.Context(), "count letters", func(c *sqlite.Conn) (err error) {
			n, err = c.Integer("SELECT count(*) FROM letter")
			return err
		})
		return n, err
	}
	storetest.SQL(t, path, "INSERT INTO letter (x) VALUES (1), (2)")
	if n, err := ask(); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	storetest.SQL(t, path, "DROP TABLE letter")
	if _, err := ask(); err == nil || !strings.HasPrefix(err.Error(), "count letters: ") {
		t.Errorf("error %v does not say what was asked", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ask(); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("after it was closed: %v", err)
	}
}

// TestDisturbed: what is read as a file at rest is known to be none once somebody writes
// to it.
func TestDisturbed(t *testing.T) {
	path := prepared(t)
	var c *sqlite.Conn
	storetest.OnlyReading(t, filepath.Dir(path), func() {
		var err error
		if c, err = sqlite.ConnectToRead(path); err != nil {
			t.Fatal(err)
		}
	})
	defer c.Close()
	if err := c.Disturbed(path); err != nil {
		t.Errorf("disturbed by nobody: %v", err)
	}
	if err := connected(t, path).Run("INSERT INTO letter (x) VALUES (1)"); err != nil { // stays open: there is a log
		t.Fatal(err)
	}
	if err := c.Disturbed(path); !sqlite.IsBusy(err) {
		t.Errorf("the writer was not noticed: %v", err)
	}
}

// TestSchemaRefuses: each is refused, and its file is left as it is.
func TestSchemaRefuses(t *testing.T) {
	bills := letters
	bills.AppID = 78
	oldest := letters
	oldest.Version = 1
	for name, c := range map[string]struct {
		schema   sqlite.Schema
		readOnly bool
		spoil    func(path string)
		want     error
	}{
		"missing":       {letters, true, func(path string) { os.Remove(path) }, fs.ErrNotExist},
		"another kind":  {bills, false, func(string) {}, sqlite.ErrDamaged},
		"newer":         {oldest, false, func(string) {}, sqlite.ErrNewer},
		"older to read": {letters, true, func(path string) { storetest.SQL(t, path, "UPDATE meta SET value = 1 WHERE key = 'schema'") }, sqlite.ErrOlder},
		"no database":   {letters, false, func(path string) { storetest.Edit(t, path, func([]byte) []byte { return []byte("Dear Anna") }) }, sqlite.ErrDamaged},
	} {
		path := prepared(t)
		c.spoil(path)
		before, _ := os.ReadFile(path)
		if err := c.schema.Prepare(t.Context(), path, c.readOnly, time.Minute); !errors.Is(err, c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// TestSchemaMigrates: an older file is brought up to date when it is opened for writing,
// and stays in use for others of this version.
func TestSchemaMigrates(t *testing.T) {
	path := prepared(t)
	storetest.SQL(t, path, "DROP TABLE letter; UPDATE meta SET value = 1 WHERE key = 'schema'")
	for range 2 {
		if err := letters.Prepare(t.Context(), path, false, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	c := connected(t, path)
	n, err := c.Integer("SELECT count(*) FROM letter")
	version, versionErr := c.Integer(sqlite.MetaValue, "schema")
	if err := errors.Join(err, versionErr); err != nil || n != 0 || version != 2 {
		t.Errorf("%d rows in version %d, %v", n, version, err)
	}
}
