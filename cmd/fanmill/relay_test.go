package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fanmill/control"
)

// TestTrainThroughTheDaemon: who may not write the ledger trains through the
// daemon that may, and is refused where none runs.
func TestTrainThroughTheDaemon(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	mail := filepath.Join(dir, "mail")
	if err := os.WriteFile(mail, []byte(letters("ham", 25)), 0o644); err != nil {
		t.Fatal(err)
	}
	env, _, _ := testEnv(t)
	run := func(args ...string) (string, error) {
		e, out := *env, new(bytes.Buffer)
		e.Stdout = out
		err := dispatch(t.Context(), append([]string{"--data", dir}, args...), &e)
		return strings.TrimSpace(out.String()), err
	}
	if err := os.Chmod(filepath.Join(dir, control.SocketName), 0o666); err != nil {
		t.Fatal(err)
	}
	forbidWriting(t, dir, func() {
		for _, tt := range []struct{ args, want string }{
			{"train --ham", "21 learned, 4 sure already, 0 seen before, 0 flipped"},
			{"train --ham", "0 learned, 0 sure already, 25 seen before, 0 flipped"},
			{"train --spam", "0 learned, 0 sure already, 0 seen before, 25 flipped"},
			{"train --scope anna --ham", "25 learned, 0 sure already, 0 seen before, 0 flipped"},
			{"forget", "25 forgotten, 0 not known"},
			{"forget --json", `{"learned":0,"sure":0,"seen":0,"flipped":0,"forgotten":0,"not_found":25,"waiting":0,"earlier":0,"failed":0}`},
		} {
			if got, err := run(append(strings.Fields(tt.args), mail)...); got != tt.want || err != nil {
				t.Errorf("%s: %q, %v; want %q", tt.args, got, err, tt.want)
			}
		}
		if _, err := run("train", "--ham", "--all", mail); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "--all") {
			t.Errorf("--all: %v", err)
		}
	})
	stopApp(t, a)
	forbidWriting(t, dir, func() {
		if _, err := run("train", "--ham", mail); exitCode(err) != exitNoPerm {
			t.Errorf("without a daemon: %v", err)
		}
	})
}

// forbidWriting runs fn without the right to write the ledger, which a daemon in
// the same test keeps. Root may do anything, so its fn runs as another user, as far
// as files are concerned.
func forbidWriting(t *testing.T, dir string, fn func()) {
	t.Helper()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "fanmill.db"), 0o444)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // file rights are the thread's
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer unix.Setfsuid(0)
	}
	fn()
}
