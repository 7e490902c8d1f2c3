package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Build compiles cmd/fanmill into dir and returns the program's path. With race
// the race detector is in it.
func Build(ctx context.Context, dir string, race bool) (string, error) {
	if err := lookAtSources(); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "fanmill")
	args := []string{"build", "-o", program}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "fanmill/cmd/fanmill")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build fanmill: %w\n%s", err, out)
	}
	return program, nil
}

// lookAtSources looks at every source file of the project. `go test` notes which
// files a test looks at, and reuses an old result only while they are the same:
// without this it would not notice that the program under test has changed.
func lookAtSources() error {
	root, err := Root()
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("look at the sources: %w", err)
		case e.IsDir() && (e.Name() == "corpus" || e.Name() == "bin" || e.Name() == ".git"):
			return skipUnlessSource(root, path)
		case !e.IsDir() && (filepath.Ext(path) == ".go" || e.Name() == "go.mod"):
			_, err = os.Stat(path)
		}
		return err
	})
}

// skipUnlessSource skips the folders of the project's root that hold no source.
func skipUnlessSource(root, path string) error {
	if filepath.Dir(path) == root {
		return filepath.SkipDir
	}
	return nil
}

// Daemon is a `fanmill serve` process on a data directory, and the commands that
// work on the same directory. It may be started again after it ended.
type Daemon struct {
	Program string // path of the fanmill program
	Data    string // --data
	Config  string // --config file, "" none
	Listen  string // host:port that answers when the daemon is up

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	output Buffer
}

// Start runs `fanmill serve` and returns when it listens.
func (d *Daemon) Start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	cmd := exec.Command(d.Program, d.args("serve")...)
	cmd.Stdout, cmd.Stderr = &d.output, &d.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start fanmill: %w", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	d.cmd, d.ended = cmd, ended
	up := func() bool { return Closed(ended) || listens(d.Listen) }
	if err := WaitFor("fanmill on "+d.Listen, 60*time.Second, up); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("%w\n%s", err, d.output.String())
	}
	if Closed(ended) {
		return &ExitError{Code: cmd.ProcessState.ExitCode(), Output: d.output.String()}
	}
	return nil
}

// ExitError is returned when a command or the daemon ended with another code than 0.
type ExitError struct {
	Code   int
	Output string
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("fanmill ended with code %d:\n%s", e.Code, e.Output)
}

// Closed reports whether a channel on which nothing is sent has been closed.
func Closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// Signal sends sig to the process.
func (d *Daemon) Signal(sig syscall.Signal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return errors.New("signal fanmill: it was never started")
	}
	if err := d.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal fanmill: %w", err)
	}
	return nil
}

// Kill ends the process at once (SIGKILL) and waits for its end.
func (d *Daemon) Kill() error {
	err := d.Signal(syscall.SIGKILL)
	if err == nil {
		<-d.Ended()
	}
	return err
}

// Stop asks the process to end (SIGTERM), waits, and returns an *ExitError when
// it did not end with code 0; after limit it is killed and that is an error too.
func (d *Daemon) Stop(limit time.Duration) error {
	if d.Ended() == nil || Closed(d.Ended()) {
		return nil
	}
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-d.Ended():
	case <-time.After(limit):
		return errors.Join(fmt.Errorf("stop fanmill: %w after %v\n%s", ErrTimeout, limit, d.Output()), d.Kill())
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		return &ExitError{Code: code, Output: d.Output()}
	}
	return nil
}

// Ended is closed when the process has ended; nil before the first Start.
func (d *Daemon) Ended() chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended
}

// Pid is the process id of the running or last process.
func (d *Daemon) Pid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cmd.Process.Pid
}

// CPU is the processor time the running process has used.
func (d *Daemon) CPU() (time.Duration, error) { return CPU(d.Pid()) }

// CPU is the processor time, of user and system, that a process has used.
func CPU(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	// proc(5): fields 14 and 15 in ticks of 10 ms; field 2 ends with the last ')'.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("read processor time: %q", b)
	}
	user, uerr := strconv.Atoi(fields[11])
	system, serr := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(uerr, serr)
}

// Output returns what the daemon wrote so far, over all its starts.
func (d *Daemon) Output() string { return d.output.String() }

// Run runs one fanmill command on the daemon's data directory and returns its
// standard output; an *ExitError carries both outputs of a command that failed.
func (d *Daemon) Run(name string, args ...string) (string, error) {
	return d.RunInput(nil, name, args...)
}

// RunInput is Run with standard input.
func (d *Daemon) RunInput(stdin []byte, name string, args ...string) (string, error) {
	cmd := d.Command(name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stdout.String(), &ExitError{Code: exit.ExitCode(), Output: stdout.String() + stderr.String()}
	}
	if err != nil {
		return "", fmt.Errorf("run fanmill %s: %w", name, err)
	}
	return stdout.String(), nil
}

// Command returns a command on the daemon's data directory, not yet started. The
// name may have two words ("held list").
func (d *Daemon) Command(name string, args ...string) *exec.Cmd {
	return exec.Command(d.Program, append(d.args(strings.Fields(name)...), args...)...)
}

// args puts the flags every command takes behind the command's words.
func (d *Daemon) args(words ...string) []string {
	args := append([]string(nil), words...)
	args = append(args, "--data", d.Data)
	if d.Config != "" {
		args = append(args, "--config", d.Config)
	}
	return args
}
