package cli

import (
	"context"
	"io"
)

// interruptible is what NewInterruptible makes.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	done chan chunk
	buf  []byte
	rest chunk // of the last read, not handed on yet
}

// chunk is what one read gave.
type chunk struct {
	data []byte
	err  error
}

// NewInterruptible returns a reader of r whose reads end with ctx. A read from a
// terminal or a pipe cannot be called back, so each runs beside its caller, and the one
// that the end of ctx finds waiting is left behind: the process is about to end.
func NewInterruptible(ctx context.Context, r io.Reader) io.Reader {
	return &interruptible{ctx: ctx, r: r, done: make(chan chunk, 1), buf: make([]byte, 64<<10)}
}

// Read is io.Reader.
func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	if len(i.rest.data) == 0 && i.rest.err == nil {
		go func() {
			n, err := i.r.Read(i.buf)
			i.done <- chunk{i.buf[:n], err}
		}()
		select {
		case i.rest = <-i.done:
		case <-i.ctx.Done():
			return 0, i.ctx.Err()
		}
	}
	n := copy(p, i.rest.data)
	if i.rest.data = i.rest.data[n:]; len(i.rest.data) > 0 {
		return n, nil
	}
	err := i.rest.err
	i.rest.err = nil
	return n, err
}
