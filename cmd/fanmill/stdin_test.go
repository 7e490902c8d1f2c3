package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"
)

// TestInterruptibleReads holds the reader against the interface's rules: small
// buffers, data that come with the end, errors in the middle.
func TestInterruptibleReads(t *testing.T) {
	text := strings.Repeat("all that is read arrives\n", 10_000)
	for name, r := range map[string]io.Reader{
		"plain": strings.NewReader(text), "one byte at a time": iotest.OneByteReader(strings.NewReader(text[:5000])),
		"end with data": iotest.DataErrReader(strings.NewReader(text)),
	} {
		want := text
		if name == "one byte at a time" {
			want = text[:5000]
		}
		if err := iotest.TestReader(newInterruptible(t.Context(), r), []byte(want)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken")
	got, err := io.ReadAll(newInterruptible(t.Context(), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))))
	if string(got) != "abc" || !errors.Is(err, broken) {
		t.Errorf("read %q, error %v", got, err)
	}
}

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
		cancel(signalError{syscall.SIGINT})
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
