package submit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command is a target that is a sendmail program.
type command string

// Exit statuses of sysexits.h after which trying again makes no sense.
var permanentExit = map[int]bool{
	64: true, // EX_USAGE
	65: true, // EX_DATAERR
	67: true, // EX_NOUSER
	68: true, // EX_NOHOST
	77: true, // EX_NOPERM
	78: true, // EX_CONFIG
}

// send runs the command. It reads the message with LF line ends, takes it for
// all recipients or for none, and only queues it.
func (c command) send(ctx context.Context, m *mail) Result {
	if e := c.run(ctx, m); e != nil {
		return refuseAll(m.rcpts, e)
	}
	return Result{Accepted: m.rcpts, Queued: true}
}

func (c command) run(ctx context.Context, m *mail) *RcptError {
	sender := m.sender
	if sender == "" {
		sender = "<>"
	}
	cmd := exec.CommandContext(ctx, string(c), append([]string{"-oi", "-f", sender, "--"}, m.rcpts...)...)
	cmd.WaitDelay = 2 * time.Second // for children that keep stderr open
	// The command may be a script: its children must not see an end of input
	// either when it is killed, so all of them are.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	said := &bounded{limit: 4 << 10}
	cmd.Stdout, cmd.Stderr = said, said
	in, err := cmd.StdinPipe()
	if err != nil {
		return &RcptError{Class: Temporary, Text: "run " + string(c), Err: err}
	}
	if err := cmd.Start(); err != nil {
		return &RcptError{Class: Temporary, Text: "run " + string(c), Err: err}
	}
	fed := feed(in, m.msg)
	if fed.read != nil {
		// The command must not see an end of input: it would take the half
		// message for a whole one.
		_ = cmd.Cancel()
		_ = cmd.Wait()
		return &RcptError{Class: Temporary, Text: "read message", Err: fed.read}
	}
	if fed.write == nil {
		fed.write = in.Close()
	}
	return verdict(ctx, cmd.Wait(), fed.write, said)
}

// fed tells which side of a copy failed.
type fed struct{ read, write error }

func feed(in io.Writer, msg io.Reader) fed {
	w := bufio.NewWriterSize(in, 32<<10)
	r := bufio.NewReaderSize(msg, 32<<10)
	for {
		line, err := r.ReadSlice('\n')
		if l := len(line); l >= 2 && line[l-1] == '\n' && line[l-2] == '\r' {
			line[l-2] = '\n'
			line = line[:l-1]
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			// A CR at the end of the piece may belong to a line end.
			if l := len(line); line[l-1] == '\r' {
				if uerr := unreadCR(r, &line); uerr != nil {
					return fed{read: uerr}
				}
			}
			err = nil
		}
		if _, werr := w.Write(line); werr != nil {
			return fed{write: werr}
		}
		if errors.Is(err, io.EOF) {
			return fed{write: w.Flush()}
		}
		if err != nil {
			return fed{read: err}
		}
	}
}

// unreadCR looks one byte ahead and drops the CR when an LF follows.
func unreadCR(r *bufio.Reader, line *[]byte) error {
	whole := bytes.Clone(*line) // Peek moves the buffer that line lies in
	next, err := r.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(next) == 1 && next[0] == '\n' {
		whole = whole[:len(whole)-1]
	}
	*line = whole
	return nil
}

// verdict reads the command's end. Killed by the deadline, or successful
// without having read everything, it may or may not have queued the message.
func verdict(ctx context.Context, exit, write error, said *bounded) *RcptError {
	var status *exec.ExitError
	text := strings.TrimSpace(said.String())
	switch {
	case exit == nil && write == nil, errors.Is(exit, exec.ErrWaitDelay) && write == nil:
		return nil // ErrWaitDelay: it succeeded, and left a child with its stderr
	case exit == nil, errors.Is(exit, exec.ErrWaitDelay):
		return &RcptError{Class: Unknown, Text: "command succeeded without reading the message", Err: write}
	case !errors.As(exit, &status):
		return &RcptError{Class: Unknown, Text: "wait for command", Err: exit}
	}
	if ws, ok := status.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		class := Unknown
		if write != nil { // it cannot have had the end of the message
			class = Temporary
		}
		return &RcptError{Class: class, Text: "command was ended by signal " + ws.Signal().String(), Err: errors.Join(ctx.Err(), exit)}
	}
	class := Temporary
	if permanentExit[status.ExitCode()] {
		class = Permanent
	}
	return &RcptError{Class: class, Code: status.ExitCode(), Text: fmt.Sprintf("%.1000s", text)}
}

// bounded keeps the beginning of what a command says.
type bounded struct {
	b     bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.b.Write(p[:min(len(p), max(0, b.limit-b.b.Len()))])
	return len(p), nil
}

func (b *bounded) String() string { return b.b.String() }
