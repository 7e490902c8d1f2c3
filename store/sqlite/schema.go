package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"fanmill/classify"
	"fanmill/store/disk"
)

// Schema is the layout of one kind of database file.
type Schema struct {
	What    string // for messages: "ledger" or "history"
	AppID   int64  // PRAGMA application_id
	Version int64
	DDL     string   // the tables besides meta
	Upgrade []string // what brings a file of version 1, 2, ... to the next
	Once    []string // pragmas that must stand before the first table
	Model   bool     // what it holds is of use with one feature version only

	KeepOlder bool // a file of an older version is copied before it is brought up to date
}

const metaDDL = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;`

// MetaValue is SQL for what table meta says of a key.
const MetaValue = "SELECT value FROM meta WHERE key = ?"

// checkWhole is the size in bytes up to which a database is checked whole when
// it is opened, which takes 4 ms then. A larger one would delay the start of every
// command; SQLite still finds a file that is shorter than its header says, and damaged
// pages when they are read.
const checkWhole = 8 << 20

// Prepare makes sure that path is a sound database of this schema, creating
// it when it is missing or empty. An existing file is looked at through a
// read-only connection, so that a damaged one is left as it is.
func (s *Schema) Prepare(ctx context.Context, path string, readOnly bool, busy time.Duration) error {
	size, err := CheckHeader(path, readOnly)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if size > 0 {
		err = Retry(ctx, busy, func() error { return Explain(path, s.inspect(path, size)) })
		if errors.Is(err, ErrOlder) && !readOnly {
			err = s.upgrade(ctx, path, busy)
		}
		if !errors.Is(err, errEmpty) {
			return err
		}
	}
	if readOnly {
		return s.Absent(path)
	}
	return Retry(ctx, busy, func() error { return s.create(path) })
}

// Absent is the fault that there is no such database.
func (s *Schema) Absent(path string) error {
	return fmt.Errorf("open %s: there is no %s yet: %w", path, s.What, fs.ErrNotExist)
}

// errEmpty is a database without tables: one that is being created, or whose
// creation was cut short.
var errEmpty = errors.New("database has no tables")

// upgrade is Migrate behind a copy of the database as it was, under another name: the
// program that wrote it could not read it afterwards. Where it fails there is no copy.
func (s *Schema) upgrade(ctx context.Context, path string, busy time.Duration) error {
	kept, err := s.keepOlder(ctx, path)
	if err != nil {
		return err
	}
	err = Retry(ctx, busy, func() error { return Explain(path, s.Migrate(path)) })
	if err != nil && kept != "" {
		err = errors.Join(err, os.Remove(kept))
	}
	return err
}

// keepOlder copies a database that is to be kept as it is, and returns the copy's name;
// none if another process has brought it up to date meanwhile.
func (s *Schema) keepOlder(ctx context.Context, path string) (kept string, err error) {
	if !s.KeepOlder {
		return "", nil
	}
	c, err := ConnectToRead(path)
	if err != nil {
		return "", Explain(path, err)
	}
	version, err := c.Integer(MetaValue, "schema")
	if err = errors.Join(err, c.Close()); err != nil {
		return "", Explain(path, err)
	}
	kept = freeName(path, fmt.Sprintf("-schema%d", version))
	_, err = s.Backup(ctx, path, kept, false, func(c *Conn) error {
		now, err := c.Integer(MetaValue, "schema")
		if err == nil && now >= s.Version {
			err = errUpToDate
		}
		return err
	})
	if errors.Is(err, errUpToDate) {
		return "", nil
	}
	return kept, err
}

var errUpToDate = errors.New("it is up to date")

// Migrate brings an older database up to date; of several processes that try, one
// does.
func (s *Schema) Migrate(path string) error {
	c, err := Connect(path, "synchronous=FULL")
	if err != nil {
		return err
	}
	err = c.Atomically(func() error {
		version, err := c.Integer(MetaValue, "schema")
		for ; err == nil && version < s.Version; version++ {
			err = c.Run(s.Upgrade[version-1] + fmt.Sprintf("; UPDATE meta SET value = %d WHERE key = 'schema'", version+1))
		}
		return err
	})
	if err = errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("bring %s up to date: %w", path, err)
	}
	return nil
}

// CheckHeader returns the size of path after a look at its first bytes: SQLite
// would take a short or foreign file for an empty database of its own, and one that
// may not be written for one that may be until the first change.
func CheckHeader(path string, readOnly bool) (int64, error) {
	flags := os.O_RDWR
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return 0, fmt.Errorf("open database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	magic := []byte("SQLite format 3\x00")
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	if !bytes.Equal(head, magic) {
		return 0, Damaged(path, "it does not begin as an SQLite database does")
	}
	return info.Size(), nil
}

// create lays the tables out; of several processes that try, one does.
func (s *Schema) create(path string) error {
	if err := disk.Create(path); err != nil {
		return fmt.Errorf("create %s: %w", s.What, err)
	}
	c, err := Connect(path, append(s.Once, "journal_mode=WAL", "synchronous=FULL")...)
	if err != nil {
		return err
	}
	err = c.Atomically(func() error {
		if n, err := c.Integer("SELECT count(*) FROM sqlite_schema"); err != nil || n > 0 {
			return err
		}
		id := make([]byte, 16)
		rand.Read(id) // never fails
		return c.Run(metaDDL + s.DDL + fmt.Sprintf(`
