// Package disk makes files of the data directory: whole or not at all, for those who
// may read them, and so that they outlive a crash.
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Mode is that of every file of the data directory: its group may read them.
const Mode = 0o640

// ErrThere says that something would be overwritten.
var ErrThere = errors.New("it is there already")

// Create makes an empty file where there is none.
func Create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, Mode)
	if errors.Is(err, fs.ErrExist) {
		return nil // as other processes made it; what lies there by a link is not made
	}
	if err != nil {
		return err
	}
	return errors.Join(Hand(f), f.Close())
}

// Hand gives a file that was just made its mode, whatever the umask, and its owner: if
// root has made it, the owner of its directory, in whose name the daemon runs. That must
// not be left to the end: root may be killed.
func Hand(f *os.File) error {
	if err := f.Chmod(Mode); err != nil || os.Geteuid() != 0 {
		return err
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

// Unfinished ends the name of a file that is being written.
const Unfinished = ".part"

// Temp makes a file beside path that is to be renamed to it, after it has swept away those
// that were left.
func Temp(path string) (*os.File, error) {
	dir, prefix := filepath.Dir(path), "."+filepath.Base(path)+"."
	Sweep(dir, prefix, Unfinished)
	return os.CreateTemp(dir, prefix+"*"+Unfinished)
}

// Replace writes a file whole or not at all: under another name, synced, renamed, and
// the directory synced.
func Replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	err = errors.Join(write(f), Hand(f), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes sure that the names in a directory outlive a crash.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Sweep removes files that a process which was killed while writing has left.
func Sweep(dir, prefix, suffix string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// Refuse is ErrThere for a file that is there, unless it may be replaced.
func Refuse(path string, force bool) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !force:
		return fmt.Errorf("%s: %w", path, ErrThere)
	}
	return err
}

// Rename renames a file; without force nothing is replaced, whoever made it meanwhile.
func Rename(from, to string, force bool) error {
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

// Size returns the bytes of those of some files that are there.
func Size(paths ...string) (total int64, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return 0, fmt.Errorf("measure file: %w", err)
		default:
			total += info.Size()
		}
	}
	return total, nil
}
