package mta

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Sendmail returns how the Sendmail of a sendmail.cf connects to milters: those that
// `O InputMailFilters` names, or a daemon's InputFilter in its place, as their X lines
// say. It runs as root unless `O RunAsUser` names another. The error is fs.ErrNotExist
// where there is no file.
func Sendmail(cf string) (Client, error) {
	c := Client{Name: "Sendmail", Setting: "InputMailFilters", Refuses: 0o022}
	f, err := os.Open(cf)
	if err != nil {
		return c, fmt.Errorf("look at Sendmail: %w", err)
	}
	defer f.Close()
	conf, err := readCf(f)
	if err != nil {
		return c, fmt.Errorf("read %s: %w", cf, err)
	}
	c.Dir = conf.options["queuedirectory"]
	user, _, _ := strings.Cut(conf.options["runasuser"], ":")
	if user == "" {
		user = "root"
	}
	if c.Account, err = Lookup(user); err != nil {
		return c, fmt.Errorf("look at Sendmail: %w", err)
	}
	if strings.Contains(strings.ToLower(conf.options["dontblamesendmail"]), "groupwritabledirpathsafe") {
		c.Refuses = 0o002
	}
	for _, name := range conf.names() {
		if equates, ok := conf.filters[name]; ok {
			c.Milters = append(c.Milters, c.filter(equates))
		}
	}
	return c, nil
}

// sendmailCf is what a sendmail.cf says of milters.
type sendmailCf struct {
	options map[string]string // by name in lower case, as Sendmail compares them
	filters map[string]string // equates of X lines, by name
	daemons []string          // values of O DaemonPortOptions, one for each daemon
}

// readCf reads a sendmail.cf.
func readCf(r io.Reader) (sendmailCf, error) {
	c := sendmailCf{options: map[string]string{}, filters: map[string]string{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "O "); ok {
			name, value, _ := strings.Cut(rest, "=")
			name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
			c.options[name] = value
			if name == "daemonportoptions" {
				c.daemons = append(c.daemons, value)
			}
		} else if rest, ok := strings.CutPrefix(line, "X"); ok {
			name, equates, _ := strings.Cut(rest, ",")
			c.filters[strings.TrimSpace(name)] = equates
		}
	}
	return c, lines.Err()
}

// names lists the filters that are in use, each once: a daemon has its own list
// (InputFilter=one;two, of which the first letter counts) or that of all.
func (c *sendmailCf) names() (list []string) {
	own := 0
	add := func(names, sep string) {
		for name := range strings.SplitSeq(names, sep) {
			if name = strings.TrimSpace(name); !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	for _, d := range c.daemons {
		for pair := range strings.SplitSeq(d, ",") {
			if name, value, _ := strings.Cut(strings.TrimSpace(pair), "="); name != "" && name[0]|0x20 == 'i' {
				own++
				add(value, ";")
			}
		}
	}
	if own == 0 || own < len(c.daemons) {
		add(c.options["inputmailfilters"], ",")
	}
	return list
}

// ErrUnsafe says that Sendmail does not use a socket, since others could put
// another in its place.
var ErrUnsafe = errors.New("Sendmail calls the socket unsafe and does not use it")

// trusts tells whether the client uses a unix socket that it reaches. Sendmail wants
// the socket itself, no link to one, which it may read and write (root: its owner
// may), below directories to which only their owners may write, sticky or not
// (safefile in libsmutil of 8.17; tried). Whoever else looks finds no fault.
func (c *Client) trusts(path string) error {
	if c.Refuses == 0 {
		return nil
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	root := c.Account.UID == 0
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: %w", path, ErrUnsafe)
	case root && fi.Mode().Perm()&0o600 != 0o600, !root && !c.Account.has(fi, unix.R_OK|unix.W_OK):
		return fmt.Errorf("%s may not be read and written (%s, %s): %w", path, fi.Mode(), owner(fi), ErrUnsafe)
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return err
	}
	for ; ; dir = filepath.Dir(dir) {
		fi, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if fi.Mode().Perm()&c.Refuses != 0 {
			return fmt.Errorf("others than its owner may write to %s (%s, %s): %w", dir, fi.Mode(), owner(fi), ErrUnsafe)
		}
		if dir == "/" {
			return nil
		}
	}
}

// filter reads the equates of an X line: S=socket, F=flags, T=timeouts.
func (c *Client) filter(equates string) Milter {
	socket, flags := "", ""
	for equate := range strings.SplitSeq(equates, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(equate), "="); name {
		case "S":
			socket = value
		case "F":
			flags = value
		}
	}
	m := c.parse(socket)
	m.Passes = !strings.ContainsAny(flags, "RT4")
	return m
}
