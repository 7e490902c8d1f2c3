//go:build system

package system

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"fanmill/test/harness"
)

// filterLoopback has mail from this host filtered like any other: what is released
// comes from here, and must pass because it is being released.
var filterLoopback = tree{"policy": {"skip_trusted": false}}

// hold sends an unsure message and returns its id in the spool.
func (s *site) hold(n int, recipients ...string) string {
	s.t.Helper()
	s.take(withForged(compose(unsure, n)), recipients...)
	return s.heldOne(recipients[0])
}

// released wants exactly one delivery of message n for each recipient, whole.
func (s *site) released(n int, recipients ...string) {
	s.t.Helper()
	for _, r := range recipients {
		d := s.one(r)
		if d.Sender != "sender@example.net" {
			s.t.Errorf("released with sender %q", d.Sender)
		}
		if got, want := bodyOf(d.Data), bodyOf(harness.CRLF(compose(unsure, n))); !bytes.Equal(got, want) {
			s.t.Errorf("released body changed: %s", firstDifference(got, want))
		}
		for _, name := range forgedNames {
			if v := harness.Fields(d.Data, name); len(v) != 0 {
				s.t.Errorf("released mail carries %s: %q", name, v)
			}
		}
		if len(s.held(r)) != 0 {
			s.t.Errorf("mail for %s is delivered and held", r)
		}
	}
}

// Release goes into the same MTA, with the milter on.
func TestReleaseDeliversOnce(t *testing.T) { behindBoth(t, testReleaseDeliversOnce) }

func testReleaseDeliversOnce(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: filterLoopback})
	t.Run("release", func(t *testing.T) {
		a, b := to("a-release", 1), to("b-release", 1)
		s.deliveredOnce("held release", s.hold(1, a, b), 1, a, b)
	})
	t.Run("a late retry of the sender is dropped", func(t *testing.T) {
		r := to("late", 20)
		id := s.hold(20, r)
		s.fanmill("held release", id)
		s.released(20, r)
		s.take(withForged(compose(unsure, 20)), r)
		s.released(20, r)
	})
	t.Run("discard delivers nothing", func(t *testing.T) {
		r := to("discard", 30)
		s.deliversNothing("held discard", s.hold(30, r), 30, r)
	})
	t.Run("without a daemon", func(t *testing.T) {
		r := to("direct", 40)
		id := s.hold(40, r)
		check(t, s.Daemon.Stop(stopLimit))
		if _, err := s.Daemon.Run("held release", id); err == nil {
			t.Error("release succeeded though the MTA has no milter and answers 451")
		}
		s.heldOne(r)
		s.none(r)
		s.start()
		s.fanmill("held release", id)
		s.released(40, r)
	})
	// What teaches comes last, and is held before: mail of this kind is no longer
	// unsure when one such message is known.
	t.Run("ham and spam", func(t *testing.T) {
		a, b, r := to("a-ham", 0), to("b-ham", 0), to("spam", 31)
		ham, spam := s.hold(0, a, b), s.hold(31, r)
		s.deliveredOnce("held ham", ham, 0, a, b)
		s.deliversNothing("held spam", spam, 31, r)
	})
}

// deliveredOnce decides held message n, and tries to decide it again.
func (s *site) deliveredOnce(decide, id string, n int, recipients ...string) {
	s.t.Helper()
	s.fanmill(decide, id)
	s.released(n, recipients...)
	if _, err := s.Daemon.Run(decide, id); err == nil {
		s.t.Error("a decided message could be decided again")
	}
	s.released(n, recipients...)
}

// deliversNothing decides held message n, and lets the sender try again.
func (s *site) deliversNothing(decide, id string, n int, r string) {
	s.t.Helper()
	s.fanmill(decide, id)
	s.take(withForged(compose(unsure, n)), r)
	s.none(r)
	if len(s.held(r)) != 0 {
		s.t.Errorf("mail is still held after %s", decide)
	}
}

func TestReleaseWithNextHopDown(t *testing.T) { behindBoth(t, testReleaseWithNextHopDown) }

func testReleaseWithNextHopDown(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: filterLoopback})
	t.Run("MTA down", func(t *testing.T) {
		r := to("mtadown", 1)
		id := s.hold(1, r)
		check(t, s.MTA.Stop())
		_, err := s.Daemon.Run("held release", id)
		var exit *harness.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("release with the MTA down: %v", err)
		}
		s.heldOne(r)
		check(t, s.MTA.Start(t.Context()))
		s.none(r)
		s.fanmill("held release", id)
		s.released(1, r)
	})
	t.Run("the hop behind it down", func(t *testing.T) {
		r := to("hopdown", 2)
		id := s.hold(2, r)
		check(t, s.Sink.Down())
		s.fanmill("held release", id)
		if len(s.held(r)) != 0 {
			t.Error("taken by the MTA and still held")
		}
		check(t, s.Sink.Up())
		check(t, s.MTA.Flush())
		s.released(2, r)
	})
}

// The process that releases is killed when the MTA has taken the message and
// before the answer reaches it: the message must not be lost, must show that its
// delivery is uncertain, and must not go out twice without somebody saying so.
func TestReleaserKilledAfterTheMTATookIt(t *testing.T) { behindBoth(t, testReleaserKilled) }

func testReleaserKilled(t *testing.T, m server) {
	taken := map[server]string{postfix: "queued as", sendmail: "accepted for delivery"}[m]
	for _, who := range []string{"daemon", "command"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			proxy := must(harness.StartProxy("127.0.0.1:1"))
			t.Cleanup(func() { proxy.Close() })
			s := newSite(t, plan{server: m, next: proxy.Addr, config: filterLoopback})
			proxy.SetTarget(s.Addr)
			r := to("killed", 1)
			id := s.hold(1, r)
			if who == "command" { // without a daemon the milter is not there: the plain door
				proxy.SetTarget(s.Plain)
				check(t, s.Daemon.Stop(stopLimit))
			}
			cmd := s.Daemon.Command("held release", id)
			killed := make(chan struct{})
			proxy.OnAnswer(func(b []byte) bool {
				if !bytes.Contains(b, []byte(taken)) {
					return true
				}
				if who == "daemon" {
					_ = s.Daemon.Kill()
				} else {
					_ = cmd.Process.Kill()
				}
				close(killed)
				return false
			})
			if err := cmd.Run(); err == nil {
				t.Error("the release reports success")
			}
			s.eventually("the kill, when the MTA had taken the message", func() bool { return harness.Closed(killed) })
			proxy.OnAnswer(nil)
			proxy.SetTarget(s.Addr)
			s.afterKilledRelease(r, id)
		})
	}
}

func (s *site) afterKilledRelease(r, id string) {
	s.t.Helper()
	if s.Daemon.Ended() == nil || harness.Closed(s.Daemon.Ended()) {
		s.start()
	}
	s.one(r) // the MTA took it
	if out := s.fanmill("held list"); !bytes.Contains([]byte(out), []byte(id)) {
		s.t.Fatalf("the message is no longer listed:\n%s", out)
	}
	out, err := s.Daemon.Run("held release", id)
	s.t.Logf("held release again: %v %s", err, out)
	s.one(r) // not a second time without more ado
	if _, err := s.Daemon.Run("held discard", id); err != nil {
		s.t.Errorf("the message cannot be taken out of the spool: %v", err)
	}
	if len(s.held(r)) != 0 {
		s.t.Error("still held after discard")
	}
	s.one(r)
}

// stopLimit is how long a daemon may take to end after SIGTERM.
const stopLimit = 30 * time.Second
