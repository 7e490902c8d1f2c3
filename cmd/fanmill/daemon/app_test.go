package daemon_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/store"
	"fanmill/store/sqlite"
	"fanmill/test/harness"
)

func TestReload(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, log := daemontest.Start(t, dir, daemontest.Filter)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	daemontest.ScoreOf(t, a)

	daemontest.WriteConfig(t, dir, daemontest.Filter+"colour = \"green\"\nmixed = \"eat\"\n")
	_, err = c.Reload(t.Context())
	if !errors.Is(err, control.ErrConfig) || !strings.Contains(err.Error(), "colour") {
		t.Errorf("reload of a wrong configuration: %v", err)
	}
	if !strings.Contains(log.String(), "going on with the old one") || !strings.Contains(log.String(), "colour") {
		t.Errorf("the reason is not in the log: %s", log)
	}
	daemontest.ScoreOf(t, a) // the old one is in force
	st, err := c.Status(t.Context())
	if err != nil || st.Reloads != 0 || !strings.Contains(st.LastFail, "colour") {
		t.Errorf("status after it: %+v, %v", st, err)
	}

	daemontest.WriteConfig(t, dir, strings.Replace(daemontest.Filter, "[policy]", "max_connections = 7\n[policy]\nobserve = true", 1))
	r, err := c.Reload(t.Context())
	if err != nil || len(r.Restart) != 1 || r.Restart[0] != "milter.max_connections" {
		t.Errorf("reload: %+v, %v", r, err)
	}
	got, err := daemontest.DeliverWinner(a)
	if err != nil || got.Action != "accept" || len(got.Fields) > 0 {
		t.Errorf("the daemon should observe now, and answers %q (%v)", got, err)
	}
	if st, err = c.Status(t.Context()); err != nil || st.Reloads != 1 || st.LastFail != "" || !st.Observe {
		t.Errorf("status after it: %+v, %v", st, err)
	}
}

func TestOneDaemonPerDirectory(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	_, err := daemontest.New(t, dir, daemontest.Filter, new(harness.Buffer))
	if cli.CodeOf(err) != cli.ExitUnavailable || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("a second daemon: %v (exit %d)", err, cli.CodeOf(err))
	}
	daemontest.ScoreOf(t, a) // the first one is unhurt
	daemontest.Stop(t, a)
	for _, name := range []string{"milter.sock", control.SocketName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there after Stop: %v", name, err)
		}
	}
	b, err := daemontest.New(t, dir, daemontest.Filter, new(harness.Buffer))
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	b.Start()
	daemontest.ScoreOf(t, b)
	daemontest.Stop(t, b)
}

func TestRefusesDamagedLedger(t *testing.T) {
	dir := daemontest.ShortDir(t)
	text := []byte(strings.Repeat("this is no database\n", 500))
	if err := os.WriteFile(filepath.Join(dir, "fanmill.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := daemontest.New(t, dir, daemontest.Filter, new(harness.Buffer))
	if !errors.Is(err, sqlite.ErrDamaged) || cli.CodeOf(err) != cli.ExitData {
		t.Errorf("a damaged ledger: %v (exit %d)", err, cli.CodeOf(err))
	}
	if got, err := os.ReadFile(filepath.Join(dir, "fanmill.db")); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the damaged ledger was changed (%v)", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "milter.sock")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the milter's socket was left behind: %v", err)
	}
}

// TestVerdictsWhileLedgerIsLocked has somebody else hold the write lock of the
// ledger: mail is scored all the same.
func TestVerdictsWhileLedgerIsLocked(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	other, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	locked, release, ended := make(chan bool), make(chan bool), make(chan error)
	go func() {
		ended <- other.Update(t.Context(), func(*store.Tx) error { close(locked); <-release; return nil })
	}()
	<-locked
	daemontest.ScoreOf(t, a)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if r, err := c.Score(t.Context(), control.ScoreRequest{}, strings.NewReader(daemontest.Winner)); err != nil || r.Verdict != "unsure" {
		t.Errorf("through the control socket: %+v, %v", r, err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLearnThroughTheSocket(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, step := range []struct{ class, result string }{
		{"spam", "learned"}, {"spam", "seen before"}, {"ham", "flipped"}, {"forget", "forgotten"}, {"forget", "not found"},
	} {
		r, err := c.Learn(t.Context(), control.LearnRequest{Class: step.class}, strings.NewReader(daemontest.Winner))
		if err != nil || r.Result != step.result {
			t.Errorf("step %d: %+v, %v, want %s", i, r, err, step.result)
		}
	}
	if _, err := c.Learn(t.Context(), control.LearnRequest{Class: "spam", Scope: "anna"}, strings.NewReader(daemontest.Winner)); err != nil {
		t.Fatal(err)
	}
	st, err := c.Stats(t.Context(), control.StatsRequest{Scope: "anna"})
	if err != nil || st.Spam != 1 || len(st.Scopes) != 1 || st.Scopes[0] != "anna" {
		t.Errorf("stats of the scope: %+v, %v", st, err)
	}
	if l, err := a.Ledger().Labels(""); err != nil || l.Ham+l.Spam != 0 {
		t.Errorf("the site has %+v (%v), want nothing", l, err)
	}
}

func TestSocketsFromSystemd(t *testing.T) {
	dir := daemontest.ShortDir(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := daemontest.Env(dir)
	e.Config = daemontest.WriteConfig(t, dir, daemontest.Filter)
	a, err := daemon.New(t.Context(), daemon.Options{
		Data: dir, Load: func() (*settings.Settings, error) { return settings.ForDaemon(e, dir) },
		Listeners: []net.Listener{ln}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() { daemontest.Stop(t, a) })
	if len(a.Addr()) != 1 || a.Addr()[0].String() != ln.Addr().String() {
		t.Errorf("listens on %v, want only %v", a.Addr(), ln.Addr())
	}
	daemontest.ScoreOf(t, a)
}
