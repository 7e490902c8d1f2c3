package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"fanmill/store/disk"
)

// Restore puts the backup at from in place of the database at to, which no daemon may use
// meanwhile. The backup is copied, checked and looked at before anything is touched. A
// database that is there is replaced only with force (else disk.ErrThere), and is kept
// beside the new one, with all that stood in its log; ErrOpen when others use it. Killed
// at any moment, one of the two is in place and the other is beside it. kept is the file
// that was there before, "" if there was none.
func (s *Schema) Restore(ctx context.Context, to, from string, force bool, look Look) (got Copied, kept string, err error) {
	staged := to + ".restore" + disk.Unfinished
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore the %s: %w", s.What, err)
		}
	}()
	if err := disk.Refuse(to, force); err != nil {
		return got, "", err
	}
	defer os.Remove(staged) // fails once it is renamed
	if got, err = s.stage(ctx, from, staged, look); err != nil {
		return got, "", err
	}
	if kept, err = SetAside(ctx, to, ""); err != nil {
		return got, "", err
	}
	if err := os.Rename(staged, to); err != nil {
		return got, kept, err
	}
	return got, kept, disk.SyncDir(filepath.Dir(to))
}

// stage makes the file that will be the database, from a backup.
func (s *Schema) stage(ctx context.Context, from, staged string, look Look) (got Copied, err error) {
	for _, leftover := range []string{staged, staged + "-wal", staged + "-shm"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return got, err
		}
	}
	if err := disk.Create(staged); err != nil {
		return got, err
	}
	if got, err = s.Copy(ctx, from, staged, look); err != nil {
		return got, err
	}
	if got.OlderForm {
		if err := s.Migrate(staged); err != nil {
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

// SetAside gives a database a second name, with all that stands in its log, so that a
// rename may put another in its place; "" when there is none. A log that stayed would be
// taken for that of the other. What is damaged is kept as it is, its log beside it. The
// name says when that was, and why.
func SetAside(ctx context.Context, path, why string) (kept string, err error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	dropSecondNames(path)
	kept = freeName(path, why)
	err = Retry(ctx, asideWait, func() error { return foldLog(path) })
	switch {
	case errors.Is(err, ErrBusy):
		return "", fmt.Errorf("%s: %w: stop the daemon and whatever trains, and do it again", path, ErrOpen)
	case err != nil && code(err) == 0:
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
// other connection is open, of whatever process; else the error is IsBusy.
func foldLog(path string) error {
	c, err := Connect(path)
	if err != nil {
		return err
	}
	mode, err := c.Text("PRAGMA journal_mode=DELETE")
	if err == nil && mode == "wal" {
		err = errBusy
	}
	return errors.Join(err, c.Close())
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
