package harness

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Where test/setup.sh unpacks Debian's packages: they cannot be installed beside
// Postfix.
const (
	sendmailRoot    = "/opt/sendmail-for-tests"
	sendmailProgram = sendmailRoot + "/usr/libexec/sendmail/sendmail"
)

//go:embed sendmail.mc
var sendmailMC string

// ErrNoSendmail says that Sendmail cannot be started here, and what to do.
var ErrNoSendmail = errors.New("real Sendmail needed in " + sendmailRoot + ": run as root, and type `make setup` before")

// SendmailOptions configures a private Sendmail.
type SendmailOptions struct {
	Dir     string // an empty directory of its own
	Filter  string // lines of sendmail.mc that name the milter; "" none
	NextHop string // host:port mail to NextDomain is handed to
	User    string // whose rights it takes once it listens (RunAsUser); "" root
}

// Sendmail is a running private Sendmail with two SMTP doors, of which the milter
// filters one. It knows clients by the address they come from (see Isolate), and
// runs its queue every second. Start and Stop are not for concurrent use.
type Sendmail struct {
	Doors
	o      SendmailOptions
	server *guarded
	output Buffer
}

var _, _ MTA = (*Sendmail)(nil), (*Postfix)(nil)

// StartSendmail writes the configuration below o.Dir, starts the daemon in the
// foreground as our child and returns when both doors answer.
func StartSendmail(ctx context.Context, o SendmailOptions) (*Sendmail, error) {
	if _, err := os.Stat(sendmailProgram); err != nil || os.Getuid() != 0 {
		return nil, ErrNoSendmail
	}
	if !IsIsolated() {
		return nil, errors.New("start sendmail: the test is not isolated; call Isolate first")
	}
	s := &Sendmail{o: o}
	s.Maildir = filepath.Join(o.Dir, "box")
	var err, perr error
	s.Addr, err = FreeAddr()
	s.Plain, perr = FreeAddr()
	if err := errors.Join(err, perr, s.layOut(), s.Configure(o.Filter)); err != nil {
		return nil, fmt.Errorf("lay out sendmail: %w", err)
	}
	return s, s.Start(ctx)
}

// layOut makes the directories and the small files that the configuration names.
func (s *Sendmail) layOut() error {
	if err := openParents(s.o.Dir); err != nil {
		return err
	}
	uid, gid := 0, 0
	var err error
	if s.o.User != "" {
		if uid, gid, err = accountOf(s.o.User); err != nil {
			return err
		}
	}
	for _, dir := range []string{s.queue(), s.Maildir, filepath.Join(s.Maildir, "new"), filepath.Join(s.Maildir, "tmp"), filepath.Join(s.Maildir, "cur")} {
		err = errors.Join(err, os.Mkdir(dir, 0o700), os.Chown(dir, uid, gid))
	}
	files := map[string]string{"service.switch": "hosts files\naliases files\n", "deliver": deliver}
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(s.o.Dir, name), []byte(text), 0o644))
	}
	return err
}

// deliver puts the message on its standard input into the Maildir $1, for the
// recipient $2.
const deliver = `{ echo "X-Original-To: $2"; cat; } >"$1/tmp/$$" && mv "$1/tmp/$$" "$1/new/$$.$(date +%s%N)"
`

// Configure writes the configuration anew, with other lines that name the milter; a
// daemon that runs reads it when it is started next.
func (s *Sendmail) Configure(filter string) error {
	s.o.Filter = filter
	mc := filepath.Join(s.o.Dir, "sendmail.mc")
	if err := os.WriteFile(mc, []byte(s.macros()), 0o644); err != nil {
		return fmt.Errorf("configure sendmail: %w", err)
	}
	cmd := exec.Command("m4", mc)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cf, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("configure sendmail by m4 (`make setup` installs it): %w: %s", err, stderr.String())
	}
	if err := os.WriteFile(s.Cf(), cf, 0o644); err != nil {
		return fmt.Errorf("configure sendmail: %w", err)
	}
	return nil
}

