//go:build system

package system

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fanmill/test/harness"

	"github.com/BurntSushi/toml"
	"github.com/d--j/go-milter"
	"golang.org/x/sys/unix"
)

// The port that the snippets in contrib name.
const contribListen = "127.0.0.1:8891"

// contrib reads a file of contrib.
func contrib(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(must(harness.Root()), "contrib", name))
	check(t, err)
	return string(b)
}

// contribTOML reads a configuration of contrib.
func contribTOML(t *testing.T, name string) tree {
	t.Helper()
	var c tree
	_, err := toml.Decode(contrib(t, name), &c)
	check(t, err)
	return c
}

// TestContrib uses each snippet of contrib as it is: the lines in main.cf or
// sendmail.mc, the configuration over the site's. They name fixed ports, so they come
// one after the other.
func TestContrib(t *testing.T) {
	t.Parallel()
	if !harness.IsIsolated() {
		t.Fatal("the snippets name ports and paths of the system: this needs a network and mounts of its own, see the suite's first line")
	}
	for _, m := range []server{postfix, sendmail} {
		suffix := map[server]string{postfix: ".cf", sendmail: ".mc"}[m]
		start := func(t *testing.T, snippet string, config tree) *site {
			return newSite(t, plan{server: m, lines: contrib(t, string(m)+"/"+snippet+suffix), listen: contribListen, config: config})
		}
		t.Run(string(m), func(t *testing.T) {
			t.Run("inet", func(t *testing.T) {
				s := start(t, "inet", nil)
				s.passesOwn()
				s.downDefers()
			})
			t.Run("pass", func(t *testing.T) { start(t, "pass", nil).downPasses() })
			t.Run("opendkim", func(t *testing.T) {
				startSigner(t, "127.0.0.1:8892")
				start(t, "opendkim", nil).seesResults()
			})
			t.Run("relay", func(t *testing.T) { start(t, "inet", contribTOML(t, "relay.toml")).holdsRelayed() })
			t.Run("quarantine", func(t *testing.T) { start(t, "inet", contribTOML(t, "quarantine.toml")).quarantines() })
		})
	}
	t.Run("postfix/chroot", testContribChroot)
	t.Run("postfix/local", testContribLocal)
	t.Run("sendmail/unix", testContribUnix)
}

// works wants spam to be refused and ham to be delivered with a verdict.
func (s *site) works(n int) {
	s.t.Helper()
	s.refuse(compose(spam, n), to("spam", n))
	s.take(compose(ham, n), to("ham", n))
	verdict(s.t, s.one(to("ham", n)).Data)
}

// passesOwn wants mail from this host, which Sendmail's submission program sends from
// there too, to pass as it is.
func (s *site) passesOwn() {
	r := to("own", 1)
	if res := s.sendAs(harness.Loopback, compose(spam, 1), r); res.Final.Code != 250 {
		s.t.Errorf("mail from this host got %v, want 250", res.Final)
	}
	if v := harness.Fields(s.one(r).Data, "X-Fanmill-Status"); len(v) != 0 {
		s.t.Errorf("mail from this host carries %q", v)
	}
}

// downDefers wants mail to be deferred while the daemon is down, or dies in the
// middle of a message, and to be judged when it is tried again.
func (s *site) downDefers() {
	s.works(1)
	check(s.t, s.Daemon.Stop(stopLimit))
	if res := s.send(compose(ham, 2), to("down", 2)); res.Final.Code != 451 {
		s.t.Errorf("while the daemon is down: %v, want 451", res.Final)
	}
	s.start()
	s.works(2)
	if r := s.dyingAtTheEnd(to("dying", 3)); r.Code != 451 {
		s.t.Errorf("the daemon died at the end of the message: %v, want 451", r)
	}
	s.none(to("down", 2), to("dying", 3))
}

// downPasses wants mail to pass unscored meanwhile.
func (s *site) downPasses() {
	s.works(1)
	check(s.t, s.Daemon.Stop(stopLimit))
	unscored := func(r string) {
		s.t.Helper()
		if v := harness.Fields(s.one(r).Data, "X-Fanmill-Status"); len(v) != 0 {
			s.t.Errorf("mail that passed while the daemon was down carries %q", v)
		}
	}
	s.take(compose(spam, 2), to("down", 2))
	unscored(to("down", 2))
	s.start()
	s.works(2)
	if r := s.dyingAtTheEnd(to("dying", 3)); r.Code != 250 {
		s.t.Errorf("the daemon died at the end of the message: %v, want 250", r)
	}
	unscored(to("dying", 3))
}

