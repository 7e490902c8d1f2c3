package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Limits of what is taken in.
const (
	maxHeader    = 16 << 10 // request line and header fields
	maxPathLen   = 107      // of a unix socket, unix(7)
	MaxClues     = 150
	MaxMislabels = 1000
	MaxSources   = 20
)

// Options are the server's settings.
type Options struct {
	Path       string        // of the socket
	Mode       fs.FileMode   // of the socket; 0: 0660
	GID        int           // group of the socket file; -1: as it comes
	Access     Access        // who may do everything
	MaxMessage int64         // bytes of one message; 0: 256 MiB
	MaxConns   int           // connections at a time; 0: 64
	Timeout    time.Duration // for one request, reading included; 0: 5 minutes
	Judge      Judge
	Desk       Desk
	Keeper     Keeper
	Logger     *slog.Logger
	peer       func(net.Conn) (Peer, error) // tests name the peer
}

// Server is the daemon's side of the socket.
type Server struct {
	o    Options
	http *http.Server
	ln   net.Listener
	done chan struct{} // closed when serving has ended; nil before Start
	once sync.Once
}

// New binds the socket; Start serves. A stale socket is replaced, anything
// else at its path is left alone and is an error. Only one daemon may run on a
// data directory: the caller holds its lock.
func New(o Options) (*Server, error) {
	o = o.withDefaults()
	ln, err := listen(o)
	if err != nil {
		return nil, fmt.Errorf("open control socket %s: %w", o.Path, err)
	}
	s := &Server{o: o, ln: ln}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       o.Timeout,
		WriteTimeout:      o.Timeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       s.connContext,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Mode == 0 {
		o.Mode = 0o660
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 256 << 20
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 64
	}
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.peer == nil {
		o.peer = peerOf
	}
	return o
}

func listen(o Options) (net.Listener, error) {
	if len(o.Path) > maxPathLen {
		return nil, fmt.Errorf("the path has %d bytes and a socket's may have %d: use a shorter data directory", len(o.Path), maxPathLen)
	}
	if err := removeStale(o.Path); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", o.Path)
	if err != nil {
		return nil, err
	}
	if err := secure(o); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return &limited{Listener: ln, slots: make(chan struct{}, o.MaxConns)}, nil
}

func secure(o Options) error {
	if o.GID >= 0 {
		if err := os.Chown(o.Path, -1, o.GID); err != nil {
			return err
		}
	}
	return os.Chmod(o.Path, o.Mode)
}

// removeStale removes a socket that a daemon left behind, and nothing else.
func removeStale(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.Mode().Type() != fs.ModeSocket {
		return errors.New("there is something at this path that is not a socket; move it away")
	}
	return os.Remove(path)
}

// Start serves until Stop. Call it once.
func (s *Server) Start() {
	done := make(chan struct{})
	s.done = done
	go func() {
		defer close(done)
		if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
			s.o.Logger.Error("control socket stopped", "error", err)
		}
	}()
}

// Addr returns the socket's path.
func (s *Server) Addr() string { return s.o.Path }

// Stop ends the server: requests in progress are finished until ctx ends, then
// cut off. It may be called more than once, also without Start.
func (s *Server) Stop(ctx context.Context) error {
	var err error
	s.once.Do(func() {
		if s.done == nil {
			err = s.ln.Close()
			return
		}
		if err = s.http.Shutdown(ctx); err != nil {
			err = errors.Join(err, s.http.Close())
		}
		<-s.done
	})
	return err
}

type peerKey struct{}

// connContext asks for the peer once per connection; a peer that cannot be
// named stays absent and is refused by every request.
func (s *Server) connContext(ctx context.Context, c net.Conn) context.Context {
	if lc, ok := c.(*limitedConn); ok {
		c = lc.Conn
	}
	p, err := s.o.peer(c)
	if err != nil {
		s.o.Logger.Warn("control connection without a name", "error", err)
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, p)
}

// limited is a listener that holds back connections beyond its slots.
type limited struct {
	net.Listener
	slots chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case l.slots <- struct{}{}:
		return &limitedConn{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
	case <-time.After(time.Second):
		_ = c.Close() // the client sees its connection end and may come again
		return l.Accept()
	}
}

type limitedConn struct {
	net.Conn
	free func()
}

func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the peer has gone: nobody is left to be told
}
