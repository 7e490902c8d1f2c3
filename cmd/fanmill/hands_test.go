package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
	"fanmill/store"
	"fanmill/test/harness"
)

// TestManyHands: eight trainers of 200 messages each, and commands that read and write,
// work on one ledger at once while the daemon scores mail. All are recorded, nobody is
// refused, and in the end every model is what the ledger says.
func TestManyHands(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, log := daemontest.Start(t, dir, daemontest.Filter)
	const trainers, each = 8, 200
	var files []string
	for i := range trainers {
		class := []string{"ham", "spam"}[i%2]
		text := strings.ReplaceAll(daemontest.Letters(class, each), "@example.com>", fmt.Sprintf(".%d@example.com>", i))
		file := filepath.Join(dir, fmt.Sprint(class, i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	idle := newTraffic(t, a, 2)
	time.Sleep(500 * time.Millisecond)
	quiet := idle.stop(t)

	load := newTraffic(t, a, 2)
	var hands sync.WaitGroup
	command := func(args ...string) {
		hands.Go(func() {
			out, err := exec.CommandContext(t.Context(), "fanmill", append([]string{"--data", dir}, args...)...).CombinedOutput()
			if text := string(out); err != nil || strings.Contains(text, "locked") || strings.Contains(text, "in use") {
				t.Errorf("%s: %v: %s", args[0], err, text)
			}
		})
	}
	for i, file := range files {
		command("train", "--"+[]string{"ham", "spam"}[i%2], file)
	}
	command("stats", "--json")
	command("undo", "--dry-run")
	command("expire", "--keep-days", "3000")
	command("held", "list")
	hands.Wait()
	command("train", "--ham", files[0]) // once more: nothing
	command("exhaust", "--quiet")
	hands.Wait()
	busy := load.stop(t)
	t.Logf("99 %% of verdicts within %s alone, within %s beside %d trainers", p99(quiet), p99(busy), trainers)

	l, err := ledgerOf(t, dir).Labels("")
	if err != nil || l.Ham != trainers/2*each || l.Spam != trainers/2*each || l.Waiting != 0 {
		t.Errorf("labels %+v, %v", l, err)
	}
	followed, rebuilt := models(t, dir, a)
	if followed != rebuilt {
		t.Error("the daemon's model is not what the ledger says")
	}
	if text := log.String(); strings.Contains(text, "level=ERROR") {
		t.Errorf("the daemon's log:\n%s", text)
	}
}

// models stops a daemon and returns the model that it saved, and the one that the
// ledger gives.
func models(t *testing.T, dir string, a *daemon.App) (followed, rebuilt string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "model.snap")); err != nil { // which another process may have saved
		t.Fatal(err)
	}
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := control.LearnRequest{Class: "spam"} // something new to save
	if _, err := c.Learn(t.Context(), q, strings.NewReader(daemontest.Winner)); err != nil {
		t.Fatal(err)
	}
	daemontest.Stop(t, a)
	said := new(harness.Buffer)
	if _, err := os.Stat(filepath.Join(dir, "model.snap")); err != nil {
		t.Fatalf("the daemon saved no model: %v", err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir, Logger: slog.New(slog.NewTextHandler(said, nil))})
	if err != nil || said.String() != "" {
		t.Fatalf("open what the daemon saved: %v: %s", err, said)
	}
	defer db.Close()
	var texts [2]strings.Builder
	if err := errors.Join(db.Export(&texts[0]), db.Rebuild(t.Context()), db.Export(&texts[1])); err != nil {
		t.Fatal(err)
	}
	return texts[0].String(), texts[1].String()
}

// traffic is mail that comes in all the time.
type traffic struct {
	done  atomic.Bool
	wait  sync.WaitGroup
	mu    sync.Mutex
	times []time.Duration
}

func newTraffic(t *testing.T, a *daemon.App, senders int) *traffic {
	tr := new(traffic)
	for i := range senders {
		tr.wait.Go(func() {
			for n := 0; !tr.done.Load(); n++ {
				begin := time.Now()
				raw := fmt.Appendf(nil, "From: %d@example.com\nSubject: message %d\n\nWho will come to the meeting?\n", i, n)
				if _, err := daemontest.Deliver(a.Addr()[0].Network(), a.Addr()[0].String(), raw, "c@example.com", "r@example.org"); err != nil {
					t.Errorf("mail %d of sender %d: %v", n, i, err)
					return
				}
				tr.mu.Lock()
				tr.times = append(tr.times, time.Since(begin))
				tr.mu.Unlock()
			}
		})
	}
	return tr
}

// stop returns how long each message took.
func (tr *traffic) stop(t *testing.T) []time.Duration {
	t.Helper()
	tr.done.Store(true)
	tr.wait.Wait()
	if len(tr.times) == 0 {
		t.Fatal("no mail was scored")
	}
	return tr.times
}

func p99(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)*99/100]
}
