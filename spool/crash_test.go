package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary runs itself as the process that is killed or starved.
const (
	childDir  = "FANMILL_SPOOL_TEST_DIR"
	childWhat = "FANMILL_SPOOL_TEST_WHAT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir, os.Getenv(childWhat)))
	}
	os.Exit(m.Run())
}

func child(dir, what string) int {
	switch what {
	case "hold":
		return holdForEver(dir)
	case "release":
		return releaseHalf(dir)
	case "limited":
		return holdLimited(dir)
	}
	return 64
}

// childBody is a message that is known by its number.
func childBody(n string) string {
	size, _ := strconv.Atoi(n[max(0, len(n)-2):])
	return "number " + n + "\r\n" + strings.Repeat("From the body "+n+"\r\n", size*40)
}

func holdForEver(dir string) int {
	s, err := Open(dir, Options{MemLimit: 8 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for i := 0; ; i++ {
		n := fmt.Sprintf("%d%03d", os.Getpid(), i)
		m := meta(s, childBody(n))
		m.Subject = n
		if err := s.Hold(draft(s, m, childBody(n)), m); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(m.ID, n) // the answer to the MTA
		if i%7 == 3 {
			if err := s.Discard(m.ID); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			fmt.Println(m.ID, "decided")
		}
	}
}

func releaseHalf(dir string) int {
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	list, err := s.List(Unsure)
	if err != nil || len(list) != 1 {
		fmt.Fprintln(os.Stderr, len(list), err)
		return 1
	}
	if err := s.BeginRelease(list[0].ID); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(list[0].ID, "2xx") // and no chance to write it down
	time.Sleep(time.Hour)
	return 1
}

// holdLimited holds messages until a file may not grow any further.
func holdLimited(dir string) int {
	s, err := Open(dir, Options{MemLimit: 1 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 20_000, Max: 20_000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for i := range 60 {
		n := fmt.Sprintf("1%03d", i)
		m := meta(s, childBody(n))
		m.Subject = n
		if err := s.Hold(draft(s, m, childBody(n)), m); err != nil {
			fmt.Println("failed", n, errors.Is(err, syscall.EFBIG))
			continue
		}
		fmt.Println(m.ID, n)
	}
	return 0
}

func start(t *testing.T, dir, what string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childWhat+"="+what)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// acknowledged reads what a child answered: id to number. A torn last line was
// no answer.
func acknowledged(t *testing.T, out io.Reader, acks map[string]string) {
	t.Helper()
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		f := strings.Fields(line)
		if len(f) < 2 {
			t.Fatalf("child wrote %q", line)
		}
		acks[f[0]] = f[1]
	}
}

// TestKilledWhileHolding kills a process that holds, at random moments, while
// this one has the spool open. What was acknowledged is there and whole, what
// is there is whole, and nothing is there twice.
func TestKilledWhileHolding(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	watcher := open(t, dir, Options{})
	acks := map[string]string{}
	for round := 0; round < 12 || len(acks) < 20 && round < 200; round++ { // more on a slow machine
		cmd, out := start(t, dir, "hold")
		timer := time.AfterFunc(time.Duration(60+rand.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
		acknowledged(t, out, acks)
		cmd.Wait()
		if timer.Stop() {
			t.Fatal("the child ended by itself")
		}
	}
	if len(acks) < 20 {
		t.Fatalf("only %d messages were acknowledged", len(acks))
	}
	for name, s := range map[string]*Spool{"watcher": watcher, "new process": open(t, dir, Options{})} {
		checkAcks(t, name, s, acks)
	}
	if left := files(t, watcher.tmp()); len(left) != 0 {
		t.Errorf("tmp has %v", left)
	}
}

func checkAcks(t *testing.T, name string, s *Spool, acks map[string]string) {
	t.Helper()
	list, err := s.List(Unsure)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, m := range list {
		there[m.ID] = true
		if got := released(t, s, m.ID); got != draftFields+childBody(m.Subject) {
			t.Errorf("%s: %s is not whole", name, m.ID)
		}
		wantSeen(t, s, m, Held, m.ID)
	}
	for id, n := range acks {
		if n != "decided" && !there[id] && !decidedByKill(s, id, n) {
			t.Errorf("%s: %s was acknowledged and is not there", name, id)
		}
		if n == "decided" && there[id] {
			t.Errorf("%s: %s was decided and is still there", name, id)
		}
	}
}

// decidedByKill: the child may have been killed between its decision and the
// line that says so.
func decidedByKill(s *Spool, id, n string) bool {
	state, by := s.Seen(digestOf(childBody(n)), "a@example.com", []string{"list@example.org"})
	return state == Decided && by == id
}

// TestKilledWhileReleasing: killed between the next hop's 2xx and the journal.
func TestKilledWhileReleasing(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	hold(t, s, m, "x")
	cmd, out := start(t, s.dir, "release")
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "2xx") {
		t.Fatalf("child: %q, %v", line, err)
	}
	if st, err := s.Stage(m.ID); st != StageReleasing || err != nil {
		t.Errorf("Stage = %q, %v", st, err)
	}
	if err := s.Discard(m.ID); !errors.Is(err, ErrClaimed) {
		t.Errorf("Discard: %v", err)
	}
	open(t, s.dir, Options{}) // a start of another process does not doubt a living one
	if st, err := s.Stage(m.ID); st != StageReleasing || err != nil {
		t.Errorf("Stage after another start = %q, %v", st, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for name, sp := range map[string]*Spool{"running": s, "restarted": open(t, s.dir, Options{})} {
		if st, err := sp.Stage(m.ID); st != StageInDoubt || err != nil {
			t.Errorf("%s: Stage = %q, %v", name, st, err)
		}
		wantSeen(t, sp, m, Releasing, m.ID)
		if err := sp.BeginRelease(m.ID); !errors.Is(err, ErrInDoubt) {
			t.Errorf("%s: BeginRelease: %v", name, err)
		}
		if got := released(t, sp, m.ID); got != draftFields+"x" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestFilesCannotGrow holds in a process whose files are limited, which is what
// a full disk looks like to anybody, root or not.
func TestFilesCannotGrow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	cmd, out := start(t, dir, "limited")
	raw, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("child: %v\n%s", err, raw)
	}
	acks := map[string]string{}
	failures := 0
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		f := strings.Fields(line)
		if f[0] == "failed" {
			failures++
			if f[2] != "true" {
				t.Errorf("another error than the limit: %q", line)
			}
			continue
		}
		acks[f[0]] = f[1]
	}
	if failures == 0 || len(acks) == 0 {
		t.Fatalf("%d held, %d failed: want some of both", len(acks), failures)
	}
	s := open(t, dir, Options{})
	list, err := s.List(Unsure)
	if err != nil || len(list) != len(acks) {
		t.Errorf("%d listed, %d acknowledged, %v", len(list), len(acks), err)
	}
	checkAcks(t, "limited", s, acks)
}

// TestDiskFull fills a real file system of 1 MB. Only root can mount one;
// TestFilesCannotGrow covers the same for everybody.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if os.Geteuid() == 0 {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
			t.Fatalf("mount a tmpfs: %v (root in a container needs CAP_SYS_ADMIN: docker run --cap-add SYS_ADMIN)", err)
		}
		defer func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		}()
		fillDisk(t, filepath.Join(dir, "s"))
		return
	}
	TestFilesCannotGrow(t)
}

func fillDisk(t *testing.T, dir string) {
	s, err := Open(dir, Options{MemLimit: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	acks := map[string]string{}
	failures := 0
	for i := range 300 {
		n := fmt.Sprintf("1%03d", i)
		m := meta(s, childBody(n))
		m.Subject = n
		err := s.Hold(draft(s, m, childBody(n)), m)
		switch {
		case err == nil:
			acks[m.ID] = n
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, ErrFull):
			failures++
			if left := files(t, s.tmp()); len(left) != 0 {
				t.Errorf("after %v there is %v", err, left)
			}
		default:
			t.Errorf("another error than the full disk: %v", err)
		}
	}
	if failures == 0 || len(acks) == 0 {
		t.Fatalf("%d held, %d failed: want some of both", len(acks), failures)
	}
	again, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("Open on a full disk: %v", err)
	}
	defer again.Close()
	checkAcks(t, "full disk", again, acks)
	checkAcks(t, "the same process", s, acks)
}
