package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNoPostfix says that Postfix cannot be started here, and what to do.
var ErrNoPostfix = errors.New("real Postfix needed: run as root and type `apt-get install postfix` (or `make setup`)")

// Domains every private Postfix knows: mail to NextDomain goes to the next hop by
// SMTP, mail to BoxDomain is delivered into Postfix.Maildir.
const (
	NextDomain = "test.invalid"
	BoxDomain  = "box.invalid"
)

// PostfixOptions configures a private Postfix.
type PostfixOptions struct {
	Dir      string            // an empty directory of its own
	Milter   string            // smtpd_milters, such as "inet:127.0.0.1:8891"; "" none
	NextHop  string            // host:port mail to NextDomain is handed to
	Settings map[string]string // further main.cf parameters, these win
	Lines    string            // further lines of main.cf as they are, which win over all
	Chroot   bool              // the filtered smtpd sees Spool as its root directory
}

// Postfix is a running private Postfix with two SMTP doors: Addr is filtered by
// the milter, Plain is not. Clients may set their address by XCLIENT on both.
// Start and Stop are not for concurrent use.
type Postfix struct {
	Doors
	dir    string
	server *guarded
	stderr Buffer
}

// StartPostfix writes the configuration below o.Dir, starts the master process in
// the foreground as our child and returns when both doors answer.
func StartPostfix(ctx context.Context, o PostfixOptions) (*Postfix, error) {
	if _, err := os.Stat("/usr/sbin/postfix"); err != nil || os.Getuid() != 0 {
		return nil, ErrNoPostfix
	}
	p := &Postfix{dir: o.Dir, Doors: Doors{Maildir: filepath.Join(o.Dir, "mail", "box")}}
	if err := p.layOut(); err != nil {
		return nil, err
	}
	if err := p.configure(o); err != nil {
		return nil, err
	}
	return p, p.Start(ctx)
}

// Start starts a Postfix that was stopped, with its old ports and queue.
func (p *Postfix) Start(ctx context.Context) error {
	server, err := startGuarded(&p.stderr, []string{"MAIL_CONFIG=" + p.Etc()}, "/usr/lib/postfix/sbin/master", "-c", p.Etc(), "-s")
	if err != nil {
		return fmt.Errorf("start postfix: %w", err)
	}
	p.server = server
	if err := p.waitReady(ctx); err != nil {
		_ = p.Stop()
		return fmt.Errorf("%w\n%s%s", err, p.stderr.String(), p.Log())
	}
	return nil
}

// Etc is the configuration directory.
func (p *Postfix) Etc() string { return filepath.Join(p.dir, "etc") }

// Spool is the queue directory.
func (p *Postfix) Spool() string { return filepath.Join(p.dir, "spool") }

// layOut makes the directories and copies what postfix-script insists on.
func (p *Postfix) layOut() error {
	if err := openParents(p.dir); err != nil {
		return err
	}
	for _, entry := range layout {
		if err := p.makeDir(entry); err != nil {
			return fmt.Errorf("lay out postfix: %w", err)
		}
	}
	for _, f := range []string{"postfix-files", "dynamicmaps.cf"} {
		b, err := os.ReadFile(filepath.Join("/etc/postfix", f))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(p.Etc(), f), b, 0o644)
		}
		if err != nil {
			return fmt.Errorf("lay out postfix: %w", err)
		}
	}
	return nil
}

func (p *Postfix) makeDir(d directory) error {
	uid, _, err := accountOf(d.owner)
	if err != nil {
		return err
	}
	gid := 0
	if d.group != "" {
		g, err := user.LookupGroup(d.group)
		if err != nil {
			return err
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return err
		}
	}
	path := filepath.Join(p.dir, d.path)
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if err := os.Chown(path, uid, gid); err != nil {
		return err
	}
	return os.Chmod(path, d.mode)
}

