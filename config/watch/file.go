package watch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// File is a file as it was read, or tried to be: enough to tell later whether it
// has changed. It is a value; equal Files were read alike.
type File struct {
	Path  string
	Limit int64 // in bytes; of a larger one no more was read
	Sum   Sum
}

// Sum stands for what a file had in it, or for why it could not be read.
type Sum [sha256.Size]byte

// Read reads a file whole, if it is an ordinary one and not larger than limit. The
// File is good also where it could not be read: that may change, too.
func Read(path string, limit int64) ([]byte, File, error) {
	text, err := read(path, limit)
	if err != nil {
		return nil, File{path, limit, sumOf(err)}, err
	}
	return text, File{path, limit, sha256.Sum256(text)}, nil
}

func read(path string, limit int64) ([]byte, error) {
	f, err := open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = tooLarge(path, limit)
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

// now returns the file as it is now, without keeping what is in it.
func (f File) now() File {
	sum, err := sum(f.Path, f.Limit)
	if err != nil {
		sum = sumOf(err)
	}
	return File{f.Path, f.Limit, sum}
}

func sum(path string, limit int64) (s Sum, err error) {
	f, err := open(path, limit)
	if err != nil {
		return s, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, limit+1))
	if err == nil && n > limit {
		err = tooLarge(path, limit)
	}
	return Sum(h.Sum(nil)), err
}

// sumOf is the sum of a file that could not be read: another one for another
// reason.
func sumOf(err error) Sum { return sha256.Sum256([]byte("\x00" + err.Error())) }

// open opens an ordinary file. It neither waits for somebody at the other end of a
// pipe nor takes a terminal.
func open(path string, limit int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	switch {
	case err != nil:
	case fi.IsDir():
		err = &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !fi.Mode().IsRegular() && path != os.DevNull: // which is how to say "an empty file"
		err = &fs.PathError{Op: "read", Path: path, Err: errors.New("it is not an ordinary file")}
	case fi.Size() > limit:
		err = tooLarge(path, limit)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func tooLarge(path string, limit int64) error {
	return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is larger than %d MiB", limit>>20)}
}

// stamp is what the file system says of a file. While it stays the same, what is in
// the file is not looked at again.
type stamp struct {
	device, inode uint64
	size          int64
	written       syscall.Timespec
	changed       syscall.Timespec // also where somebody sets the time of writing back
	missing       bool             // or not to be had otherwise
}

// stampOf opens the file and asks then: to open is what makes NFS ask its server.
func stampOf(path string) stamp {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return stamp{missing: true}
	}
	defer f.Close()
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		return stamp{missing: true}
	}
	return stamp{device: uint64(st.Dev), inode: st.Ino, size: st.Size, written: st.Mtim, changed: st.Ctim}
}
