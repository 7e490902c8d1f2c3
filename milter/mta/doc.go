// Package mta looks at the MTAs of this host from the milter's side: which milters
// Postfix and Sendmail name, as which user and from which root directory they
// connect, and whether they can.
//
// What Postfix does is asked of postconf(1), which knows defaults, $names and the
// overrides in master.cf; Sendmail's sendmail.cf is read as it is. Nothing is
// changed, and nothing is kept between calls.
package mta

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"fanmill/milter/socket"
)

// Client is a part of an MTA that connects to milters.
type Client struct {
	Name    string  // such as "Postfix smtpd (submission)"
	Setting string  // what names its milters, such as "smtpd_milters"
	Account Account // whose rights it has
	Dir     string  // what relative paths of sockets are below
	Root    string  // its root directory, when it is chrooted; else ""
	Milters []Milter
	Refuses fs.FileMode // write bits that no directory on the way to its unix sockets may have
	Local   bool        // it sees only mail that is submitted on the host by other means than SMTP
}

// Milter is one that a Client names.
type Milter struct {
	Spec    string // as it stands in the configuration
	Network string // unix, tcp, tcp4 or tcp6; "" when Spec cannot be read
	Address string // of a unix socket: the path as the client sees it
	Passes  bool   // while it is down, mail goes on without it
}

// parse reads a socket as an MTA names it.
func (c *Client) parse(spec string) Milter {
	m := Milter{Spec: spec}
	if kind, path, ok := strings.Cut(spec, ":"); ok && (kind == "unix" || kind == "local") {
		m.Network, m.Address = "unix", path
		if !filepath.IsAbs(path) {
			m.Address = filepath.Join("/", c.inside(c.Dir), path)
		}
		return m
	}
	if e, err := socket.Parse(spec); err == nil {
		m.Network, m.Address = e.Network, e.Address
	}
	return m
}

// inside is a path of the host as the client sees it.
func (c *Client) inside(path string) string {
	if rel, err := filepath.Rel(c.Root, path); c.Root != "" && err == nil && filepath.IsLocal(rel) {
		return filepath.Join("/", rel)
	}
	return path
}

// Path is where the host has the unix socket that the client looks for.
func (c *Client) Path(m Milter) string { return filepath.Join("/", c.Root, m.Address) }

// Hides tells that a socket of the host has no name in the client's root directory.
func (c *Client) Hides(path string) bool {
	rel, err := filepath.Rel(c.Root, path)
	return c.Root != "" && (err != nil || !filepath.IsLocal(rel))
}

// String names the client.
func (c *Client) String() string {
	if c.Root == "" {
		return c.Name
	}
	return fmt.Sprintf("%s, chrooted to %s", c.Name, c.Root)
}
