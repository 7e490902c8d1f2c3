package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
	"fanmill/store"
	"fanmill/store/storetest"
)

// TestTrainThroughTheDaemon: who may not write the ledger trains through the
// daemon that may, and is refused where none runs.
func TestTrainThroughTheDaemon(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, daemontest.Filter)
	mail := filepath.Join(dir, "mail")
	if err := os.WriteFile(mail, []byte(daemontest.Letters("ham", 25)), 0o644); err != nil {
		t.Fatal(err)
	}
	env, _, _ := testEnv(t)
	run := func(args ...string) (string, error) {
		e, out := *env, new(bytes.Buffer)
		e.Stdout = out
		err := cli.Dispatch(t.Context(), commands(), append([]string{"--data", dir}, args...), &e)
		return strings.TrimSpace(out.String()), err
	}
	if err := os.Chmod(filepath.Join(dir, control.SocketName), 0o666); err != nil {
		t.Fatal(err)
	}
	forbidWriting(t, dir, func() {
		for _, tt := range []struct{ args, want string }{
			{"train --ham", "0 learned, 0 sure already, 0 seen before, 0 flipped, 25 recorded, to be learned once there are 20 messages of each class"},
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
		if got, err := run("train", "--spam", mail); err != nil {
			t.Error(got, err)
		}
		if got, err := run("undo", "--all"); err != nil || !strings.HasSuffix(got, " decisions taken back") || strings.HasPrefix(got, "0 ") {
			t.Errorf("undo: %q, %v", got, err)
		}
		if _, err := run("train", "--ham", "--all", mail); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "--all") {
			t.Errorf("--all: %v", err)
		}
	})
	daemontest.Stop(t, a)
	forbidWriting(t, dir, func() {
		if _, err := run("train", "--ham", mail); cli.CodeOf(err) != cli.ExitNoPerm {
			t.Errorf("without a daemon: %v", err)
		}
		if _, err := run("undo"); cli.CodeOf(err) != cli.ExitNoPerm {
			t.Errorf("undo without a daemon: %v", err)
		}
	})
}

// TestRelayedTrainingIsTraining: the ledger holds the same whether a command
// writes there or the daemon does, whichever class comes first, and training every
// night from the same mailboxes insists on no label.
func TestRelayedTrainingIsTraining(t *testing.T) {
	type label struct {
		class      store.Class
		adds       int
		step       int64
		sure, wait bool
	}
	labels := func(db *store.DB) map[classify.Digest]label {
		rows, err := db.Recent(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		all := map[classify.Digest]label{}
		for _, r := range rows {
			all[r.Digest] = label{r.Class, r.Adds, r.Step, r.Sure, r.Waits}
		}
		return all
	}
	var results []map[classify.Digest]label
	for _, relayed := range []bool{false, true} {
		dir := daemontest.ShortDir(t)
		a, _ := daemontest.Start(t, dir, daemontest.Filter)
		if err := os.Chmod(filepath.Join(dir, control.SocketName), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, class := range []string{"ham", "spam"} {
			if err := os.WriteFile(filepath.Join(dir, class), []byte(daemontest.Letters(class, 25)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		env, _, _ := testEnv(t)
		train := func() {
			for _, class := range []string{"ham", "spam", "ham"} {
				if err := cli.Dispatch(t.Context(), commands(), []string{"--data", dir, "train", "--" + class, filepath.Join(dir, class)}, env); err != nil {
					t.Fatal(err)
				}
			}
		}
		if relayed {
			forbidWriting(t, dir, train)
		} else {
			train()
		}
		results = append(results, labels(ledgerOf(t, dir)))
		for d, l := range results[0] {
			if l.sure || l.wait {
				t.Errorf("relayed %v: %s is %+v", relayed, d, l)
			}
		}
		daemontest.Stop(t, a)
	}
	if len(results[0]) != 50 || !maps.Equal(results[0], results[1]) {
		t.Errorf("written directly %d labels:\n%v\nthrough the daemon %d:\n%v", len(results[0]), results[0], len(results[1]), results[1])
	}
}

// forbidWriting runs fn without the right to write the ledger, which a daemon in
// the same test keeps.
func forbidWriting(t *testing.T, dir string, fn func()) {
	t.Helper()
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "fanmill.db"), 0o444)); err != nil {
		t.Fatal(err)
	}
	storetest.AsUser(t, fn)
}
