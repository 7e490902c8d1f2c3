package milter

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/spool"
)

// childEnv makes this test binary a server on the socket it names; fewEnv gives
// it few descriptors. It lives until its standard input ends.
const (
	childEnv = "FANMILL_TEST_MILTER_CHILD"
	fewEnv   = "FANMILL_TEST_MILTER_FEW"
)

func TestMain(m *testing.M) {
	if socket := os.Getenv(childEnv); socket != "" {
		os.Exit(child(socket))
	}
	code := m.Run()
	if left := leftGoroutines(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leftGoroutines returns the stacks of goroutines of this package or the
// library that do not end; those that are about to are given ten seconds.
func leftGoroutines() string {
	left := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		left = ""
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if (strings.Contains(g, "milter.") || strings.Contains(g, "milter/guard.")) && !strings.Contains(g, "TestMain") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			break
		}
	}
	return left
}

const childDescriptors = 64

func child(socket string) int {
	if err := serveChild(socket); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serveChild(socket string) error {
	if os.Getenv(fewEnv) != "" {
		limit := syscall.Rlimit{Cur: childDescriptors, Max: childDescriptors}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
	}
	disk, err := spool.Open(socket+".spool", spool.Options{})
	if err != nil {
		return err
	}
	defer disk.Close()
	p, err := policy.Compile(policy.DefaultOptions())
	if err != nil {
		return err
	}
	delays := delay.Open(delay.Options{Limits: func() delay.Limits { return delay.Limits{} }})
	defer delays.Close()
	parts := Parts{Scorer: newSubjectScorer(), Spool: disk, Recorder: &rows{}, Delays: delays, Logger: stderrLogger()}
	srv, err := New(Options{Listen: []string{"unix:" + socket}, MaxConnections: 5000}, parts, Settings{Policy: p, Classify: classify.DefaultOptions()})
	if err != nil {
		return err
	}
	srv.Start()
	_, _ = os.Stdin.Read(make([]byte, 1))
	return srv.Stop(context.Background())
}

// startChild starts a server process and waits until it listens.
func startChild(t testing.TB, env ...string) (addr *net.UnixAddr, cmd *exec.Cmd, stop func() string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "m.sock")
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+socket), env...)
	var log bytes.Buffer
	cmd.Stderr = &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr = &net.UnixAddr{Name: socket, Net: "unix"}
	eventually(t, "server up", func() bool { c, err := net.DialUnix("unix", nil, addr); return err == nil && c.Close() == nil })
	return addr, cmd, func() string {
		t.Helper()
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("server: %v\n%s", err, log.String())
		}
		return log.String()
	}
}
