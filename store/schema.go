package store

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
	"path/filepath"
	"syscall"
	"time"

	"fanmill/classify"
)

// schema is the layout of one kind of database file.
type schema struct {
	what    string // "ledger" or "history"
	appID   int64  // PRAGMA application_id
	version int64
	ddl     string
	upgrade []string // what brings a file of version 1, 2, ... to the next
	once    []string // pragmas that must stand before the first table
	model   bool     // what it holds is of use with one feature version only
}

const metaDDL = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;`

// What a decision took from a row that was there before (table was) is kept beside the
// log, so that undo brings it back bit for bit.
//
// The state of the rows, what is kept of their messages, and their lists lie in three
// tables: labels are read, flipped and forgotten by the thousand, and lists come and go.
// So that touches some hundred pages where it would rewrite all the mail.
var ledgerSchema = schema{
	what: "ledger", appID: 0x66616e6c, version: 3, model: true,
	once: []string{fmt.Sprintf("page_size=%d", pageSize), "auto_vacuum=INCREMENTAL"},
	ddl: metaDDL + `
CREATE TABLE msg (
	id INTEGER PRIMARY KEY,
	scope TEXT NOT NULL,
	digest BLOB NOT NULL,
	class INTEGER NOT NULL,
	adds INTEGER NOT NULL,
	step INTEGER NOT NULL,
	sure INTEGER NOT NULL,
	score_c REAL NOT NULL,
	score_e REAL NOT NULL,
	score_l REAL NOT NULL,
	log_odds REAL NOT NULL,
	time INTEGER NOT NULL,
	source TEXT NOT NULL,
	complete INTEGER NOT NULL,
	waits INTEGER NOT NULL,
	judged INTEGER NOT NULL,
	UNIQUE (scope, digest)
) STRICT;
CREATE INDEX msg_scope ON msg (scope);
CREATE INDEX msg_waits ON msg (scope, digest) WHERE waits;
CREATE INDEX msg_judged ON msg (scope, judged) WHERE class <> 0 AND NOT waits;
CREATE INDEX msg_unlabelled ON msg (time) WHERE class = 0;
CREATE TABLE body (
	id INTEGER PRIMARY KEY,
	message BLOB NOT NULL
) STRICT;` + listsDDL + `
CREATE TABLE op (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	time INTEGER NOT NULL,
	actor TEXT NOT NULL,
	source TEXT NOT NULL,
	kind INTEGER NOT NULL,
	row INTEGER NOT NULL,
	scope TEXT NOT NULL,
	class_before INTEGER NOT NULL,
	adds_before INTEGER NOT NULL,
	step_before INTEGER NOT NULL,
	sure_before INTEGER NOT NULL,
	waits_before INTEGER NOT NULL,
	class_after INTEGER NOT NULL,
	adds_after INTEGER NOT NULL,
	step_after INTEGER NOT NULL,
	sure_after INTEGER NOT NULL,
	waits_after INTEGER NOT NULL,
	undoes INTEGER
) STRICT;` + wasDDL,
	upgrade: []string{
		"ALTER TABLE op ADD COLUMN undoes INTEGER; CREATE INDEX msg_unlabelled ON msg (time) WHERE class = 0;" + wasDDL,
		listsDDL + `
INSERT INTO lists SELECT id, features, grams FROM body WHERE features IS NOT NULL OR grams IS NOT NULL;
ALTER TABLE body RENAME TO whole;
CREATE TABLE body (id INTEGER PRIMARY KEY, message BLOB NOT NULL) STRICT;
INSERT INTO body SELECT id, message FROM whole WHERE message IS NOT NULL;
DROP TABLE whole;
UPDATE msg SET waits = 3 WHERE waits = 1;`,
	},
}

// pageSize is that of a ledger's file. SQLite's own is 4096, and most lists, and many
// messages, take more than half of that (docs/performance.md).
const pageSize = 16 << 10

const listsDDL = `
CREATE TABLE lists (
	id INTEGER PRIMARY KEY,
	features BLOB,
	grams BLOB
) STRICT;`

const wasDDL = `
CREATE TABLE was (
	op INTEGER PRIMARY KEY,
	score_c REAL NOT NULL,
	score_e REAL NOT NULL,
	score_l REAL NOT NULL,
	log_odds REAL NOT NULL,
	judged INTEGER NOT NULL,
	time INTEGER NOT NULL,
	source TEXT NOT NULL
) STRICT;`

// checkWhole is the size in bytes up to which a database is checked whole when
// it is opened, which takes 4 ms then. A larger one would delay the start of every
// command; SQLite still finds a file that is shorter than its header says, and damaged
// pages when they are read.
const checkWhole = 8 << 20

// prepareFile makes sure that path is a sound database of this schema, creating
// it when it is missing or empty. An existing file is looked at through a
// read-only connection, so that a damaged one is left as it is.
func (s *schema) prepareFile(ctx context.Context, path string, readOnly bool, busy time.Duration) error {
	size, err := headerSize(path, readOnly)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if size > 0 {
		err = retryBusy(ctx, busy, func() error { return explain(path, s.inspect(path, size)) })
		if errors.Is(err, ErrOlder) && !readOnly {
			err = retryBusy(ctx, busy, func() error { return explain(path, s.migrate(path)) })
		}
		if !errors.Is(err, errEmpty) {
			return err
		}
	}
	if readOnly {
		return s.absent(path)
	}
	return retryBusy(ctx, busy, func() error { return s.create(path) })
}

func (s *schema) absent(path string) error {
	return fmt.Errorf("open %s: there is no %s yet: %w", path, s.what, fs.ErrNotExist)
}

// errEmpty is a database without tables: one that is being created, or whose
// creation was cut short.
var errEmpty = errors.New("database has no tables")

// migrate brings an older database up to date; of several processes that try, one
// does.
func (s *schema) migrate(path string) error {
	c, err := connect(path, "rw", "synchronous=FULL")
	if err != nil {
		return err
	}
	err = c.atomically(func() error {
		version, err := c.integer(metaValue, "schema")
		for ; err == nil && version < s.version; version++ {
			err = c.run(s.upgrade[version-1] + fmt.Sprintf("; UPDATE meta SET value = %d WHERE key = 'schema'", version+1))
		}
		return err
	})
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("bring %s up to date: %w", path, err)
	}
	return nil
}

// headerSize returns the size of path after a look at its first bytes: SQLite
// would take a short or foreign file for an empty database of its own, and one that
// may not be written for one that may be until the first change.
func headerSize(path string, readOnly bool) (int64, error) {
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
		return 0, damaged(path, "it does not begin as an SQLite database does")
	}
	return info.Size(), nil
}

// create lays the tables out; of several processes that try, one does.
func (s *schema) create(path string) error {
	if err := createEmpty(path); err != nil {
		return fmt.Errorf("create %s: %w", s.what, err)
	}
	c, err := connect(path, "rw", append(s.once, "journal_mode=WAL", "synchronous=FULL")...)
	if err != nil {
		return err
	}
	err = c.atomically(func() error {
		if n, err := c.integer("SELECT count(*) FROM sqlite_schema"); err != nil || n > 0 {
			return err
		}
		id := make([]byte, 16)
		rand.Read(id) // never fails
		return c.run(s.ddl + fmt.Sprintf(`
