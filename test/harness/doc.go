// Package harness gives the end-to-end suites and the demo real parts to work
// with: a private Postfix or Sendmail below a directory of its own, an SMTP sink as
// its next hop, an SMTP client that shows every reply, and the fanmill daemon as a real
// process.
//
// Nothing here touches an installed MTA: configuration, queue, log and ports are
// private, everything listens on 127.0.0.1, and what was started is ended by its own
// process id. The MTAs need root to start, and Sendmail a network of its own (Isolate);
// functions return errors that name the line to type when a tool is missing. Every
// type is safe for concurrent use unless its comment says otherwise.
package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// FreePort returns a TCP port on 127.0.0.1 that nobody listened on a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// FreeAddr returns "127.0.0.1:port" with a port from FreePort.
func FreeAddr() (string, error) {
	port, err := FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// ErrTimeout is returned by WaitFor when the condition did not come true.
var ErrTimeout = errors.New("timed out")

// WaitFor polls cond about a hundred times a second until it is true.
func WaitFor(what string, limit time.Duration, cond func() bool) error {
	deadline := time.Now().Add(limit)
	for !cond() {
		if time.Now().After(deadline) {
			return fmt.Errorf("wait for %s: %w after %v", what, ErrTimeout, limit)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// accountOf returns the numeric ids of a system user.
func accountOf(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, fmt.Errorf("look up user %s: %w", name, err)
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, fmt.Errorf("user id of %s: %w", name, err)
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return 0, 0, fmt.Errorf("group id of %s: %w", name, err)
	}
	return uid, gid, nil
}

// openParents makes dir's closed parents searchable for Postfix's users as long
// as they are ours and lie in the system's temporary directory (what
// testing.T.TempDir makes is closed to others).
func openParents(dir string) error {
	tmp := filepath.Clean(os.TempDir())
	for ; dir != tmp && dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("prepare %s for postfix: %w", dir, err)
		}
		if info.Mode().Perm()&0o001 != 0 {
			continue
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		rel, err := filepath.Rel(tmp, dir)
		if !ok || err != nil || int(stat.Uid) != os.Getuid() || !filepath.IsLocal(rel) {
			return fmt.Errorf("directory %s is closed to user postfix: set TMPDIR to one below a directory everybody may search", dir)
		}
		if err := os.Chmod(dir, info.Mode().Perm()|0o055); err != nil {
			return fmt.Errorf("prepare %s for postfix: %w", dir, err)
		}
	}
	return nil
}

// Chgrp gives a file to a group, by its name.
func Chgrp(path, group string) error {
	g, err := user.LookupGroup(group)
	if err != nil {
		return fmt.Errorf("change the group of %s: %w", path, err)
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return fmt.Errorf("group id of %s: %w", group, err)
	}
	return os.Chown(path, -1, gid)
}
