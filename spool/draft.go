package spool

import (
	"fmt"
	"io"
	"path/filepath"
)

// Draft is a message being received: in memory at first, in a file of tmp when
// it grows. It must end in Hold or Discard.
type Draft struct {
	s    *Spool
	mem  []byte
	file File   // nil while in memory
	name string // of file; "" when there is none, or when it has moved on
	size int64
	last byte
	err  error
	tail io.Closer // MessageWriter that may have bytes to come
}

// NewDraft begins a draft. It touches no disk.
func (s *Spool) NewDraft() *Draft { return &Draft{s: s} }

// Len returns the number of bytes written.
func (d *Draft) Len() int64 { return d.size }

// Write appends p. After an error the draft is gone, and every later Write and
// the Hold return the same error.
func (d *Draft) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := d.add(p); err != nil {
		d.fail(fmt.Errorf("write draft: %w", err))
		return 0, d.err
	}
	d.size += int64(len(p))
	d.last = p[len(p)-1]
	return len(p), nil
}

func (d *Draft) add(p []byte) error {
	if d.file == nil && len(d.mem)+len(p) <= d.s.o.MemLimit {
		d.mem = append(d.mem, p...)
		return nil
	}
	if d.file == nil {
		if err := d.spill("draft-" + d.s.NewID()); err != nil {
			return err
		}
	}
	return writeAll(d.file, p)
}

// spill moves the draft from memory into a file of tmp.
func (d *Draft) spill(name string) error {
	if err := d.s.room(int64(len(d.mem))); err != nil {
		return err
	}
	name = filepath.Join(d.s.tmp(), name)
	f, err := d.s.o.FS.Create(name, 0o640)
	if err != nil {
		return err
	}
	d.file, d.name = f, name
	if err := writeAll(f, d.mem); err != nil {
		return err
	}
	d.mem = nil
	return nil
}

func writeAll(w io.Writer, p []byte) error {
	n, err := w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// settle ends the message and brings it onto the disk, fsynced, and reports
// whether a final line end was added.
func (d *Draft) settle(name string) (noNewline bool, err error) {
	if d.tail != nil {
		if err := d.tail.Close(); err != nil {
			return false, err
		}
	}
	if d.err != nil {
		return false, d.err
	}
	if d.size > 0 && d.last != '\n' {
		noNewline = true
		if _, err := d.Write([]byte{'\n'}); err != nil {
			return false, err
		}
	}
	if d.file == nil {
		if err := d.spill(name); err != nil {
			return false, fmt.Errorf("write message: %w", err)
		}
	}
	if err := d.file.Sync(); err != nil {
		return false, fmt.Errorf("sync message: %w", err)
	}
	return noNewline, nil
}

func (d *Draft) fail(err error) {
	d.Discard()
	d.err = err
}

// Discard drops the draft and its file; after Hold it does nothing.
func (d *Draft) Discard() {
	if d.name != "" {
		if err := d.s.o.FS.Remove(d.name); err != nil {
			d.s.o.Logger.Warn("draft stays until the next start", "file", d.name, "err", err)
		}
	}
	if d.file != nil {
		// What had to be on the disk was fsynced: an error here says nothing new.
		d.file.Close()
	}
	d.mem, d.file, d.name, d.tail = nil, nil, "", nil
	if d.err == nil {
		d.err = errDraftEnded
	}
}