PRAGMA application_id = %d;
INSERT INTO meta VALUES ('schema', %d), ('features', %d), ('ledger', '%s');`,
			s.appID, s.version, classify.FeatureVersion, hex.EncodeToString(id)))
	})
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// createEmpty makes the file where there is none. SQLite gives -wal and -shm the
// same mode and, as root, the same owner.
func createEmpty(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return nil // as other processes made it; what lies there by a link is not made
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o640), inherit(f), f.Close()) // Chmod: whatever the umask
}

// inherit gives a file that root has made to the owner of its directory, in whose
// name the daemon runs. That must not be left to the end: root may be killed.
func inherit(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// inspect refuses what this version cannot use.
func (s *schema) inspect(path string, size int64) error {
	c, err := connectToRead(path)
	if err != nil {
		return err
	}
	defer c.close()
	err = c.consistent(func() error { // another process may be creating it
		if err := s.identify(c, path); err != nil {
			return err
		}
		return s.versions(c, path)
	})
	if err != nil {
		return err
	}
	check := "PRAGMA quick_check(1)"
	if size > checkWhole {
		check = "PRAGMA quick_check('meta')"
	}
	switch verdict, err := c.text(check); {
	case err != nil:
		return fmt.Errorf("check %s: %w", path, err)
	case verdict != "ok":
		return damaged(path, verdict)
	}
	return nil
}

// identify tells our databases from others.
func (s *schema) identify(c *conn, path string) error {
	app, err := c.integer("PRAGMA application_id")
	if err != nil {
		return fmt.Errorf("inspect %s: %w", path, err)
	}
	tables, err := c.integer("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return fmt.Errorf("inspect %s: %w", path, err)
	}
	switch {
	case app == 0 && tables == 0:
		return errEmpty
	case app != s.appID || tables == 0:
		return damaged(path, "it is a database, but not a fanmill "+s.what)
	}
	return nil
}

const metaValue = "SELECT value FROM meta WHERE key = ?"

func (s *schema) versions(c *conn, path string) error {
	version, err := c.integer(metaValue, "schema")
	if err != nil {
		return fmt.Errorf("read versions of %s: %w", path, err)
	}
	features, err := c.integer(metaValue, "features")
	if err != nil {
		return fmt.Errorf("read versions of %s: %w", path, err)
	}
	switch {
	case version > s.version:
		return fmt.Errorf("%s: %w: it has schema %d, this fanmill knows %d: install a newer fanmill or use another data directory", path, ErrNewer, version, s.version)
	case version < 1:
		return damaged(path, fmt.Sprintf("schema %d in meta", version))
	case s.model && features > classify.FeatureVersion:
		return fmt.Errorf("%s: %w: it has feature version %d, this fanmill uses %d: install a newer fanmill or use another data directory",
			path, ErrNewer, features, classify.FeatureVersion)
	case s.model && features < classify.FeatureVersion:
		return fmt.Errorf("%s: %w: it has version %d, this fanmill uses %d: restart the daemon, or stop it and run `fanmill rebuild`: both make features anew from the messages that the ledger keeps",
			path, ErrFeatureVersion, features, classify.FeatureVersion)
	case version < s.version:
		return fmt.Errorf("%s: %w", path, ErrOlder)
	}
	return nil
}
