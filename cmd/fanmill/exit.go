package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"fanmill/control"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/store/sqlite"
)

// Exit codes, after sysexits.h. 128 + n is added for signal n.
const (
	exitOK          = 0
	exitUsage       = 64 // the command line is wrong
	exitData        = 65 // a message, mailbox or database cannot be used
	exitNoInput     = 66 // something named is not there
	exitUnavailable = 69 // a daemon or next hop is away, or another daemon is in the way
	exitSoftware    = 70 // a fault of fanmill itself
	exitCantCreate  = 73 // a file or directory cannot be made
	exitIO          = 74 // reading or writing failed
	exitTempFail    = 75 // try again later
	exitNoPerm      = 77 // not permitted
	exitConfig      = 78 // the configuration is wrong
)

// codeError is an error whose exit code is decided; a nil err is silent.
type codeError struct {
	code int
	err  error
}

func (c *codeError) Error() string {
	if c.err == nil {
		return fmt.Sprintf("exit %d", c.code)
	}
	return c.err.Error()
}

func (c *codeError) Unwrap() error { return c.err }

// exit gives err an exit code. A nil err ends the program with the code and
// without a word.
func exit(code int, err error) error { return &codeError{code, err} }

func usageErrorf(format string, args ...any) error {
	return exit(exitUsage, fmt.Errorf(format, args...))
}

// hint adds a line of advice, printed below the error.
func hint(err error, format string, args ...any) error {
	return control.WithHint(err, format, args...)
}

// known says which code an error has that no command gave one.
var known = []struct {
	err  error
	code int
}{
	{control.ErrRequest, exitUsage},
	{control.ErrConfig, exitConfig},
	{control.ErrForbidden, exitNoPerm},
	{control.ErrTooLarge, exitData},
	{spool.ErrClaimed, exitTempFail},
	{spool.ErrInDoubt, exitTempFail},
	{spool.ErrIsCopy, exitData},
	{spool.ErrFull, exitIO},
	{sqlite.ErrBusy, exitTempFail},
	{store.ErrReplaced, exitTempFail},
	{sqlite.ErrOpen, exitTempFail},
	{control.ErrBusy, exitTempFail},
	{control.ErrNextHop, exitUnavailable},
	{control.ErrNoDaemon, exitUnavailable},
	{spool.ErrNotHeld, exitNoInput},
	{history.ErrNoRecord, exitNoInput},
	{history.ErrNoFeatures, exitNoInput},
	{sqlite.ErrDamaged, exitData},
	{sqlite.ErrNewer, exitData},
	{sqlite.ErrOlder, exitData},
	{sqlite.ErrFeatureVersion, exitData},
	{store.ErrDump, exitData},
	{fs.ErrPermission, exitNoPerm},
	{fs.ErrNotExist, exitNoInput},
	{syscall.EAGAIN, exitTempFail},
	{syscall.ENOSPC, exitIO},
	{syscall.EIO, exitIO},
	{syscall.EROFS, exitCantCreate},
	{syscall.ENOTDIR, exitNoInput},
	{io.ErrUnexpectedEOF, exitData},
	{context.Canceled, 130},
}

func exitCode(err error) int {
	var c *codeError
	var s signalError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &s):
		return 128 + int(s.sig)
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return k.code
		}
	}
	return exitSoftware
}

// report prints an error in the one form that all have, `fanmill: what, where`
// with lines of advice below, and returns its exit code.
func report(w io.Writer, err error) int {
	if c := new(codeError); err == nil || errors.As(err, &c) && c.err == nil {
		return exitCode(err)
	}
	complain(w, err)
	return exitCode(err)
}

// complain prints an error without ending anything. An error of several lines
// is a list: each line bears the prefix.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "fanmill: %s\n", safe(strings.TrimRight(line, "\n")))
	}
	for _, h := range hints(err) {
		fmt.Fprintf(w, "fanmill: hint: %s\n", safe(h))
	}
}

// advice is what to do about errors that come without advice of their own; those
// of the store have it in their text.
var advice = []struct {
	err  error
	text string
}{
	{fs.ErrPermission, "run it as root, as the daemon's user, or as a member of its group"},
	{syscall.ENOSPC, "make room on the disk and run it again; what was done so far is kept"},
}

// hints collects the advice in an error's tree, outermost first, or else what
// the table says.
func hints(err error) []string {
	if out := ownHints(err); len(out) > 0 {
		return out
	}
	for _, a := range advice {
		if errors.Is(err, a.err) {
			return []string{a.text}
		}
	}
	return nil
}

func ownHints(err error) (out []string) {
	if h, ok := err.(interface{ Hint() string }); ok {
		out = append(out, h.Hint())
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		out = append(out, ownHints(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			out = append(out, ownHints(part)...)
		}
	}
	return out
}
