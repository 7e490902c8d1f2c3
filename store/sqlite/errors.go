package sqlite

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
	ErrReadOnly       = errors.New("database is open for reading only")
	ErrClosed         = errors.New("database is closed")
	ErrOpen           = errors.New("other processes have it open") // what is to be replaced
)

// code returns the primary result code in err, 0 when there is none.
func code(err error) sqlite3.ErrNo {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// errBusy is what SQLite would say.
var errBusy = sqlite3.Error{Code: sqlite3.ErrBusy}

// IsBusy tells faults that pass when another process has finished.
func IsBusy(err error) bool {
	n := code(err)
	return n == sqlite3.ErrBusy || n == sqlite3.ErrLocked
}

// IsConstraint tells that a row breaks a rule of its table, such as that there is one of
// a kind.
func IsConstraint(err error) bool { return code(err) == sqlite3.ErrConstraint }

// IsCorrupt tells that a page cannot be read.
func IsCorrupt(err error) bool { return code(err) == sqlite3.ErrCorrupt }

// IsRefusal tells faults of what is written, which stay, from those of the disk, which
// pass.
func IsRefusal(err error) bool {
	switch code(err) {
	case sqlite3.ErrConstraint, sqlite3.ErrTooBig, sqlite3.ErrMismatch, sqlite3.ErrRange:
		return true
	}
	return false
}

// Explain adds ErrDamaged and the way out to errors that speak of damage, and to
// others what they would be outside SQLite: fs.ErrPermission, syscall.ENOSPC, syscall.EIO.
func Explain(path string, err error) error {
	switch code(err) {
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return Damaged(path, err.Error())
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

// Damaged is ErrDamaged for the database at path, of which what says what is wrong.
func Damaged(path, what string) error {
	return fmt.Errorf("%s: %w (%s): nothing was changed; stop fanmill and put back a backup, or look with `sqlite3 %s .recover` at what can be saved",
		path, ErrDamaged, what, path)
}
