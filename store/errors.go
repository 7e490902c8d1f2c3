package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// What a caller may branch on. The errors that carry them say what to do.
var (
	ErrDamaged        = errors.New("database is damaged")
	ErrNewer          = errors.New("database was written by a newer fanmill")
	ErrOlder          = errors.New("database was written by an older fanmill: the daemon, or a command that may write to it, brings it up to date")
	ErrFeatureVersion = errors.New("database was trained with an older feature version")
	ErrBusy           = errors.New("database is in use by another process")
	ErrReplaced       = errors.New("database file was replaced or removed while open")
	ErrReadOnly       = errors.New("database is open for reading only")
	ErrClosed         = errors.New("database is closed")
	ErrNoRow          = errors.New("no such message in the ledger")
	ErrNoRecord       = errors.New("no such record in the history")
	ErrNoFeatures     = errors.New("the history does not keep what was found in the message")
)

// sqliteCode returns the primary result code in err, 0 when there is none.
func sqliteCode(err error) sqlite3.ErrNo {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// errDisturbed says that a database was written to while it was read as a file
// that nobody changes: read again.
var errDisturbed = sqlite3.Error{Code: sqlite3.ErrBusy}

func isBusy(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.ErrBusy || code == sqlite3.ErrLocked
}

func isConstraint(err error) bool { return sqliteCode(err) == sqlite3.ErrConstraint }

// explain adds ErrDamaged and the way out to errors that speak of damage, and to
// others what they would be outside SQLite: fs.ErrPermission, syscall.ENOSPC, syscall.EIO.
func explain(path string, err error) error {
	switch sqliteCode(err) {
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return damaged(path, err.Error())
	case sqlite3.ErrReadonly, sqlite3.ErrPerm:
		return system(path, fs.ErrPermission, err)
	case sqlite3.ErrFull:
		return system(path, syscall.ENOSPC, err)
	case sqlite3.ErrIoErr:
		return system(path, syscall.EIO, err)
	}
	return err
}

// system names a fault of SQLite as the system's calls would.
func system(path string, as, err error) error {
	if errors.Is(err, as) {
		return err // explained already
	}
	return fmt.Errorf("%s: %w (%w)", path, as, err)
}

func damaged(path, what string) error {
	return fmt.Errorf("%s: %w (%s): nothing was changed; stop fanmill and put back a backup, or look with `sqlite3 %s .recover` at what can be saved",
		path, ErrDamaged, what, path)
}
