package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/store/storetest"
)

// mailDir returns a folder that other users may look into, with a mailbox and
// something that is no mail.
func mailDir(t *testing.T) string {
	t.Helper()
	dir := daemontest.ShortDir(t)
	err := errors.Join(os.Chmod(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "a.mbox"), []byte(daemontest.Letters("ham", 30)), 0o644),
		os.WriteFile(filepath.Join(dir, "b.noise"), []byte("no mail\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "c.mbox"), []byte(daemontest.Letters("spam", 30)), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestForbiddenMail: a mailbox that may not be read is named, the others are read.
func TestForbiddenMail(t *testing.T) {
	dir := mailDir(t)
	forbidden := filepath.Join(dir, "a.mbox")
	if err := os.Chmod(forbidden, 0); err != nil {
		t.Fatal(err)
	}
	e, out, errs := testEnv(t)
	storetest.AsUser(t, func() {
		err := cli.Dispatch(t.Context(), commands(), []string{"corpus", "stats", forbidden, filepath.Join(dir, "c.mbox")}, e)
		if code := cli.CodeOf(err); code != cli.ExitNoInput {
			t.Errorf("exit code %d, want %d: %v", code, cli.ExitNoInput, err)
		}
	})
	want := "fanmill: read " + forbidden + ": permission denied\nfanmill: hint: run it as somebody who may read this mail\n"
	if errs.String() != want || !strings.Contains(out.String(), "messages    30,") {
		t.Errorf("standard error %q, standard output:\n%s", errs, out)
	}
}

// onWrite calls a function when something is written.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }

// TestCorpusInterrupted: whoever stops a command in the middle finds nothing new.
func TestCorpusInterrupted(t *testing.T) {
	dir := mailDir(t)
	out := filepath.Join(t.TempDir(), "new.mbox")
	for _, args := range [][]string{
		{"corpus", "dups", dir, "--out", out},
		{"corpus", "trim", dir, "--newest", "5", "--out", out},
	} {
		e, _, _ := testEnv(t)
		ctx, cancel := context.WithCancel(t.Context())
		hidden := false
		e.Stderr = onWrite(func() { // b.noise is named, c.mbox not read yet
			there, err := filepath.Glob(filepath.Join(filepath.Dir(out), ".*"))
			hidden = err == nil && len(there) == 1
			cancel()
		})
		if err := cli.Dispatch(ctx, commands(), args, e); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", args[1], err)
		}
		if !hidden {
			t.Errorf("%s: there is no new mailbox under way", args[1])
		}
		left, err := os.ReadDir(filepath.Dir(out))
		if err != nil || len(left) > 0 {
			t.Errorf("%s left %v behind, %v", args[1], left, err)
		}
	}
}

// TestCorpusChanged: a mailbox that loses a message while it is looked over is not
// written half.
func TestCorpusChanged(t *testing.T) {
	dir := mailDir(t)
	out := filepath.Join(t.TempDir(), "new.mbox")
	e, _, _ := testEnv(t)
	e.Stderr = onWrite(func() { // a.mbox has been read
		if err := os.Remove(filepath.Join(dir, "a.mbox")); err != nil {
			t.Error(err)
		}
	})
	err := cli.Dispatch(t.Context(), commands(), []string{"corpus", "dups", dir, "--out", out}, e)
	if cli.CodeOf(err) != cli.ExitTempFail || !strings.Contains(err.Error(), "changed while they were read: run it again") {
		t.Errorf("exit code %d, %v", cli.CodeOf(err), err)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a mailbox: %v", err)
	}
}