PRAGMA application_id = %d;
INSERT INTO meta VALUES ('schema', %d), ('features', %d), ('ledger', '%s');`,
			s.AppID, s.Version, classify.FeatureVersion, hex.EncodeToString(id)))
	})
	if err = errors.Join(err, c.Close()); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// inspect refuses what this version cannot use.
func (s *Schema) inspect(path string, size int64) error {
	c, err := ConnectToRead(path)
	if err != nil {
		return err
	}
	defer c.Close()
	err = c.Consistent(func() error { // another process may be creating it
		if err := s.identify(c, path); err != nil {
			return err
		}
		return s.versions(c, path)
	})
	if err != nil {
		return err
	}
	if size > checkWhole {
		return c.check(path, "PRAGMA quick_check('meta')")
	}
	return c.check(path, checkPages)
}

// checkPages is SQL for the first thing that is wrong with any page, or "ok".
const checkPages = "PRAGMA quick_check(1)"

// check runs a pragma that finds damage.
func (c *Conn) check(path, pragma string) error {
	switch verdict, err := c.Text(pragma); {
	case err != nil:
		return fmt.Errorf("check %s: %w", path, err)
	case verdict != "ok":
		return Damaged(path, verdict)
	}
	return nil
}

// identify tells our databases from others.
func (s *Schema) identify(c *Conn, path string) error {
	app, err := c.Integer("PRAGMA application_id")
	if err != nil {
		return fmt.Errorf("inspect %s: %w", path, err)
	}
	tables, err := c.Integer("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return fmt.Errorf("inspect %s: %w", path, err)
	}
	switch {
	case app == 0 && tables == 0:
		return errEmpty
	case app != s.AppID || tables == 0:
		return Damaged(path, "it is a database, but not a fanmill "+s.What)
	}
	return nil
}

func (s *Schema) versions(c *Conn, path string) error {
	version, err := c.Integer(MetaValue, "schema")
	if err != nil {
		return fmt.Errorf("read versions of %s: %w", path, err)
	}
	features, err := c.Integer(MetaValue, "features")
	if err != nil {
		return fmt.Errorf("read versions of %s: %w", path, err)
	}
	switch {
	case version > s.Version:
		return fmt.Errorf("%s: %w: it has schema %d, this fanmill knows %d: install a newer fanmill or use another data directory", path, ErrNewer, version, s.Version)
	case version < 1:
		return Damaged(path, fmt.Sprintf("schema %d in meta", version))
	case s.Model && features > classify.FeatureVersion:
		return fmt.Errorf("%s: %w: it has feature version %d, this fanmill uses %d: install a newer fanmill or use another data directory",
			path, ErrNewer, features, classify.FeatureVersion)
	case s.Model && features < classify.FeatureVersion:
		return fmt.Errorf("%s: %w: it has version %d, this fanmill uses %d: restart the daemon, or stop it and run `fanmill rebuild`: both make features anew from the messages that the ledger keeps",
			path, ErrFeatureVersion, features, classify.FeatureVersion)
	case version < s.Version:
		return fmt.Errorf("%s: %w", path, ErrOlder)
	}
	return nil
}
