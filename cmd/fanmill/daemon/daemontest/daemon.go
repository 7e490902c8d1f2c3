// Package daemontest starts daemons for tests, and shows them mail as an MTA does.
package daemontest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/settings"
	"fanmill/test/harness"
)

// Filter is a configuration that acts on mail from the first message on.
const Filter = `
[milter]
listen = ["unix:milter.sock"]
[policy]
skip_trusted = false
min_labels = 0
unsure = "tag"
spam = "tag"
`

// Start starts a daemon on dir, configured by the TOML text; "" is none. It stops with
// the test. What is returned beside it is its log.
func Start(t *testing.T, dir, toml string) (*daemon.App, *harness.Buffer) {
	t.Helper()
	log := new(harness.Buffer)
	a, err := New(t, dir, toml, log)
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	t.Cleanup(func() { Stop(t, a) })
	return a, log
}

// New is daemon.New on dir. The daemon does not watch its configuration, and reads
// nothing of this machine.
func New(t *testing.T, dir, toml string, log io.Writer) (*daemon.App, error) {
	t.Helper()
	e := Env(dir)
	if toml != "" {
		e.Config = WriteConfig(t, dir, toml)
	}
	return daemon.New(t.Context(), daemon.Options{
		Data: dir, Load: func() (*settings.Settings, error) { return settings.ForDaemon(e, dir) }, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

// Env is the outside of a command on dir, without anything of this machine.
func Env(dir string) *cli.Env {
	e := &cli.Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" },
		DefaultConfig: filepath.Join(dir, "no-config"), DefaultInet: "inet:127.0.0.1:0",
		Postconf: filepath.Join(dir, "no-postconf"), SendmailCf: filepath.Join(dir, "no-sendmail.cf"),
	}
	e.Data = dir
	return e
}

// Stop stops a daemon, if it runs.
func Stop(t *testing.T, a *daemon.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// WriteConfig writes the configuration file of a daemon on dir and returns its path.
func WriteConfig(t *testing.T, dir, toml string) string {
	t.Helper()
	path := filepath.Join(dir, "fanmill.toml")
	if err := os.WriteFile(path, []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ShortDir is a directory whose path leaves room for a socket's name.
func ShortDir(t *testing.T) string {
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

// DeliverWinner shows Winner to the milter of a daemon.
func DeliverWinner(a *daemon.App) (Answer, error) {
	addr := a.Addr()[0]
	return Deliver(addr.Network(), addr.String(), []byte(Winner), "winner@example.net", "anna@example.org")
}

// ScoreOf shows Winner to the daemon and returns its score.
func ScoreOf(t *testing.T, a *daemon.App) float64 {
	t.Helper()
	got, err := DeliverWinner(a)
	if err != nil {
		t.Fatal(err)
	}
	status := got.Status()
	if got.Action != "accept" || len(status) < 2 {
		t.Fatalf("the milter answers %q", got)
	}
	score, err := strconv.ParseFloat(strings.TrimPrefix(status[1], "score="), 64)
	if err != nil {
		t.Fatalf("%q: %v", status, err)
	}
	return score
}
