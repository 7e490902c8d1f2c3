package milter

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/policy"
	"fanmill/spool"
)

func stderrLogger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

func TestSeveralSockets(t *testing.T) {
	r := newRig(t)
	r.Listen = append(r.Listen, "local:"+filepath.Join(r.dir, "l.sock"), "inet:127.0.0.1:0", "inet:0@127.0.0.1")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Listeners = []net.Listener{ln}
	r.start()
	addrs := r.srv.Addr()
	if len(addrs) != 5 || addrs[0] != ln.Addr() {
		t.Fatalf("addresses %v", addrs)
	}
	for _, a := range addrs {
		m, err := dialMTA(t, a)
		if err != nil {
			t.Fatal(err)
		}
		if res := m.send(subject("score 1")); res.code != 550 {
			t.Errorf("%v: %v", a, res)
		}
		m.s.Close()
	}
}

func TestNewReportsEverything(t *testing.T) {
	_, err := New(Options{Listen: []string{"tcp:1", "unix:x"}, IdleTimeout: -1}, Parts{}, Settings{RejectText: "bad\ntext", Deadline: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`"tcp:1"`, `"unix:x"`, "must not be negative", "a scorer", "policy is missing", "printable ASCII"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	r := newRig(t)
	r.Listen = nil
	if _, err := New(r.Options, r.parts(), r.settings()); err == nil || !strings.Contains(err.Error(), "nothing to listen on") {
		t.Errorf("no sockets: %v", err)
	}
	r.Listen = []string{"unix:" + r.dir + "/a.sock", "unix:" + r.dir + "/missing/b.sock"}
	if _, err := New(r.Options, r.parts(), r.settings()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
	if _, err := os.Lstat(r.dir + "/a.sock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first socket stayed behind: %v", err)
	}
}

func TestSocketRights(t *testing.T) {
	r := newRig(t)
	r.SocketMode, r.SocketGroup = 0o620, strconv.Itoa(os.Getgid())
	r.start()
	fi, err := os.Lstat(r.srv.Addr()[0].String())
	if err != nil || fi.Mode().Perm() != 0o620 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}

func TestStaleAndLivingSockets(t *testing.T) {
	r := newRig(t)
	path := strings.TrimPrefix(r.Listen[0], "unix:")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(r.Options, r.parts(), r.settings()); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("living socket: %v", err)
	}
	old.SetUnlinkOnClose(false)
	old.Close()
	r.start()
	if res := r.one(subject("score 1")); res.code != 550 {
		t.Errorf("in place of a stale socket: %v", res)
	}
}

func TestDrain(t *testing.T) {
	r := newRig(t).start()
	idle, busy, waiting := r.mta(), r.mta(), r.mta()
	idle.send(subject("score 0.01"))
	x := subject("score 0.5")
	busy.envelope(x)
	done := make(chan result, 1)
	go func() { done <- waiting.send(subject("wait score 0.01")) }()
	<-r.script.entered

	stopped := make(chan error, 1)
	go func() { stopped <- r.srv.Stop(context.Background()) }()
	eventually(t, "idle session closed", func() bool { return r.srv.Connections() == 2 })
	if _, err := idle.s.Mail("a@example.com", ""); err == nil {
		if _, err = idle.s.Rcpt("b@example.net", ""); err == nil {
			t.Error("a closed session took a recipient")
		}
	}
	if _, err := net.Dial("unix", r.srv.Addr()[0].String()); err == nil {
		t.Error("a new connection was taken")
	}
	busy.content(x)
	if _, act, err := busy.s.BodyReadFrom(strings.NewReader("x")); err != nil || act.Type != gomilter.ActionDiscard {
		t.Errorf("message in progress: %v, %v", act, err)
	}
	close(r.script.release)
	if res := <-done; res.code != 250 {
		t.Errorf("message being scored: %v", res)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if len(r.heldIn(spool.Unsure)) != 1 {
		t.Error("the message in progress was not held")
	}
}

func TestDrainIsBounded(t *testing.T) {
	r := newRig(t)
	srv, err := New(r.Options, r.parts(), r.settings())
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	m, err := dialMTA(t, srv.Addr()[0])
	if err != nil {
		t.Fatal(err)
	}
	m.envelope(subject("x")) // and never goes on
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := srv.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop: %v", err)
	}
	if _, err := m.s.Rcpt("b@example.net", ""); err == nil {
		t.Error("the connection is still served")
	}
	eventually(t, "session ended", func() bool { return srv.Connections() == 0 })
}

func TestStopWithoutStart(t *testing.T) {
	r := newRig(t)
	srv, err := New(r.Options, r.parts(), r.settings())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := srv.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func TestReloadInTheMiddleOfAMessage(t *testing.T) {
	r := newRig(t).start()
	m := r.mta()
	x := subject("score 1")
	m.envelope(x)
	r.policy.Spam, r.RejectText = policy.Tag, "new text"
	if err := r.srv.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	m.content(x)
	_, act, err := m.s.BodyReadFrom(strings.NewReader("x"))
	if err != nil || act.SMTPCode != 550 || !strings.Contains(act.SMTPReply, DefaultRejectText) {
		t.Errorf("message that had begun: %v, %v; want the old settings", act, err)
	}
	if res := m.send(x); res.code != 250 {
		t.Errorf("next message: %v; want the new settings", res)
	}
	bad := r.settings()
	bad.Policy = nil
	if err := r.srv.Reload(bad); err == nil || !strings.Contains(err.Error(), "policy is missing") {
		t.Errorf("bad settings: %v", err)
	}
	if res := m.send(x); res.code != 250 {
		t.Errorf("after a failed reload: %v", res)
	}
}

// What needs the MTA's consent is asked for at the beginning of the session, and whether
// the site was taught enough is found out at the end of the message: neither may mix
// what was configured before and after a reload.
func TestReloadBetweenSessionAndEnd(t *testing.T) {
	r := newRig(t)
	r.policy.Mixed, r.policy.Unfiltered = policy.Lenient, []string{"person@example.net"}
	r.policy.MinLabels = enough.Ham
	r.start()
	m := r.mta()
	r.policy.Mixed, r.policy.Spam = policy.Split, policy.Quarantine
	if err := r.srv.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	if res := m.send(subject("score 1").rcpt("one@example.net")); res.held == "" {
		t.Errorf("%v; want the MTA's quarantine, which came with the reload", res)
	}
	x := subject("score 1").rcpt("one@example.net", "person@example.net")
	if res := m.send(x); !slices.Equal(res.to, []string{"person@example.net"}) {
		t.Errorf("%v; want it divided, which came with the reload", res)
	}

	r.policy.Spam = policy.Reject
	if err := r.srv.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	x = subject("wait score 1")
	answer := make(chan result)
	go func() { answer <- m.send(x) }()
	<-r.script.entered
	r.policy.MinLabels++ // the site becomes untrained
	if err := r.srv.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	r.script.release <- struct{}{}
	if res := <-answer; res.code != 550 {
		t.Errorf("%v; want it refused, by the min_labels it began with", res)
	}
	if res := m.send(subject("score 1")); res.code != 250 {
		t.Errorf("%v; want it tagged: the site counts as untrained now", res)
	}
}

// TestOutOfDescriptors lets a server process run out of descriptors and looks
// whether it serves again when there are some.
func TestOutOfDescriptors(t *testing.T) {
	addr, _, stop := startChild(t, fewEnv+"=1")
	var conns []net.Conn
	for range 2 * childDescriptors {
		c, err := net.DialUnix("unix", nil, addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	time.Sleep(50 * time.Millisecond) // for the server to meet its limit
	for _, c := range conns {
		c.Close()
	}
	eventually(t, "served again", func() bool {
		m, err := dialMTA(t, addr, gomilter.WithReadTimeout(time.Second))
		return err == nil && m.send(subject("score 0.01")).code == 250
	})
	log := stop()
	if n := strings.Count(log, "accept failed"); n != 1 {
		t.Errorf("%d log lines about the limit, want 1:\n%s", n, log)
	}
}