// inProgress sends a large message and returns when the daemon has begun to draft it; the
// channel yields the answer.
func (s *site) inProgress(r string) <-chan harness.Reply {
	s.t.Helper()
	answer := make(chan harness.Reply, 1)
	go func() {
		res, err := harness.Send(context.Background(), s.Addr, harness.Mail{From: "a@example.net", To: []string{r}, Data: big(40), As: s.as(harness.Stranger)})
		if err != nil {
			res.Final.Text = err.Error()
		}
		answer <- res.Final
	}()
	s.eventually("a draft in spool/tmp", func() bool {
		list, _ := os.ReadDir(filepath.Join(s.Data, "spool", "tmp"))
		return len(list) > 0
	})
	return answer
}

// dyingAtTheEnd kills the daemon when the client has sent its final dot and the MTA
// is still showing the message to it, and returns the answer.
func (s *site) dyingAtTheEnd(r string) harness.Reply {
	s.t.Helper()
	answer := s.inProgress(r)
	check(s.t, s.Daemon.Kill())
	defer s.start()
	return <-answer
}

// signer stands in for OpenDKIM: it writes what it found into a field.
type signer struct{ milter.NoOpMilter }

const results = "mx.example.org; dkim=pass header.d=example.net"

func (signer) EndOfMessage(m milter.Modifier) (*milter.Response, error) {
	return milter.RespAccept, m.InsertHeader(0, "Authentication-Results", results)
}

func startSigner(t *testing.T, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	check(t, err)
	srv := milter.NewServer(milter.WithMilter(func() milter.Milter { return &signer{} }), milter.WithAction(milter.OptAddHeader|milter.OptChangeHeader))
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
}

// seesResults wants a milter that comes before fanmill to be heard by it.
func (s *site) seesResults() {
	s.works(1)
	id := s.hold(2, to("dkim", 2))
	text := s.fanmill("held export", id)
	if v := harness.Fields([]byte(text), "Authentication-Results"); len(v) != 1 || v[0] != results {
		s.t.Errorf("what the milter before fanmill wrote arrives as %q", v)
	}
}

// holdsRelayed wants spam from the site's own relay to be held, so that the relay
// need not return it to a forged sender, and known by the client that the relay saw.
func (s *site) holdsRelayed() {
	relay := harness.Identity{Addr: "192.0.2.25", Name: "backup.test.invalid", Helo: "backup.example.org"}
	line := "Received: from evil.example.org (evil.example.org [198.51.100.66])\n\tby backup.example.org (Postfix) with ESMTP id 1\n\tfor <x@test.invalid>; Mon, 5 Jan 2026 10:00:00 +0000\n"
	r := to("relayed", 1)
	if res := s.sendAs(relay, append([]byte(line), compose(spam, 1)...), r); res.Final.Code != 250 {
		s.t.Fatalf("spam from the relay got %v, want 250", res.Final)
	}
	s.none(r)
	s.heldOne(r)
	if !strings.Contains(s.Daemon.Output(), "198.51.100.66") {
		s.t.Error("the log does not name the client that the relay saw")
	}
	s.refuse(compose(spam, 2), to("direct", 2))
}

