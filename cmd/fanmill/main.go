// Fanmill is a spam filter that stands next to Postfix or Sendmail as a milter
// and learns from the site's own mail. This package is the wiring: one file per
// command, each a runner in the table of commands.go, and app.go, which is the
// daemon as a value that tests run in their own process.
//
// A runner gets everything from outside (Env) and returns an error; exit.go
// alone knows which exit code an error has, and help.go and man.go print the
// table as help, as the manual page contrib/man/fanmill.1 and as
// docs/commands.md.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := withSignals(context.Background())
	code := Main(ctx, os.Args[1:], systemEnv())
	stop()
	os.Exit(code)
}

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, e *Env) int {
	e.Stdin = newInterruptible(ctx, e.Stdin)
	err := dispatch(ctx, args, e)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return report(e.Stderr, err)
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ sig syscall.Signal }

func (s signalError) Error() string { return "stopped by signal (" + s.sig.String() + ")" }

// withSignals returns a context that the first SIGINT or SIGTERM ends; the
// second ends the process.
func withSignals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for n := 0; ; n++ {
			sig := (<-ch).(syscall.Signal)
			if n > 0 {
				os.Exit(128 + int(sig))
			}
			cancel(signalError{sig})
		}
	}()
	return ctx, func() { signal.Stop(ch); cancel(nil) }
}
