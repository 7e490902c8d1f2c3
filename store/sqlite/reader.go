package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Reader answers queries of any goroutine, one at a time, on a connection of its own: they
// see what is committed, and wait for no update.
type Reader struct {
	path string
	busy time.Duration // how long a query waits for other processes

	mu sync.Mutex
	c  *Conn // nil: closed
}

// OpenReader opens path for queries. The caller waits if it is busy.
func OpenReader(path string, busy time.Duration) (*Reader, error) {
	c, err := ConnectToRead(path, "cache_size=-1024")
	if err != nil {
		return nil, err
	}
	return &Reader{path: path, busy: busy, c: c}, nil
}

// Ask runs fn, again if it was disturbed: it begins anew each time. what says in errors
// what was asked.
func (r *Reader) Ask(ctx context.Context, what string, fn func(*Conn) error) error {
	err := Retry(ctx, r.busy, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.c == nil {
			return ErrClosed
		}
		return fn(r.c)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, Explain(r.path, err))
	}
	return nil
}

// Close closes the connection when the query that runs has its answer. Later ones get
// ErrClosed.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.c == nil {
		return nil
	}
	err := r.c.Close()
	r.c = nil
	return err
}
