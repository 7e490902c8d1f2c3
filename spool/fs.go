package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// File is a file being written.
type File interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// FS is everything the spool changes on disk, apart from it so that tests can
// make each step fail. Names are full paths. Reading goes past it.
type FS interface {
	// Create makes a new file with exactly these permissions, and locks it
	// (flock) as long as it is open: an unlocked file in tmp is a dead one.
	Create(name string, perm fs.FileMode) (File, error)
	// Append opens an existing file for appending.
	Append(name string) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(dir string) error
	// Free returns the bytes an unprivileged user can still write below dir.
	Free(dir string) (int64, error)
}

// Disk is the real file system.
type Disk struct{}

var _ FS = Disk{}

// Create implements FS.
func (Disk) Create(name string, perm fs.FileMode) (File, error) {
	for try := 0; ; try++ {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, perm)
		if try > 0 && try < 100 && errors.Is(err, fs.ErrExist) {
			time.Sleep(time.Millisecond) // the sweep has not removed it yet
			continue
		}
		if err != nil {
			return nil, err
		}
		held, err := lockNew(f, perm)
		if err != nil {
			f.Close()
			os.Remove(name)
			return nil, err
		}
		if held {
			return f, nil
		}
		f.Close() // a sweep came between creating and locking, and took it: again
	}
}

// lockNew locks a file just created and reports whether it still has its name.
func lockNew(f *os.File, perm fs.FileMode) (bool, error) {
	if err := f.Chmod(perm); err != nil { // whatever the umask is
		return false, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil // the sweep has it, and will remove it
		}
		return false, err
	}
	return linked(f)
}

// Append implements FS.
func (Disk) Append(name string) (File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
}

// Rename implements FS.
func (Disk) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (Disk) Remove(name string) error { return os.Remove(name) }

// SyncDir implements FS.
func (Disk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Free implements FS.
func (Disk) Free(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// flock locks f and starts again when a signal interrupts.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// linked reports whether the open file still has a name.
func linked(f *os.File) (bool, error) {
	fi, err := f.Stat()
	if err != nil {
		return false, err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Nlink > 0, nil
}
