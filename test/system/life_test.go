//go:build system

package system

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fanmill/control"
	"fanmill/test/harness"
)

// big returns an unsure message of about n megabytes.
func big(n int) []byte {
	line := bytes.Repeat([]byte("0123456789abcdef"), 4)
	return append(compose(unsure, n), bytes.Repeat(append(line, '\n'), n<<20/(len(line)+1))...)
}

func TestDaemonKilledMidMessage(t *testing.T) { behindBoth(t, testDaemonKilled) }

func testDaemonKilled(t *testing.T, m server) {
	s := newSite(t, plan{server: m})
	t.Run("before the final dot", func(t *testing.T) {
		c, err := harness.Dial(t.Context(), s.Addr, *s.as(harness.Stranger))
		check(t, err)
		defer c.Break()
		check(t, c.Begin(harness.Mail{From: "a@example.net", To: []string{to("mid", 1)}}))
		check(t, c.Write(compose(unsure, 1)))
		check(t, s.Daemon.Kill())
		if r, err := c.Finish(); err != nil || r.Code != 451 {
			t.Errorf("answer %v %v, want 451", r, err)
		}
		s.start()
	})
	t.Run("while it reads the message", func(t *testing.T) {
		r := to("mid", 2)
		mail := harness.Mail{From: "a@example.net", To: []string{r}, Data: big(40), As: s.as(harness.Stranger)}
		answer := make(chan harness.Reply, 1)
		go func() {
			res, err := harness.Send(context.Background(), s.Addr, mail)
			if err != nil {
				res.Final.Text = err.Error()
			}
			answer <- res.Final
		}()
		drafts := filepath.Join(s.Data, "spool", "tmp")
		s.eventually("a draft in spool/tmp", func() bool {
			list, _ := os.ReadDir(drafts)
			return len(list) > 0
		})
		check(t, s.Daemon.Kill())
		if r := <-answer; r.Code != 451 {
			t.Errorf("answer %v, want 451", r)
		}
		if len(s.held(r)) != 0 {
			t.Error("half a message is held")
		}
		s.start()
		if list := must(os.ReadDir(drafts)); len(list) != 0 {
			t.Errorf("drafts left after the restart: %v", list)
		}
		s.sendAll(t.Context(), []harness.Mail{mail}, 1)
		s.settle()
		s.heldOne(r)
	})
}

// load is mail going through a site in the background, numbered from 0.
type load struct {
	s       *site
	stop    chan struct{}
	done    chan struct{}
	settled atomic.Int64
}

// clearCutoffs lie far from the scores of composed mail: its ham has 0.004, its unsure
// mail from 0.1 on.
var clearCutoffs = tree{"policy": {"ham_cutoff": 0.03}}

// loadOn sends composed mail of all kinds over parallel sessions, each message
// until it is settled, until end is called.
func loadOn(s *site, parallel int) *load {
	l := &load{s: s, stop: make(chan struct{}), done: make(chan struct{})}
	var next atomic.Int64
	running := make(chan struct{}, parallel)
	for range parallel {
		go func() {
			defer func() { running <- struct{}{} }()
			for !harness.Closed(l.stop) {
				l.one(int(next.Add(1)))
			}
		}()
	}
	go func() {
		for range parallel {
			<-running
		}
		close(l.done)
	}()
	return l
}

func (l *load) one(n int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r := to("load", n)
	mail := harness.Mail{From: "load@example.net", To: []string{r}, Data: compose(kind(n%3), n)}
	res, _, err := harness.SendUntilSettled(ctx, l.s.Addr, mail, 20*time.Millisecond)
	if err != nil {
		l.s.t.Errorf("mail for %s was never settled: %v (%v)", r, err, res.Final)
	}
	l.s.Acct.Sent(r, res.Final)
	l.settled.Add(1)
}

// more waits until n further messages are settled.
func (l *load) more(n int64) {
	want := l.settled.Load() + n
	l.s.eventually("mail to go through", func() bool { return l.settled.Load() >= want })
}

// end stops the load and checks that every message is in exactly one place, and
// in the one its kind wants.
func (l *load) end() {
	l.s.t.Helper()
	close(l.stop)
	<-l.done
	places := map[string]int{}
	for r, f := range l.s.settle() {
		places[f.Place()]++
		if !strings.HasPrefix(r, "load") {
			continue
		}
		n := number(r)
		if want := [...]string{"delivered", "rejected", "held"}[n%3]; f.Place() != want {
			l.s.t.Errorf("%v mail for %s was %s (%v)", kind(n%3), r, f.Place(), f.Reply)
		}
	}
	l.s.t.Logf("%d messages: %v", l.settled.Load(), places)
}

