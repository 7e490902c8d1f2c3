package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A backup is an ordinary database file in WAL mode, without a log beside it: it may
// also be put in place by hand while nothing runs.

// Copied says what a copy of a database holds.
type Copied struct {
	Bytes     int64     `json:"bytes"`
	Ham       int       `json:"ham"` // labelled messages, of a ledger
	Spam      int       `json:"spam"`
	LastOp    int64     `json:"last_op"`
	LastTime  time.Time `json:"last_time"` // of the last op; zero: there is none
	OlderForm bool      `json:"-"`         // it has an older schema
}

// BackupLedger writes the ledger of a data directory to path, whole or not at all,
// as it is at one moment, while other processes go on writing; one that has it open
// itself must not call this. The copy is read back and checked before it gets its name.
// A file that is there is replaced only with force, else the error is ErrThere.
func BackupLedger(ctx context.Context, dir, path string, force bool) (Copied, error) {
	return ledgerSchema.backup(ctx, filepath.Join(dir, ledgerFile), path, force)
}

// BackupHistory is BackupLedger for the history.
func BackupHistory(ctx context.Context, dir, path string, force bool) (Copied, error) {
	return historySchema.backup(ctx, filepath.Join(dir, historyFile), path, force)
}

// tempSuffix ends the name of a file that is being written.
const tempSuffix = ".part"

func (s *schema) backup(ctx context.Context, from, to string, force bool) (got Copied, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up the %s: %w", s.what, err)
		}
	}()
	if err := refuseThere(to, force); err != nil {
		return got, err
	}
	sweep(filepath.Dir(to), "."+filepath.Base(to)+".", tempSuffix)
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*"+tempSuffix)
	if err != nil {
		return got, err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	if got, err = s.copyTo(ctx, from, f.Name()); err != nil {
		return got, err
	}
	if err := errors.Join(f.Chmod(0o640), f.Sync()); err != nil {
		return got, err
	}
	if err := giveName(f.Name(), to, force); err != nil {
		return got, err
	}
	return got, syncDir(filepath.Dir(to))
}

// refuseThere is ErrThere for a file that is not to be replaced.
func refuseThere(path string, force bool) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !force:
		return fmt.Errorf("%s: %w", path, ErrThere)
	}
	return err
}

// giveName renames a file; without force nothing is replaced, whoever made it meanwhile.
func giveName(from, to string, force bool) error {
	if force {
		return os.Rename(from, to)
	}
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", to, ErrThere)
	}
	if err != nil { // no hard links in this file system
		return os.Rename(from, to)
	}
	return os.Remove(from)
}

// copyTo writes a sound database of this schema to the file to, which is empty or
// missing, and checks what it wrote. It takes in what stands in the log beside from.
func (s *schema) copyTo(ctx context.Context, from, to string) (Copied, error) {
	if _, err := headerSize(from, true); err != nil {
		return Copied{}, err
	}
	abs, err := filepath.Abs(to) // a name that begins with "file:" would be a URI
	if err != nil {
		return Copied{}, err
	}
	err = retryBusy(ctx, defaultBusy, func() error {
		c, err := connectToRead(from)
		if err != nil {
			return err
		}
		defer c.close()
		if err := s.identify(c, from); err != nil {
			return err
		}
		if err := s.versions(c, from); err != nil && !errors.Is(err, ErrOlder) {
			return err
		}
		return c.copyInto(ctx, abs)
	})
	if err == nil {
		return s.verify(abs)
	}
	if errors.Is(err, errEmpty) {
		err = fmt.Errorf("%s: it has no tables: there is no %s in it", from, s.what)
	}
	return Copied{}, explain(from, err)
}

