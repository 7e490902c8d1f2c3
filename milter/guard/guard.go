// Package guard stands between the MTA's connections and the milter library, as a
// net.Listener and its net.Conns: it checks every frame before the library sees a byte of
// it, bounds connections, memory and waiting, joins what the library writes in pieces, and
// lets connections drain. It knows frames and the order of commands, not what they say.
//
// Frames (libmilter/mfdef.h, mfapi.h of Sendmail 8.17): four bytes of length, most
// significant first, then that many bytes, of which the first is the command. A body chunk
// holds at most 1 MiB less one byte (SMFIP_MDS_1M).
package guard

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

// Options are the limits that a Guard keeps. All must be set.
type Options struct {
	MaxConnections int
	Idle           time.Duration // longest wait for the next packet
	Packet         time.Duration // longest time from the first byte of a packet to its last; also for negotiation
	Logger         *slog.Logger
}

// Guard keeps the limits for all connections of a server. It is there because go-milter
// v0.10.2 ends the whole process on a malformed frame, knows no connection limit,
// allocates by the length field and stops serving at the first failed accept.
type Guard struct {
	Options
	draining atomic.Bool

	mu    sync.Mutex
	conns map[*checkedConn]struct{}
	full  seldom        // says that there are too many
	empty chan struct{} // closed when draining and no connection is left
}

// New returns a Guard without connections.
func New(o Options) *Guard {
	return &Guard{Options: o, conns: map[*checkedConn]struct{}{}, empty: make(chan struct{})}
}

// Listen wraps ln. Closing the result closes ln.
func (g *Guard) Listen(ln net.Listener) net.Listener {
	return &listener{Listener: ln, guard: g, closed: make(chan struct{})}
}

// admit takes a connection into the guard, or returns nil when there are too
// many: the caller closes it at once, which makes the MTA tempfail.
func (g *Guard) admit(conn net.Conn) *checkedConn {
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
	c := &checkedConn{Conn: conn, guard: g}
	c.buf = c.small[:]
	g.conns[c] = struct{}{}
	return c
}

// forget is called when the library is done with a connection.
func (g *Guard) forget(c *checkedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
	g.checkEmpty()
}

func (g *Guard) checkEmpty() {
	if !g.draining.Load() || len(g.conns) > 0 {
		return
	}
	select {
	case <-g.empty:
	default:
		close(g.empty)
	}
}

// Count returns the number of connections.
func (g *Guard) Count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// Drain closes connections between messages at once and each other one when its
// message has been answered. It returns when none is left or ctx ends; in the
// latter case all remaining ones have been closed hard.
func (g *Guard) Drain(ctx context.Context) error {
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

// listener accepts for a guard: it goes on after passing errors such as
// running out of descriptors.
type listener struct {
	net.Listener
	guard   *Guard
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
func (l *listener) Accept() (net.Conn, error) {
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

func (l *listener) sleep(d time.Duration) bool {
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
func (l *listener) Close() error {
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
