package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/test/harness"
)

// TestTrainingReachesTheDaemon trains in another process and watches the score
// of the daemon change, without restart or signal.
func TestTrainingReachesTheDaemon(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	before := daemontest.ScoreOf(t, a)
	if before < 0.15 || before >= 0.9 {
		t.Fatalf("without training the score is %v, want unsure", before)
	}
	for _, class := range []string{"ham", "spam"} {
		path := filepath.Join(dir, class)
		if err := os.WriteFile(path, []byte(daemontest.Letters(class, 24)), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "fanmill", "train", "--all", "--data", dir, "--"+class, path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("train: %v: %s", err, out)
		}
	}
	trained := time.Now()
	for {
		score := daemontest.ScoreOf(t, a)
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

// TestServeProcess runs the real program with the real signals.
func TestServeProcess(t *testing.T) {
	dir := daemontest.ShortDir(t)
	config := daemontest.WriteConfig(t, dir, daemontest.Filter)
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
		got, err := daemontest.Deliver("unix", filepath.Join(dir, "milter.sock"), []byte(daemontest.Winner), "winner@example.net", "anna@example.org")
		if err != nil || got.Status() == nil {
			t.Fatalf("the milter answers %q (%v)", got, err)
		}
	}
	await("msg=ready")
	shown()
	daemontest.WriteConfig(t, dir, "[policy]\nspam = \"eat\"\n")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await("going on with the old one")
	shown()
	daemontest.WriteConfig(t, dir, daemontest.Filter)
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