func number(recipient string) int {
	local, _, _ := strings.Cut(recipient, "@")
	n := 0
	for _, c := range strings.TrimLeft(local, "abcdefghijklmnopqrstuvwxyz-") {
		n = n*10 + int(c-'0')
	}
	return n
}

func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{config: clearCutoffs})
	l := loadOn(s, 6)
	for range 5 {
		l.more(20)
		check(t, s.Daemon.Stop(stopLimit))
		s.start()
	}
	l.more(20)
	l.end()
}

// status asks the daemon over its control socket how it fares.
func (s *site) status() control.Status {
	s.t.Helper()
	c, err := control.Dial(s.t.Context(), s.Data)
	check(s.t, err)
	defer c.Close()
	v, err := c.Status(s.t.Context())
	check(s.t, err)
	return v
}

func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{config: clearCutoffs})
	l := loadOn(s, 4)
	defer func() { l.end() }()
	reload := func(want int) {
		t.Helper()
		check(t, s.Daemon.Signal(syscall.SIGHUP))
		s.eventually("the reload", func() bool { return s.status().Reloads >= want })
		l.more(20)
	}
	l.more(20)
	s.configure(people(nil))
	reload(1)
	s.take(compose(spam, 900_001), person)
	s.one(person)
	s.Acct.Sent(person, harness.Reply{Code: 250})

	wrong := people(nil).With(tree{"policy": {"spam": "burn", "no_such_key": 1}})
	s.configure(wrong)
	check(t, s.Daemon.Signal(syscall.SIGHUP))
	s.eventually("the failed reload to be told", func() bool { return s.status().LastFail != "" })
	for _, word := range []string{"burn", "no_such_key"} {
		if fail := s.status().LastFail; !strings.Contains(fail, word) {
			t.Errorf("reload error does not name %q: %s", word, fail)
		}
		if !strings.Contains(s.Daemon.Output(), word) {
			t.Errorf("log does not name %q", word)
		}
	}
	l.more(20)
	s.take(compose(spam, 900_002), person2) // the old rules still hold
	s.one(person2)
	s.Acct.Sent(person2, harness.Reply{Code: 250})
}

// A daemon with a damaged database refuses to start and leaves the file alone.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{stopped: true})
	path := filepath.Join(s.Data, "fanmill.db")
	good := must(os.ReadFile(path))
	for name, bad := range map[string][]byte{
		"no database":       []byte(strings.Repeat("this is not a database\n", 1000)),
		"overwritten pages": append(append([]byte(nil), good[:4096]...), bytes.Repeat([]byte{0xa5}, len(good)-4096)...),
		"cut short":         good[:len(good)/2],
	} {
		t.Run(name, func(t *testing.T) {
			check(t, os.WriteFile(path, bad, 0o640))
			for _, suffix := range []string{"-wal", "-shm"} {
				check(t, os.RemoveAll(path+suffix))
			}
			err := s.Daemon.Start()
			var exit *harness.ExitError
			if !errors.As(err, &exit) {
				t.Fatalf("started on a damaged database: %v", err)
			}
			if exit.Code == 0 || exit.Code == 1 || exit.Code == 2 {
				t.Errorf("exit code %d, want one of sysexits", exit.Code)
			}
			if !strings.Contains(exit.Output, "fanmill.db") {
				t.Errorf("the refusal does not name the file: %s", exit.Output)
			}
			if now := must(os.ReadFile(path)); !bytes.Equal(now, bad) {
				t.Error("the damaged file was changed")
			}
		})
	}
	check(t, os.WriteFile(path, good, 0o640))
	s.start()
	s.refuse(compose(spam, 1), to("repaired", 1))
}

// SIGTERM finishes the message in progress, closes idle connections at once and
// ends the daemon with code 0.
func TestDrainOnSIGTERM(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{})
	idle, err := harness.Dial(t.Context(), s.Addr, *s.as(harness.Stranger))
	check(t, err)
	defer idle.Break()
	res, err := idle.Send(harness.Mail{From: "a@example.net", To: []string{to("idle", 1)}, Data: compose(ham, 1)})
	check(t, err)
	if res.Final.Code != 250 {
		t.Fatalf("answer %v", res.Final)
	}
	answer := s.inProgress(to("drain", 1))
	check(t, s.Daemon.Stop(stopLimit))
	if r := <-answer; r.Code != 250 {
		t.Errorf("the message in progress got %v, want 250", r)
	}
	s.heldOne(to("drain", 1))
	s.start()
}