// verify checks a copy as a whole, and leaves it in WAL mode and without a log.
func (s *schema) verify(path string) (got Copied, err error) {
	c, err := connect(path, "rw", "journal_mode=WAL", "synchronous=FULL")
	if err != nil {
		return got, explain(path, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if got.OlderForm, err = s.sound(c, path); err != nil {
		return got, err
	}
	if s == &ledgerSchema {
		if err := got.describe(c); err != nil {
			return got, fmt.Errorf("read back %s: %w", path, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return got, err
	}
	got.Bytes = info.Size()
	return got, nil
}

// sound checks identity, versions and every page.
func (s *schema) sound(c *conn, path string) (older bool, err error) {
	if err := s.identify(c, path); err != nil {
		return false, err
	}
	if err = s.versions(c, path); errors.Is(err, ErrOlder) {
		older, err = true, nil
	}
	if err != nil {
		return older, err
	}
	switch verdict, err := c.text("PRAGMA quick_check(1)"); {
	case err != nil:
		return older, fmt.Errorf("check %s: %w", path, explain(path, err))
	case verdict != "ok":
		return older, damaged(path, verdict)
	}
	return older, nil
}

// describe reads what is said of a ledger.
func (got *Copied) describe(c *conn) (err error) {
	for _, n := range []struct {
		query string
		to    *int
	}{{"SELECT count(*) FROM msg WHERE class = 1", &got.Ham}, {"SELECT count(*) FROM msg WHERE class = 2", &got.Spam}} {
		v, err := c.integer(n.query)
		if err != nil {
			return err
		}
		*n.to = int(v)
	}
	if got.LastOp, err = c.integer(selectLast); err != nil {
		return err
	}
	micros, err := c.integer("SELECT max(time) FROM op")
	if micros != 0 {
		got.LastTime = time.UnixMicro(micros)
	}
	return err
}

// Restored says what a restore did.
type Restored struct {
	Copied
	Kept string `json:"kept,omitempty"` // the file that was there before, "" if there was none
}

// ErrThere says that something would be overwritten.
var ErrThere = errors.New("it is there already")

// ErrOpen says that other processes have a database open that is to be replaced.
var ErrOpen = errors.New("other processes have it open")

// RestoreLedger puts the backup at path in place of the ledger of a data directory,
// which no daemon may use meanwhile. The backup is copied and checked before anything
// is touched. A ledger that is there is replaced only with force (else ErrThere), and is
// kept beside the new one, with all that stood in its log; ErrOpen when others use it.
// Killed at any moment, one of the two is in place and the other is beside it.
func RestoreLedger(ctx context.Context, dir, path string, force bool) (Restored, error) {
	return ledgerSchema.restore(ctx, dir, ledgerFile, path, force)
}

// RestoreHistory is RestoreLedger for the history.
func RestoreHistory(ctx context.Context, dir, path string, force bool) (Restored, error) {
	return historySchema.restore(ctx, dir, historyFile, path, force)
}

func (s *schema) restore(ctx context.Context, dir, name, from string, force bool) (did Restored, err error) {
	to, staged := filepath.Join(dir, name), filepath.Join(dir, name+".restore"+tempSuffix)
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore the %s: %w", s.what, err)
		}
	}()
	if err := refuseThere(to, force); err != nil {
		return did, err
	}
	defer os.Remove(staged) // fails once it is renamed
	if did.Copied, err = s.stage(ctx, from, staged); err != nil {
		return did, err
	}
	if did.Kept, err = setAside(ctx, to, ""); err != nil {
		return did, err
	}
	if err := os.Rename(staged, to); err != nil {
		return did, err
	}
	if s == &ledgerSchema {
		os.Remove(filepath.Join(dir, snapshotFile)) // or it is found not to fit at the next start
	}
	return did, syncDir(dir)
}

// stage makes the file that will be the database, from a backup.
func (s *schema) stage(ctx context.Context, from, staged string) (got Copied, err error) {
	for _, leftover := range []string{staged, staged + "-wal", staged + "-shm"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return got, err
		}
	}
	if err := createEmpty(staged); err != nil {
		return got, err
	}
	if got, err = s.copyTo(ctx, from, staged); err != nil {
		return got, err
	}
	if got.OlderForm {
		if err := s.migrate(staged); err != nil {
			return got, err
		}
	}
	f, err := os.OpenFile(staged, os.O_RDWR, 0)
	if err != nil {
		return got, err
	}
	return got, errors.Join(f.Sync(), f.Close())
}

// asideWait is how long to wait until nobody has a database open.
const asideWait = 5 * time.Second

// setAside gives a database a second name, with all that stands in its log, so that a
// rename may put another in its place; "" when there is none. A log that stayed would be
// taken for that of the other. What is damaged is kept as it is, its log beside it. The
// name says when that was, and why.
func setAside(ctx context.Context, path, why string) (kept string, err error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	dropSecondNames(path)
	kept = freeName(path, why)
	err = retryBusy(ctx, asideWait, func() error { return foldLog(path) })
	switch {
	case errors.Is(err, ErrBusy):
		return "", fmt.Errorf("%s: %w: stop the daemon and whatever trains, and do it again", path, ErrOpen)
	case err != nil && sqliteCode(err) == 0:
		return "", err
	}
	if err := os.Link(path, kept); err != nil {
		return "", err
	}
	if err := os.Rename(path+"-wal", kept+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return kept, nil
}

// dropSecondNames removes names that a restore which was killed has given to what is
// still the database in use: under another name its log would not be found.
func dropSecondNames(path string) {
	mine, err := os.Stat(path)
	if err != nil {
		return
	}
	names, _ := filepath.Glob(path + ".[0-9]*")
	for _, name := range names {
		if other, err := os.Lstat(name); err == nil && os.SameFile(mine, other) {
			os.Remove(name)
		}
	}
}

// foldLog writes a database's log into it. SQLite lets go of the log only when no
// other connection is open, of whatever process; else the error is one of isBusy.
func foldLog(path string) error {
	c, err := connect(path, "rw")
	if err != nil {
		return err
	}
	mode, err := c.text("PRAGMA journal_mode=DELETE")
	if err == nil && mode == "wal" {
		err = errDisturbed
	}
	return errors.Join(err, c.close())
}

// freeName returns a name beside path that says when it was set aside, and why.
func freeName(path, why string) string {
	for now := time.Now(); ; now = now.Add(time.Second) {
		name := path + "." + now.Format("2006-01-02T150405") + why
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// copyInto writes what the database holds now to a file that is empty or missing.
func (c *conn) copyInto(ctx context.Context, path string) error {
	s, err := c.prepare("VACUUM INTO ?")
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, []driver.NamedValue{{Ordinal: 1, Value: path}})
	return err
}
