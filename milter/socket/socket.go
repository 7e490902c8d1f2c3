// Package socket binds the sockets on which MTAs reach the milter: how MTAs and our
// configuration name them, who may connect to a unix socket, and what happens to one that
// is there already.
package socket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Endpoint is where to listen, as package net has it.
type Endpoint struct {
	Network string // unix, tcp, tcp4 or tcp6
	Address string
}

const (
	maxSocketPath = 107 // sun_path of Linux less the NUL
	specHelp      = "write unix:/PATH, inet:HOST:PORT or inet6:[ADDRESS]:PORT, or as Sendmail does local:/PATH, inet:PORT@HOST, inet6:PORT@ADDRESS"
)

// Parse reads a socket specification in the spelling of Postfix
// (postconf(5), smtpd_milters) or Sendmail (libmilter/docs/smfi_setconn.html).
func Parse(spec string) (Endpoint, error) {
	kind, rest, ok := strings.Cut(spec, ":")
	if !ok {
		return Endpoint{}, fmt.Errorf("listen on %q: no such form; %s", spec, specHelp)
	}
	var e Endpoint
	var err error
	switch kind {
	case "unix", "local":
		e, err = parseUnix(rest)
	case "inet":
		e, err = parseInet(rest, "tcp")
	case "inet6":
		e, err = parseInet(rest, "tcp6")
	default:
		err = fmt.Errorf("%q is no kind of socket; %s", kind, specHelp)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("listen on %q: %w", spec, err)
	}
	return e, nil
}

func parseUnix(path string) (Endpoint, error) {
	switch {
	case !strings.HasPrefix(path, "/"):
		return Endpoint{}, errors.New("the path must begin with /: a relative one means another place to the MTA")
	case len(path) > maxSocketPath:
		return Endpoint{}, fmt.Errorf("the path has %d bytes: a unix socket's may have %d", len(path), maxSocketPath)
	}
	return Endpoint{"unix", path}, nil
}

func parseInet(rest, network string) (Endpoint, error) {
	port, host, sendmail := strings.Cut(rest, "@")
	if !sendmail {
		i := strings.LastIndexByte(rest, ':')
		if i < 0 {
			return Endpoint{}, fmt.Errorf("host or port is missing; write inet:127.0.0.1:%s, or inet:0.0.0.0:PORT for every address", rest)
		}
		host, port = rest[:i], rest[i+1:]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" {
		return Endpoint{}, errors.New("the host is missing; write 0.0.0.0 or [::] for every address")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return Endpoint{}, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	} else {
		port = strconv.FormatUint(n, 10)
	}
	return Endpoint{network, net.JoinHostPort(host, port)}, nil
}

// Rights say who may connect to a unix socket.
type Rights struct {
	Mode  fs.FileMode
	Group int // -1: as it comes
}

// FindGroup reads a group's name or number; "" leaves the group alone.
func FindGroup(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if gid, err := strconv.Atoi(name); err == nil && gid >= 0 {
		return gid, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("find socket group: %w", err)
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return 0, fmt.Errorf("find socket group %q: its number %q cannot be read", name, g.Gid)
	}
	return gid, nil
}

// Listen binds the endpoint. A unix socket that nobody listens on is replaced.
func (e Endpoint) Listen(r Rights) (net.Listener, error) {
	if e.Network == "unix" {
		return listenUnix(e.Address, r)
	}
	ln, err := net.Listen(e.Network, e.Address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return ln, nil
}

func listenUnix(path string, r Rights) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	// The library would unlink whatever lies at the path when closing, also the
	// socket of a successor.
	ln.SetUnlinkOnClose(false)
	own, err := os.Lstat(path)
	if err == nil {
		err = r.apply(path)
	}
	u := &unixListener{Listener: ln, path: path, own: own}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set rights of socket: %w", err), u.Close())
	}
	return u, nil
}

func (r Rights) apply(path string) error {
	if r.Group >= 0 {
		if err := os.Chown(path, -1, r.Group); err != nil {
			return err
		}
	}
	return os.Chmod(path, r.Mode)
}

// removeStale removes a socket that nobody listens on. It never removes what is
// not a socket, or a socket that might be alive.
func removeStale(path string) error {
	fi, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at socket: %w", err)
	case fi.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s exists and is not a socket: remove it, or choose another path", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("%s: another process listens there, stop it first: %w", path, syscall.EADDRINUSE)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot tell whether anybody listens there: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove stale socket: %w", err)
	}
	return nil
}

// unixListener removes its socket at close, if it is still its own.
type unixListener struct {
	net.Listener
	path string
	own  fs.FileInfo
}

// Close closes the listener and removes its socket.
func (l *unixListener) Close() error {
	err := l.Listener.Close()
	if now, lerr := os.Lstat(l.path); lerr == nil && l.own != nil && os.SameFile(now, l.own) {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}
