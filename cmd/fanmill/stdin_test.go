package main

import (
	"context"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/cmd/fanmill/cli"
)

// TestSignalWhileWaitingForInput presses Ctrl-C where nothing comes on standard
// input: the first one ends the command.
func TestSignalWhileWaitingForInput(t *testing.T) {
	for _, line := range []string{"score", "score -", "filter", "train --ham -", "forget -"} {
		e, _, errs := testEnv(t)
		waiting, in := io.Pipe()
		defer in.Close()
		e.Stdin, e.DefaultData = waiting, t.TempDir()
		ctx, cancel := context.WithCancelCause(t.Context())
		code := make(chan int, 1)
		go func() { code <- Main(ctx, strings.Fields(line), e) }()
		if _, err := in.Write([]byte("Subject: begun\n")); err != nil { // it reads by now
			t.Fatal(err)
		}
		cancel(cli.SignalError(syscall.SIGINT))
		select {
		case got := <-code:
			if got != 130 || !strings.Contains(errs.String(), "stopped by signal (interrupt)") {
				t.Errorf("%s: exit code %d, says %q", line, got, errs)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: still waits for input", line)
		}
	}
}
