package milter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/milter/guard"
	"fanmill/milter/socket"
)

// Options set up a server; they cannot be changed while it runs. Zero values
// mean the defaults.
type Options struct {
	Listen      []string       // unix:/PATH, local:/PATH, inet:HOST:PORT, inet:PORT@HOST, inet6:[ADDR]:PORT, inet6:PORT@ADDR
	Listeners   []net.Listener // bound elsewhere, such as by systemd; closed by Stop
	SocketMode  fs.FileMode    // of unix sockets; default 0660
	SocketGroup string         // name or number; default: as it comes

	MaxConnections int           // default 1000; more are closed at once, and the MTA tempfails
	IdleTimeout    time.Duration // longest wait for a packet; default 2 hours, above the MTAs' own SMTP timeouts
	PacketTimeout  time.Duration // longest time for one packet; default 30 s
	WriteTimeout   time.Duration // longest time for one reply; default 10 s
	DrainTimeout   time.Duration // bound of Stop, beside its context; default 60 s
}

func (o Options) withDefaults() Options {
	if o.SocketMode == 0 {
		o.SocketMode = 0o660
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 1000
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 2 * time.Hour
	}
	if o.PacketTimeout == 0 {
		o.PacketTimeout = 30 * time.Second
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = time.Minute
	}
	return o
}

// Server takes mail from MTAs. New binds its sockets, Start serves, Reload swaps
// the settings, Stop ends it.
type Server struct {
	opts      Options
	engine    *engine
	guard     *guard.Guard
	library   *gomilter.Server
	listeners []net.Listener
	cut       context.CancelFunc // ends the wait for messages in progress
	failed    chan error
	serving   sync.WaitGroup
	stop      sync.Once
	stopErr   error
}

// New checks everything and binds the sockets; MTAs that connect wait until
// Start. All problems are reported at once.
func New(o Options, p Parts, s Settings) (*Server, error) {
	o = o.withDefaults()
	if err := check(o, p, s); err != nil {
		return nil, err
	}
	gid, err := socket.FindGroup(o.SocketGroup)
	if err != nil {
		return nil, err
	}
	listeners, err := bind(o, socket.Rights{Mode: o.SocketMode, Group: gid})
	if err != nil {
		return nil, err
	}
	stopped, cut := context.WithCancel(context.Background())
	srv := &Server{
		opts: o, engine: newEngine(stopped, p, s), cut: cut, failed: make(chan error, len(listeners)),
		guard: guard.New(guard.Options{MaxConnections: o.MaxConnections, Idle: o.IdleTimeout, Packet: o.PacketTimeout, Logger: p.Logger}),
	}
	for _, ln := range listeners {
		srv.listeners = append(srv.listeners, srv.guard.Listen(ln))
	}
	srv.library = newLibrary(srv.engine, o.WriteTimeout)
	return srv, nil
}

func check(o Options, p Parts, s Settings) error {
	var errs []error
	if p.Scorer == nil || p.Spool == nil || p.Recorder == nil || p.Delays == nil || p.Logger == nil {
		errs = append(errs, errors.New("milter needs a scorer, a spool, a recorder, a table of delays and a logger"))
	}
	if len(o.Listen)+len(o.Listeners) == 0 {
		errs = append(errs, errors.New("nothing to listen on"))
	}
	for _, spec := range o.Listen {
		if _, err := socket.Parse(spec); err != nil {
			errs = append(errs, err)
		}
	}
	if o.MaxConnections < 0 || o.IdleTimeout < 0 || o.PacketTimeout < 0 || o.WriteTimeout < 0 || o.DrainTimeout < 0 {
		errs = append(errs, errors.New("limits must not be negative"))
	}
	return errors.Join(append(errs, s.Validate())...)
}

func bind(o Options, rights socket.Rights) (all []net.Listener, err error) {
	all = append(all, o.Listeners...)
	for _, spec := range o.Listen {
		e, err := socket.Parse(spec)
		if err != nil {
			return nil, err
		}
		ln, err := e.Listen(rights)
		if err != nil {
			for _, l := range all[len(o.Listeners):] {
				_ = l.Close() // the first error is the one to report
			}
			return nil, fmt.Errorf("%s: %w", spec, err)
		}
		all = append(all, ln)
	}
	return all, nil
}

func newLibrary(e *engine, writeTimeout time.Duration) *gomilter.Server {
	n := &negotiator{engine: e}
	opts := []gomilter.Option{
		gomilter.WithDynamicMilter(func(_ uint32, actions gomilter.OptAction, protocol gomilter.OptProtocol, _ gomilter.DataSize) gomilter.Milter {
			return newAdapter(e, actions, protocol)
		}),
		gomilter.WithNegotiationCallback(n.negotiate),
		gomilter.WithWriteTimeout(writeTimeout),
	}
	for stage, macros := range macroRequests {
		opts = append(opts, gomilter.WithMacroRequest(stage, macros))
	}
	return gomilter.NewServer(opts...)
}

// Start serves all sockets and returns at once. Call it once.
func (s *Server) Start() {
	for _, ln := range s.listeners {
		s.serving.Add(1)
		go func() {
			defer s.serving.Done()
			if err := s.library.Serve(ln); err != nil && !errors.Is(err, gomilter.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				s.failed <- fmt.Errorf("serve %s: %w", ln.Addr(), err)
			}
		}()
	}
}

// Failed yields the error of a socket that can be served no longer.
func (s *Server) Failed() <-chan error { return s.failed }

// Addr returns the addresses of all sockets, those of Options.Listeners first.
func (s *Server) Addr() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, ln := range s.listeners {
		addrs[i] = ln.Addr()
	}
	return addrs
}

// Connections returns the number of MTA connections.
func (s *Server) Connections() int { return s.guard.Count() }

// Reload puts new settings in force for messages that begin from now on. After
// an error the old ones stay.
func (s *Server) Reload(settings Settings) error {
	if err := settings.Validate(); err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	s.engine.rules.Store(newRules(settings))
	return nil
}

// Stop accepts no more connections, closes those that are between messages,
// lets messages in progress be answered until ctx or the drain timeout ends,
// and then closes what is left: the MTA tempfails that. It returns nil when all
// was answered. Work that is cut off may still complete a hold a little later;
// the sender's retry is then found in the spool.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(func() { s.stopErr = s.shutdown(ctx) })
	return s.stopErr
}

func (s *Server) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.DrainTimeout)
	defer cancel()
	defer s.cut()
	var errs []error
	for _, ln := range s.listeners {
		errs = append(errs, ln.Close())
	}
	if err := s.guard.Drain(ctx); err != nil {
		errs = append(errs, fmt.Errorf("drain: %d messages cut off: %w", s.guard.Count(), err))
	}
	s.cut()
	// Nothing is left to be waited for; the listeners are closed.
	_ = s.library.Close()
	s.serving.Wait()
	return errors.Join(append(errs, s.waitForWorkers(ctx))...)
}

// waitForWorkers waits for work that outlived its message's deadline.
func (s *Server) waitForWorkers(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.engine.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for work past its deadline: %w", ctx.Err())
	}
}
