package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"fanmill/store/disk"
)

// Copied says what became of a copy of a database.
type Copied struct {
	Bytes     int64 `json:"bytes"`
	OlderForm bool  `json:"-"` // it has an older schema
}

// Look reads from a copy, which is whole, before the copy is used; nil reads nothing.
type Look func(*Conn) error

// Backup writes the database of this schema at from to the file to, whole or not at all, as
// it is at one moment, while other processes go on writing; one that has it open itself
// must not call this. The copy is read back, checked and looked at before it gets its
// name: an ordinary database file in WAL mode, without a log beside it. A file that is
// there is replaced only with force, else the error is disk.ErrThere.
func (s *Schema) Backup(ctx context.Context, from, to string, force bool, look Look) (got Copied, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up the %s: %w", s.What, err)
		}
	}()
	if err := disk.Refuse(to, force); err != nil {
		return got, err
	}
	f, err := disk.Temp(to)
	if err != nil {
		return got, err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	if got, err = s.Copy(ctx, from, f.Name(), look); err != nil {
		return got, err
	}
	if err := errors.Join(f.Chmod(disk.Mode), f.Sync()); err != nil {
		return got, err
	}
	if err := disk.Rename(f.Name(), to, force); err != nil {
		return got, err
	}
	return got, disk.SyncDir(filepath.Dir(to))
}

// Copy writes a sound database of this schema to the file to, which is empty or missing,
// and checks what it wrote. It takes in what stands in the log beside from.
func (s *Schema) Copy(ctx context.Context, from, to string, look Look) (Copied, error) {
	if _, err := CheckHeader(from, true); err != nil {
		return Copied{}, err
	}
	abs, err := filepath.Abs(to) // a name that begins with "file:" would be a URI
	if err != nil {
		return Copied{}, err
	}
	err = Retry(ctx, DefaultBusy, func() error {
		c, err := ConnectToRead(from)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := s.ours(c, from); err != nil {
			return err
		}
		return c.copyInto(ctx, abs)
	})
	if err == nil {
		return s.verify(abs, look)
	}
	if errors.Is(err, errEmpty) {
		err = fmt.Errorf("%s: it has no tables: there is no %s in it", from, s.What)
	}
	return Copied{}, Explain(from, err)
}

// ours refuses what is not a database of this schema, and tells one of an older version.
func (s *Schema) ours(c *Conn, path string) (older bool, err error) {
	if err := s.identify(c, path); err != nil {
		return false, err
	}
	err = s.versions(c, path)
	if errors.Is(err, ErrOlder) {
		return true, nil
	}
	return false, err
}

// verify checks a copy as a whole, and leaves it in WAL mode and without a log.
func (s *Schema) verify(path string, look Look) (got Copied, err error) {
	c, err := Connect(path, "journal_mode=WAL", "synchronous=FULL")
	if err != nil {
		return got, Explain(path, err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if got.OlderForm, err = s.ours(c, path); err != nil {
		return got, err
	}
	if err := c.check(path, checkPages); err != nil {
		return got, Explain(path, err)
	}
	if look != nil {
		if err := look(c); err != nil {
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

// copyInto writes what the database holds now to a file that is empty or missing.
func (c *Conn) copyInto(ctx context.Context, path string) error {
	s, err := c.prepare("VACUUM INTO ?")
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, []driver.NamedValue{{Ordinal: 1, Value: path}})
	return err
}
