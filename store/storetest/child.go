package storetest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childEnv names what a test binary does when it runs itself as another process.
const childEnv = "FANMILL_STORE_TEST_CHILD"

// Main is a TestMain for tests that start other processes: jobs says what one may do, in the
// directory that it is given.
func Main(m *testing.M, jobs map[string]func(dir string) error) {
	job := os.Getenv(childEnv)
	if job == "" {
		os.Exit(m.Run())
	}
	if err := jobs[job](os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child is this test binary doing a job in another process. A line on its
// standard input lets it go on; it says on standard output what it did.
type Child struct {
	*exec.Cmd
	In  io.WriteCloser
	out *bufio.Reader
	err bytes.Buffer
}

// StartChild starts a job; it ends with the test at the latest.
func StartChild(t testing.TB, job, dir string) *Child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &Child{Cmd: exec.Command(exe, dir)}
	c.Env = append(os.Environ(), childEnv+"="+job)
	c.Stderr = &c.err
	if c.In, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

// Kill ends the child at once.
func (c *Child) Kill() {
	c.Process.Kill()
	c.Wait()
}

// Expect waits for a line of the child.
func (c *Child) Expect(t testing.TB, want string) {
	t.Helper()
	line, err := c.out.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != want {
		t.Fatalf("child said %q (%v), want %q; %s", line, err, want, c.err.String())
	}
}

// Proceed lets the child go on.
func (c *Child) Proceed(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(c.In, "\n"); err != nil {
		t.Fatal(err)
	}
}

// Rest returns the rest of what a child says that ends well.
func (c *Child) Rest(t testing.TB) string {
	t.Helper()
	out, err := io.ReadAll(c.out)
	if err := c.Wait(); err != nil {
		t.Fatalf("child: %v; %s%s", err, out, c.err.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
