package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
)

// TestLearnByIDThroughTheDaemon: who may not write the ledger learns through the
// daemon, and is refused where none runs.
func TestLearnByIDThroughTheDaemon(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	got, err := daemontest.DeliverWinner(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, control.SocketName), 0o666); err != nil {
		t.Fatal(err)
	}
	env, out, _ := testEnv(t)
	run := func() error {
		return cli.Dispatch(t.Context(), commands(), []string{"--data", dir, "learn", "--ham", strings.Join(got.Fields, " ")}, env)
	}
	forbidWriting(t, dir, func() {
		if err := run(); err != nil || !strings.HasSuffix(out.String(), " ham: learned\n") {
			t.Errorf("through the daemon: %q, %v", out, err)
		}
	})
	daemontest.Stop(t, a)
	forbidWriting(t, dir, func() {
		if err := run(); cli.CodeOf(err) != cli.ExitNoPerm {
			t.Errorf("without a daemon: %v", err)
		}
	})
}
