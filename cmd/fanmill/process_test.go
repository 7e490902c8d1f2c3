package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/store"
)

// TestInterruptedTraining presses Ctrl-C in the middle: what the summary says
// is in the ledger, and the exit code is 130.
func TestInterruptedTraining(t *testing.T) {
	dir := daemontest.ShortDir(t)
	cmd := exec.CommandContext(t.Context(), "fanmill", "train", "--data", dir, "--all", "--ham", "-")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, daemontest.Letters("ham", 600)); err != nil { // and no end
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); hamIn(t, dir) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nothing was learned: %s", errs.String())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	if n := hamIn(t, dir); !strings.HasPrefix(out.String(), fmt.Sprintf("%d learned, ", n)) || n >= 600 {
		t.Errorf("the ledger has %d messages, the summary says %q", n, out.String())
	}
	if !strings.HasPrefix(errs.String(), "fanmill: stopped by signal (interrupt); what the summary says is done\n") {
		t.Errorf("standard error says %q", errs.String())
	}
}

// hamIn reads how many messages the ledger has learned; none while there is no
// ledger yet.
func hamIn(t *testing.T, dir string) int {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		return 0
	}
	defer db.Close()
	l, err := db.Labels("")
	if err != nil {
		t.Fatal(err)
	}
	return l.Ham
}

// pty returns both ends of a pseudo-terminal of 80 columns.
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// TestProgressOnTerminal draws on a real terminal, and only there.
func TestProgressOnTerminal(t *testing.T) {
	for _, c := range []struct {
		name  string
		term  string
		args  []string
		drawn bool
	}{
		{"terminal", "xterm", nil, true},
		{"dumb", "dumb", nil, false},
		{"quiet", "xterm", []string{"--quiet"}, false},
		{"json", "xterm", []string{"--json"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			master, slave := pty(t)
			e, out, _ := testEnv(t)
			e.Stderr = slave
			e.Getenv = func(name string) string { return map[string]string{"TERM": c.term}[name] }
			dir := t.TempDir()
			path := filepath.Join(dir, "ham")
			if err := os.WriteFile(path, []byte(daemontest.Letters("ham", 300)), 0o600); err != nil {
				t.Fatal(err)
			}
			if code := Main(t.Context(), append([]string{"train", "--data", dir, "--ham", path}, c.args...), e); code != 0 {
				t.Fatalf("exit %d", code)
			}
			if _, err := io.WriteString(slave, "END"); err != nil {
				t.Fatal(err)
			}
			shown := readUntil(t, master, "END")
			if drawn := strings.Contains(shown, "training ["); drawn != c.drawn {
				t.Errorf("the terminal shows %q", shown)
			}
			if c.drawn && !strings.HasSuffix(shown, "\r\x1b[KEND") {
				t.Errorf("the bar was left behind: %q", shown)
			}
			if strings.Contains(out.String(), "training") || (out.Len() == 0) != (c.name == "quiet") {
				t.Errorf("standard output has %q", out)
			}
		})
	}
}

// TestResamplingOnTerminal: the bar goes on while intervals are made, and is gone
// behind it.
func TestResamplingOnTerminal(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		master, slave := pty(t)
		e, out, _ := testEnv(t)
		e.Stderr = slave
		e.Getenv = func(name string) string { return map[string]string{"TERM": "xterm"}[name] }
		dir := t.TempDir()
		var index strings.Builder
		for i := range 40 {
			class := []string{"ham", "spam"}[i%2]
			name := fmt.Sprintf("%s%d", class, i)
			if err := os.WriteFile(filepath.Join(dir, name), []byte("Subject: "+name+"\n\nwords of "+class+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&index, "%s %s\n", class, name)
		}
		path := filepath.Join(dir, "index")
		if err := os.WriteFile(path, []byte(index.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"eval", "--resamples", "100", path}
		if quiet {
			args = append(args, "--quiet")
		}
		if code := Main(t.Context(), args, e); code != 0 {
			t.Fatalf("exit %d", code)
		}
		if _, err := io.WriteString(slave, "END"); err != nil {
			t.Fatal(err)
		}
		shown := readUntil(t, master, "END")
		if drawn := strings.Contains(shown, "resampling") && strings.Contains(shown, " resamples, "); drawn == quiet {
			t.Errorf("quiet %v: the terminal shows %q", quiet, shown)
		}
		if !quiet && !strings.HasSuffix(shown, "\r\x1b[KEND") || strings.Contains(out.String(), "resampling") {
			t.Errorf("the bar was left behind: %q, %q", shown, out)
		}
	}
}

func readUntil(t *testing.T, r io.Reader, end string) string {
	t.Helper()
	var all []byte
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(all, []byte(end)) {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatalf("read terminal after %q: %v", all, err)
		}
		all = append(all, buf[:n]...)
	}
	return string(all)
}

// TestHostileText puts terminal control sequences where mail and file names
// come from: none reaches standard output or standard error.
func TestHostileText(t *testing.T) {
	const evil = "\x1b]0;owned\x07\u202e"
	dir := t.TempDir()
	path := filepath.Join(dir, "evil"+evil)
	mail := "From: x@example.org\nSubject: " + evil + "word " + evil + "\nX-Mailer: " + evil + "\n\n" + evil + "text\n"
	if err := os.WriteFile(path, []byte(mail), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"train", "--spam", "--all", path, path + evil},
		{"score", "--explain", path},
		{"score", "--explain", "--json", path},
		{"stats", "--scope", evil},
		{"config", "check", path},
		{"eval", path},
		{"held", "show", evil},
		{evil},
		{"train", "--" + evil},
	} {
		e, out, errs := testEnv(t)
		e.Data = filepath.Join(dir, "data")
		Main(t.Context(), args, e)
		if out.Len()+errs.Len() == 0 {
			t.Errorf("%q prints nothing", args)
		}
		for _, b := range []*bytes.Buffer{out, errs} {
			if strings.ContainsAny(b.String(), "\x1b\x07\u202e") {
				t.Errorf("%q prints %q", args, b)
			}
		}
	}
}

// TestFilterWritesAllOrFails gives filter a standard output that takes only the
// beginning: the exit code must say that the message is not whole.
func TestFilterWritesAllOrFails(t *testing.T) {
	for _, size := range []int{100, 100_000, 3 << 20} {
		message := "Subject: x\n\n" + strings.Repeat("all of this must arrive\n", size/24)
		for _, room := range []int{0, 10, size / 2, size} {
			e, _, errs := testEnv(t)
			e.Data = t.TempDir()
			e.Stdin = strings.NewReader(message)
			out := &tight{room: room}
			e.Stdout = out
			if code := Main(t.Context(), []string{"filter"}, e); code != cli.ExitTempFail {
				t.Errorf("%d bytes into %d: exit %d, want 75: %s", len(message), room, code, errs)
			}
		}
		e, out, errs := testEnv(t)
		e.Data = t.TempDir()
		e.Stdin = strings.NewReader(message)
		if code := Main(t.Context(), []string{"filter"}, e); code != 0 || !strings.HasSuffix(out.String(), message) {
			t.Errorf("%d bytes: exit %d, %d bytes written: %s", len(message), code, out.Len(), errs)
		}
	}
}

// tight is a file on a disk with little room.
type tight struct{ room int }

func (w *tight) Write(p []byte) (int, error) {
	n := min(len(p), w.room)
	w.room -= n
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}