// macros fills in sendmail.mc.
func (s *Sendmail) macros() string {
	next := "1"
	if s.o.NextHop != "" {
		next = portOf(s.o.NextHop)
	}
	user := "dnl"
	if s.o.User != "" {
		user = "define(`confRUN_AS_USER', `" + s.o.User + "')dnl"
	}
	return strings.NewReplacer(
		"@ROOT@", sendmailRoot, "@DIR@", s.o.Dir, "@MAILDIR@", s.Maildir, "@NAME@", isolatedName,
		"@PORT@", portOf(s.Addr), "@PLAIN@", portOf(s.Plain), "@NEXT@", next,
		"@NEXTDOMAIN@", NextDomain, "@BOXDOMAIN@", BoxDomain, "@USER@", user, "@FILTER@", s.o.Filter,
	).Replace(sendmailMC)
}

// Cf is the configuration file that Sendmail reads.
func (s *Sendmail) Cf() string { return filepath.Join(s.o.Dir, "sendmail.cf") }

func (s *Sendmail) queue() string { return filepath.Join(s.o.Dir, "mqueue") }

// Start starts the daemon with its ports and queue.
func (s *Sendmail) Start(ctx context.Context) error {
	server, err := startGuarded(&s.output, nil, sendmailProgram, "-bD", "-q1s", "-C"+s.Cf())
	if err != nil {
		return fmt.Errorf("start sendmail: %w", err)
	}
	s.server = server
	for _, addr := range []string{s.Addr, s.Plain} {
		err := WaitFor("sendmail on "+addr, 30*time.Second, func() bool { return Closed(server.ended) || ctx.Err() != nil || greets(addr) })
		if Closed(server.ended) {
			err = errors.New("it ended at once")
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return errors.Join(fmt.Errorf("start sendmail on %s: %w\n%s", addr, err, s.output.String()), s.Stop())
		}
	}
	return nil
}

// Stop ends the daemon.
func (s *Sendmail) Stop() error {
	if err := s.server.stop(); err != nil {
		return fmt.Errorf("sendmail: %w\n%s", err, s.Log())
	}
	return nil
}

// Queue reads the queue directory: control files are named qf and the id, or hf
// where the message is in quarantine.
func (s *Sendmail) Queue() ([]Queued, error) {
	entries, err := os.ReadDir(s.queue())
	if err != nil {
		return nil, fmt.Errorf("read sendmail's queue: %w", err)
	}
	var list []Queued
	for _, e := range entries {
		id := e.Name()
		switch {
		case strings.HasPrefix(id, "qf"):
			list = append(list, Queued{ID: id[2:], Queue: "deferred"})
		case strings.HasPrefix(id, "hf"):
			list = append(list, Queued{ID: id[2:], Queue: "hold"})
		}
	}
	return list, nil
}

// Drain waits until nothing but mail in quarantine is left in the queue.
func (s *Sendmail) Drain(limit time.Duration) error { return drain(s, limit) }

// Flush runs the queue once.
func (s *Sendmail) Flush() error {
	_, err := s.Run("-q")
	return err
}

// Release takes a message out of quarantine; the next run of the queue delivers it.
func (s *Sendmail) Release(id string) error {
	_, err := s.Run("-qQ", "-qI"+id, "-Q")
	return err
}

// Run runs sendmail(8) on the private configuration.
func (s *Sendmail) Run(args ...string) (string, error) {
	cmd := exec.Command(sendmailProgram, append([]string{"-C" + s.Cf()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run sendmail %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Log is what Sendmail wrote to its outputs, and its queue: it logs to syslog, which
// nobody reads here.
func (s *Sendmail) Log() string {
	queue, err := s.Run("-bp")
	if err != nil {
		queue = err.Error()
	}
	return s.output.String() + queue
}
