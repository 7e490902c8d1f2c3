package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// SignalError is the cause of a context that a signal ended.
type SignalError syscall.Signal

// Error is error.
func (s SignalError) Error() string { return "stopped by signal (" + syscall.Signal(s).String() + ")" }

// WithSignals returns a context that the first SIGINT or SIGTERM ends; the
// second ends the process.
func WithSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for n := 0; ; n++ {
			sig := (<-ch).(syscall.Signal)
			if n > 0 {
				os.Exit(128 + int(sig))
			}
			cancel(SignalError(sig))
		}
	}()
	return ctx, func() { signal.Stop(ch); cancel(nil) }
}
