package maillog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// tailEvery is how often the end of a file is looked at.
const tailEvery = 250 * time.Millisecond

// Tail reads a file that is being written to. At its end it waits for more, until its
// context ends: then it reports io.EOF. A file that was renamed is read to its end,
// then the new one of its name from the start, as soon as there is one; one that was
// cut off is read from the start again.
type Tail struct {
	ctx    context.Context
	path   string
	file   *os.File
	offset int64
	caught chan struct{} // closed when the end was reached for the first time
}

// OpenTail opens a regular file.
func OpenTail(ctx context.Context, path string) (*Tail, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("follow log: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("follow log: %w", err)
	}
	return &Tail{ctx: ctx, path: path, file: f, caught: make(chan struct{})}, nil
}

// Caught is closed when all that was in the file has been read once.
func (t *Tail) Caught() <-chan struct{} { return t.caught }

// Close closes the file.
func (t *Tail) Close() error { return t.file.Close() }

// Read is io.Reader.
func (t *Tail) Read(p []byte) (int, error) {
	for t.ctx.Err() == nil {
		n, err := t.file.Read(p)
		t.offset += int64(n)
		if n > 0 {
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("follow log: %w", err)
		}
		anew, err := t.rotated()
		if err != nil {
			return 0, err
		}
		if anew {
			return copy(p, "\n"), nil // ends a line that was cut off
		}
		t.wait()
	}
	return 0, io.EOF
}

func (t *Tail) wait() {
	select {
	case <-t.caught:
	default:
		close(t.caught)
	}
	select {
	case <-t.ctx.Done():
	case <-time.After(tailEvery):
	}
}

// rotated reports whether what comes next is the start of a file: of the same that was
// cut off, or of another that has the name now. That is turned to once something is in
// it, since until then the writer may still have the old one open. It is called at the
// end of the present file.
func (t *Tail) rotated() (bool, error) {
	mine, err := t.file.Stat()
	if err != nil {
		return false, fmt.Errorf("follow log: %w", err)
	}
	if mine.Size() < t.offset {
		t.offset, err = t.file.Seek(0, io.SeekStart)
		return err == nil, err
	}
	now, err := os.Stat(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("follow log: %w", err)
	case os.SameFile(mine, now) || now.Size() == 0 || mine.Size() > t.offset:
		return false, nil
	}
	return t.turn()
}

// turn opens the new file of the name.
func (t *Tail) turn() (bool, error) {
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil // not there yet, or not readable yet: whoever rotates may set that later
	}
	if err != nil {
		return false, fmt.Errorf("follow log: %w", err)
	}
	t.file.Close()
	t.file, t.offset = f, 0
	return true, nil
}
