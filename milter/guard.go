package milter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// guardOptions are the limits that a guard keeps. All must be set.
type guardOptions struct {
	MaxConnections int
	Idle           time.Duration // longest wait for the next packet
	Packet         time.Duration // longest time from the first byte of a packet to its last; also for negotiation
	Logger         *slog.Logger
}

// guard stands between the sockets and go-milter v0.10.2, which ends the whole
// process on a malformed frame, knows no connection limit, allocates by the
// length field and stops serving at the first failed accept.
type guard struct {
	guardOptions
	draining atomic.Bool

	mu    sync.Mutex
	conns map[*guardConn]struct{}
	full  seldom        // says that there are too many
	empty chan struct{} // closed when draining and no connection is left
}

func newGuard(o guardOptions) *guard {
	return &guard{guardOptions: o, conns: map[*guardConn]struct{}{}, empty: make(chan struct{})}
}

// listen wraps ln. Closing the result closes ln.
func (g *guard) listen(ln net.Listener) *guardListener {
	return &guardListener{Listener: ln, guard: g, closed: make(chan struct{})}
}

// admit takes a connection into the guard, or returns nil when there are too
// many: the caller closes it at once, which makes the MTA tempfail.
func (g *guard) admit(conn net.Conn) *guardConn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining.Load() {
		return nil
	}
	if len(g.conns) >= g.MaxConnections {
		if g.full.now() {
			g.Logger.Warn("too many MTA connections, refusing more", "limit", g.MaxConnections)
		}
		return nil
	}
	c := &guardConn{Conn: conn, guard: g}
	c.buf = c.small[:]
	g.conns[c] = struct{}{}
	return c
}

// forget is called when the library is done with a connection.
func (g *guard) forget(c *guardConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
	g.checkEmpty()
}

func (g *guard) checkEmpty() {
	if !g.draining.Load() || len(g.conns) > 0 {
		return
	}
	select {
	case <-g.empty:
	default:
		close(g.empty)
	}
}

// count returns the number of connections.
func (g *guard) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// drain closes connections between messages at once and each other one when its
// message has been answered. It returns when none is left or ctx ends; in the
// latter case all remaining ones have been closed hard.
func (g *guard) drain(ctx context.Context) error {
	g.mu.Lock()
	g.draining.Store(true)
	for c := range g.conns {
		c.closeIfIdle()
	}
	g.checkEmpty()
	g.mu.Unlock()
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		_ = c.Conn.Close() // what counts is that the peer hears nothing more
	}
	return ctx.Err()
}

// guardListener accepts for a guard: it goes on after passing errors such as
// running out of descriptors.
type guardListener struct {
	net.Listener
	guard   *guard
	failing seldom // says that accept fails
	once    sync.Once
	closed  chan struct{}
	err     error
}

const maxAcceptDelay = time.Second

// seldom keeps a condition that comes and goes from filling the log: now reports
// true at most once a minute. The caller sees to locking.
type seldom struct{ last time.Time }

func (s *seldom) now() bool {
	t := time.Now()
	if !s.last.IsZero() && t.Sub(s.last) < time.Minute {
		return false
	}
	s.last = t
	return true
}

// Accept returns the next admitted connection.
func (l *guardListener) Accept() (net.Conn, error) {
	var delay time.Duration
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if !isPassing(err) {
				return nil, err
			}
			if l.failing.now() {
				l.guard.Logger.Error("accept failed, trying again until it works", "listener", l.Addr().String(), "err", err)
			}
			delay = min(max(2*delay, 5*time.Millisecond), maxAcceptDelay)
			if !l.sleep(delay) {
				return nil, net.ErrClosed
			}
			continue
		}
		if c := l.guard.admit(prompt(conn)); c != nil {
			return c, nil
		}
		_ = conn.Close()
		delay = 0
	}
}

func (l *guardListener) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.closed:
		return false
	}
}

// Close closes the listener; an Accept that waits returns. The library closes a
// second time, when a successor may have the socket's path already.
func (l *guardListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.err = l.Listener.Close()
	})
	return l.err
}

// isPassing reports whether accept(2) may well work again later.
func isPassing(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.EPROTO, syscall.EINTR, syscall.EAGAIN, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
