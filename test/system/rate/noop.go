package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/test/harness"
)

// milter is what is measured: a process of its own.
type milter interface {
	CPU() (time.Duration, error)
	Stop(within time.Duration) error
}

var _ milter = (*harness.Daemon)(nil)

// serveHasher names the socket on which this program is to be the milter that
// fanmill is compared with.
const serveHasher = "FANMILL_RATE_NOOP"

// hashBodies serves until its standard input ends, as it does with its parent.
func hashBodies(socket string) error {
	const protocol = gomilter.OptNoConnReply | gomilter.OptNoHeloReply | gomilter.OptNoMailReply | gomilter.OptNoDataReply |
		gomilter.OptNoHeaderReply | gomilter.OptNoEOHReply | gomilter.OptNoBodyReply | gomilter.OptNoUnknownReply
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o666); err != nil { // for Postfix
		return err
	}
	server := gomilter.NewServer(gomilter.WithMilter(func() gomilter.Milter { return &harness.Hasher{} }),
		gomilter.WithActions(gomilter.OptAddHeader), gomilter.WithProtocol(protocol))
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	return server.Serve(ln)
}

// child is the hasher as a process of its own.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

func startHasher(socket string) (milter, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveHasher+"="+socket)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the no-op milter: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the no-op milter: %w", err)
	}
	for range 100 {
		if _, err := os.Stat(socket); err == nil {
			return &child{cmd, in}, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	_ = in.Close()
	return nil, fmt.Errorf("start the no-op milter: no socket %s after two seconds", socket)
}

// CPU implements milter.
func (c *child) CPU() (time.Duration, error) { return harness.CPU(c.cmd.Process.Pid) }

// Stop implements milter.
func (c *child) Stop(time.Duration) error {
	_ = c.in.Close()
	return c.cmd.Wait()
}