// quarantines wants spam to wait in the MTA, with a log line that names both, and to
// be delivered when it is released there.
func (s *site) quarantines() {
	r := to("quarantine", 1)
	s.take(compose(spam, 1), r)
	s.none(r)
	list := must(s.MTA.Queue())
	if len(list) != 1 || list[0].Queue != "hold" {
		s.t.Fatalf("the queue is %+v, want one held message", list)
	}
	id := list[0].ID
	said := regexp.MustCompile(`queue_id=` + id + ` .*outcome=quarantine .*reason="(fanmill spam id=[0-9a-z]{16})"`).FindStringSubmatch(s.Daemon.Output())
	if said == nil {
		s.t.Fatalf("no log line names the message %s and the reason", id)
	}
	if s.Sendmail != nil {
		if out := must(s.Sendmail.Run("-bp", "-qQ")); !strings.Contains(out, id) || !strings.Contains(out, "QUARANTINE: "+said[1]) {
			s.t.Errorf("sendmail -bp -qQ does not show the reason:\n%s", out)
		}
	}
	check(s.t, s.MTA.Release(id))
	s.eventually("the message to leave the quarantine", func() bool {
		list := must(s.MTA.Queue())
		return len(list) == 0 || list[0].Queue != "hold"
	})
	verdict(s.t, s.one(r).Data)
	if n := strings.Count(s.Daemon.Output(), "outcome="); n != 1 {
		s.t.Errorf("%d messages were judged, want one: a release is not filtered again", n)
	}
}

// A chrooted smtpd sees a socket below the queue directory only. The snippet names the
// system's: the private one is put in its place.
func testContribChroot(t *testing.T) {
	s := newSite(t, plan{lines: contrib(t, "postfix/chroot.cf"), chroot: true, stopped: true})
	system := "/var/spool/postfix"
	check(t, unix.Mount(s.Postfix.Spool(), system, "", unix.MS_BIND, ""))
	t.Cleanup(func() { check(t, unix.Unmount(system, unix.MNT_DETACH)) })
	installDir(t, system+"/fanmill", "postfix", 0o2750)
	c := contribTOML(t, "postfix/chroot.toml")
	c["milter"]["listen"] = append(c["milter"]["listen"].([]any), "inet:"+s.Listen) // where the suite sees that it is up
	s.configure(c)
	s.start()
	s.works(1)
}

// installDir does what install -d -g group -m mode does.
func installDir(t *testing.T, path, group string, mode uint32) {
	t.Helper()
	check(t, os.Mkdir(path, 0o755))
	check(t, harness.Chgrp(path, group))
	check(t, unix.Chmod(path, mode))
}

// Mail that is submitted on the host is never refused, delayed or held, be it scored.
func testContribLocal(t *testing.T) {
	s := newSite(t, plan{
		lines: contrib(t, "postfix/inet.cf") + contrib(t, "postfix/local.cf"), listen: contribListen,
		config: filterLoopback.With(tree{"policy": {"unsure": "hold", "spam": "reject"}}),
	})
	for n, k := range []kind{ham, spam, unsure} {
		r := to("submitted", n)
		check(t, s.Postfix.Submit("user@"+harness.NextDomain, compose(k, n), r))
		verdict(t, s.one(r).Data)
	}
	s.refuse(compose(spam, 9), to("outside", 9))
}

// Sendmail wants a socket in a directory that only its owner can write to.
func testContribUnix(t *testing.T) {
	check(t, os.Mkdir("/run/fanmill", 0o755))
	t.Cleanup(func() { check(t, os.RemoveAll("/run/fanmill")) })
	s := newSite(t, plan{server: sendmail, lines: contrib(t, "sendmail/unix.mc"), stopped: true})
	c := contribTOML(t, "sendmail/unix.toml")
	c["milter"]["listen"] = append(c["milter"]["listen"].([]any), "inet:"+s.Listen) // where the suite sees that it is up
	s.configure(c)
	s.start()
	s.works(1)
}

// The pages show every snippet as the tests use it.
func TestContribPagesShowTheSnippets(t *testing.T) {
	root := filepath.Join(must(harness.Root()), "contrib")
	for _, m := range []server{postfix, sendmail} {
		page := contrib(t, string(m)+"/README.md")
		var files []string
		for _, pattern := range []string{string(m) + "/*.cf", string(m) + "/*.mc", string(m) + "/*.toml", "*.toml"} {
			files = append(files, must(filepath.Glob(filepath.Join(root, pattern)))...)
		}
		for _, f := range files {
			name := must(filepath.Rel(root, f))
			_, text, _ := strings.Cut(contrib(t, name), "\n") // without its comment
			if !strings.Contains(page, "```\n"+text+"```") && !strings.Contains(page, "```toml\n"+text+"```") {
				t.Errorf("%s/README.md does not show %s", m, name)
			}
		}
	}
}