func (p *Postfix) configure(o PostfixOptions) error {
	var err error
	if p.Addr, err = FreeAddr(); err != nil {
		return err
	}
	if p.Plain, err = FreeAddr(); err != nil {
		return err
	}
	chroot := "n"
	if o.Chroot {
		chroot = "y"
	}
	master := strings.NewReplacer("@ADDR@", p.Addr, "@PLAIN@", p.Plain, "@CHROOT@", chroot).Replace(masterCF)
	if err := os.WriteFile(filepath.Join(p.Etc(), "master.cf"), []byte(master), 0o644); err != nil {
		return fmt.Errorf("configure postfix: %w", err)
	}
	settings, err := p.settings(o)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = %s\n", name, settings[name])
	}
	b.WriteString(o.Lines)
	if err := os.WriteFile(p.mainCF(), []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("configure postfix: %w", err)
	}
	return p.settle()
}

func (p *Postfix) mainCF() string { return filepath.Join(p.Etc(), "main.cf") }

// settle makes main.cf look old: every Postfix program waits for a second or two
// when the file has just been changed.
func (p *Postfix) settle() error {
	past := time.Now().Add(-time.Minute)
	if err := os.Chtimes(p.mainCF(), past, past); err != nil {
		return fmt.Errorf("configure postfix: %w", err)
	}
	return nil
}

// waitReady waits until both doors greet.
func (p *Postfix) waitReady(ctx context.Context) error {
	for _, addr := range []string{p.Addr, p.Plain} {
		ready := func() bool {
			select {
			case <-p.server.ended:
				return true
			case <-ctx.Done():
				return true
			default:
			}
			return greets(addr)
		}
		if err := WaitFor("postfix on "+addr, 30*time.Second, ready); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("start postfix: %w", err)
	}
	select {
	case <-p.server.ended:
		return errors.New("start postfix: it ended at once")
	default:
		return nil
	}
}

// greets reports whether an SMTP server answers 220 at addr.
func greets(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 3)
	n, _ := c.Read(b)
	return string(b[:n]) == "220"
}

// Stop ends the master process with its children and waits for it.
func (p *Postfix) Stop() error {
	if err := p.server.stop(); err != nil {
		return fmt.Errorf("postfix: %w\n%s", err, p.Log())
	}
	return nil
}

// Set changes main.cf parameters and reloads.
func (p *Postfix) Set(settings map[string]string) error {
	for name, value := range settings {
		if _, err := p.run("postconf", "-e", name+"="+value); err != nil {
			return err
		}
	}
	if err := p.settle(); err != nil {
		return err
	}
	_, err := p.run("postfix", "reload")
	return err
}

// Flush asks for a delivery attempt of everything queued.
func (p *Postfix) Flush() error {
	_, err := p.run("postqueue", "-f")
	return err
}

// Queue lists Postfix's queue.
func (p *Postfix) Queue() ([]Queued, error) {
	out, err := p.run("postqueue", "-j")
	if err != nil {
		return nil, err
	}
	var list []Queued
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var q Queued
		if err := dec.Decode(&q); err != nil {
			return nil, fmt.Errorf("read postqueue's answer: %w", err)
		}
		list = append(list, q)
	}
	return list, nil
}

// Drain waits until nothing but held mail is left in the queue.
func (p *Postfix) Drain(limit time.Duration) error { return drain(p, limit) }

// Submit hands mail over as a user of the host does, with sendmail(1).
func (p *Postfix) Submit(from string, data []byte, to ...string) error {
	cmd := exec.Command("/usr/sbin/sendmail", append([]string{"-C", p.Etc(), "-i", "-f", from}, to...)...)
	cmd.Stdin = bytes.NewReader(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("submit mail: %w: %s", err, out)
	}
	return nil
}

// Release takes a message out of the hold queue.
func (p *Postfix) Release(id string) error {
	_, err := p.run("postsuper", "-H", id)
	return err
}

// Log returns the mail log so far.
func (p *Postfix) Log() string {
	b, err := os.ReadFile(filepath.Join(p.dir, "log", "mail.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (p *Postfix) run(tool string, args ...string) ([]byte, error) {
	cmd := exec.Command("/usr/sbin/"+tool, append([]string{"-c", p.Etc()}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s %s: %w: %s", tool, strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}
