package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/store"
	"fanmill/store/sqlite"
	"fanmill/test/harness"
)

// testApp starts a daemon on dir, configured by the TOML text; "" is none.
func testApp(t *testing.T, dir, toml string) (*App, *harness.Buffer) {
	t.Helper()
	log := new(harness.Buffer)
	a, err := newTestApp(t, dir, toml, log)
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() { stopApp(t, a) })
	return a, log
}

func newTestApp(t *testing.T, dir, toml string, log *harness.Buffer) (*App, error) {
	t.Helper()
	e, _, _ := testEnv(t)
	e.DefaultInet = "inet:127.0.0.1:0"
	if toml != "" {
		e.Config = writeConfig(t, dir, toml)
	}
	return NewApp(t.Context(), AppOptions{
		Data: dir, Load: func() (*settings.Settings, error) { return settings.ForDaemon(e, dir) }, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

func writeConfig(t *testing.T, dir, toml string) string {
	t.Helper()
	path := filepath.Join(dir, "fanmill.toml")
	if err := os.WriteFile(path, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func stopApp(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

const filterTOML = `
[milter]
listen = ["unix:milter.sock"]
[policy]
skip_trusted = false
min_labels = 0
unsure = "tag"
spam = "tag"
`

const winner = `From: winner@example.net
Subject: you have won one million dollars
Message-ID: <unseen@example.net>

Click here now, dear winner: claim your prize of one million dollars.
This offer expires tonight, no risk, guaranteed cash
http://claim.example.net/win
`

// deliverWinner shows winner to the milter at an address.
func deliverWinner(network, address string) (answer, error) {
	return deliver(network, address, []byte(winner), "winner@example.net", "anna@example.org")
}

// scoreOf shows the message to the daemon and returns its score.
func scoreOf(t *testing.T, a *App) float64 {
	t.Helper()
	addr := a.Addr()[0]
	got, err := deliverWinner(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	status := got.status()
	if got.action != "accept" || len(status) < 2 {
		t.Fatalf("the milter answers %q", got)
	}
	score, err := strconv.ParseFloat(strings.TrimPrefix(status[1], "score="), 64)
	if err != nil {
		t.Fatalf("%q: %v", status, err)
	}
	return score
}

// TestTrainingReachesTheDaemon trains in another process and watches the score
// of the daemon change, without restart or signal.
func TestTrainingReachesTheDaemon(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	before := scoreOf(t, a)
	if before < 0.15 || before >= 0.9 {
		t.Fatalf("without training the score is %v, want unsure", before)
	}
	for _, class := range []string{"ham", "spam"} {
		path := filepath.Join(dir, class)
		if err := os.WriteFile(path, []byte(letters(class, 24)), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "fanmill", "train", "--all", "--data", dir, "--"+class, path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("train: %v: %s", err, out)
		}
	}
	trained := time.Now()
	for {
		score := scoreOf(t, a)
		if score >= 0.9 {
			t.Logf("score %.4f became %.4f, seen %v after training", before, score, time.Since(trained))
			return
		}
		if time.Since(trained) > 10*time.Second {
			t.Fatalf("10 s after training the score is %v", score)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestReload(t *testing.T) {
	dir := shortDir(t)
	a, log := testApp(t, dir, filterTOML)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	scoreOf(t, a)

	writeConfig(t, dir, filterTOML+"colour = \"green\"\nmixed = \"eat\"\n")
	_, err = c.Reload(t.Context())
	if !errors.Is(err, control.ErrConfig) || !strings.Contains(err.Error(), "colour") {
		t.Errorf("reload of a wrong configuration: %v", err)
	}
	if !strings.Contains(log.String(), "going on with the old one") || !strings.Contains(log.String(), "colour") {
		t.Errorf("the reason is not in the log: %s", log)
	}
	scoreOf(t, a) // the old one is in force
	st, err := c.Status(t.Context())
	if err != nil || st.Reloads != 0 || !strings.Contains(st.LastFail, "colour") {
		t.Errorf("status after it: %+v, %v", st, err)
	}

	writeConfig(t, dir, strings.Replace(filterTOML, "[policy]", "max_connections = 7\n[policy]\nobserve = true", 1))
	r, err := c.Reload(t.Context())
	if err != nil || len(r.Restart) != 1 || r.Restart[0] != "milter.max_connections" {
		t.Errorf("reload: %+v, %v", r, err)
	}
	got, err := deliverWinner("unix", filepath.Join(dir, "milter.sock"))
	if err != nil || got.action != "accept" || len(got.fields) > 0 {
		t.Errorf("the daemon should observe now, and answers %q (%v)", got, err)
	}
	if st, err = c.Status(t.Context()); err != nil || st.Reloads != 1 || st.LastFail != "" || !st.Observe {
		t.Errorf("status after it: %+v, %v", st, err)
	}
}

func TestOneDaemonPerDirectory(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	_, err := newTestApp(t, dir, filterTOML, new(harness.Buffer))
	if cli.CodeOf(err) != cli.ExitUnavailable || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("a second daemon: %v (exit %d)", err, cli.CodeOf(err))
	}
	scoreOf(t, a) // the first one is unhurt
	stopApp(t, a)
	for _, name := range []string{"milter.sock", control.SocketName} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there after Stop: %v", name, err)
		}
	}
	b, err := newTestApp(t, dir, filterTOML, new(harness.Buffer))
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	b.Start()
	scoreOf(t, b)
	stopApp(t, b)
}

func TestRefusesDamagedLedger(t *testing.T) {
	dir := shortDir(t)
	text := []byte(strings.Repeat("this is no database\n", 500))
	if err := os.WriteFile(filepath.Join(dir, "fanmill.db"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newTestApp(t, dir, filterTOML, new(harness.Buffer))
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
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
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
	scoreOf(t, a)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if r, err := c.Score(t.Context(), control.ScoreRequest{}, strings.NewReader(winner)); err != nil || r.Verdict != "unsure" {
		t.Errorf("through the control socket: %+v, %v", r, err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLearnThroughTheSocket(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, step := range []struct{ class, result string }{
		{"spam", "learned"}, {"spam", "seen before"}, {"ham", "flipped"}, {"forget", "forgotten"}, {"forget", "not found"},
	} {
		r, err := c.Learn(t.Context(), control.LearnRequest{Class: step.class}, strings.NewReader(winner))
		if err != nil || r.Result != step.result {
			t.Errorf("step %d: %+v, %v, want %s", i, r, err, step.result)
		}
	}
	if _, err := c.Learn(t.Context(), control.LearnRequest{Class: "spam", Scope: "anna"}, strings.NewReader(winner)); err != nil {
		t.Fatal(err)
	}
	st, err := c.Stats(t.Context(), control.StatsRequest{Scope: "anna"})
	if err != nil || st.Spam != 1 || len(st.Scopes) != 1 || st.Scopes[0] != "anna" {
		t.Errorf("stats of the scope: %+v, %v", st, err)
	}
	if l, err := a.db.Labels(""); err != nil || l.Ham+l.Spam != 0 {
		t.Errorf("the site has %+v (%v), want nothing", l, err)
	}
}

func TestSocketsFromSystemd(t *testing.T) {
	dir := shortDir(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e, _, _ := testEnv(t)
	e.Config = writeConfig(t, dir, filterTOML)
	a, err := NewApp(t.Context(), AppOptions{
		Data: dir, Load: func() (*settings.Settings, error) { return settings.ForDaemon(e, dir) },
		Listeners: []net.Listener{ln}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() { stopApp(t, a) })
	if len(a.Addr()) != 1 || a.Addr()[0].String() != ln.Addr().String() {
		t.Errorf("listens on %v, want only %v", a.Addr(), ln.Addr())
	}
	scoreOf(t, a)
}

// TestSupervisor watches what systemd is told.
func TestSupervisor(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "notify")
	pc, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "40000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	a, _ := testApp(t, dir, filterTOML)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hup := make(chan os.Signal, 1)
	done := make(chan error)
	go func() { done <- supervise(ctx, a, supervisor{slog.New(slog.DiscardHandler)}, hup, time.Second) }()
	told := func(want string) {
		t.Helper()
		buf := make([]byte, 1000)
		for {
			if err := pc.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, _, err := pc.ReadFrom(buf)
			if err != nil {
				t.Fatalf("systemd was not told %s: %v", want, err)
			}
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
		}
	}
	told("READY=1")
	told("WATCHDOG=1")
	hup <- os.Interrupt
	told("RELOADING=1\nMONOTONIC_USEC=")
	told("READY=1")
	cancel()
	told("STOPPING=1")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestServeProcess runs the real program with the real signals.
func TestServeProcess(t *testing.T) {
	dir := shortDir(t)
	config := writeConfig(t, dir, filterTOML)
	log := new(harness.Buffer)
	cmd := exec.CommandContext(t.Context(), "fanmill", "serve", "--data", dir, "--config", config)
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await := func(what string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !strings.Contains(log.String(), what); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the log does not say %q: %s", what, log)
			}
		}
	}
	shown := func() {
		t.Helper()
		got, err := deliverWinner("unix", filepath.Join(dir, "milter.sock"))
		if err != nil || got.status() == nil {
			t.Fatalf("the milter answers %q (%v)", got, err)
		}
	}
	await("msg=ready")
	shown()
	writeConfig(t, dir, "[policy]\nspam = \"eat\"\n")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await("going on with the old one")
	shown()
	writeConfig(t, dir, filterTOML)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await("msg=reloaded")
	shown()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v: %s", err, log)
	}
	await("msg=stopped")
}
