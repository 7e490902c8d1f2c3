package cli

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
	"fanmill/store/dump"
	"fanmill/store/history"
	"fanmill/store/sqlite"
)

// Exit codes, after sysexits.h. 128 + n is added for signal n.
const (
	ExitOK          = 0
	ExitUsage       = 64 // the command line is wrong
	ExitData        = 65 // a message, mailbox or database cannot be used
	ExitNoInput     = 66 // something named is not there
	ExitUnavailable = 69 // a daemon or next hop is away, or another daemon is in the way
	ExitSoftware    = 70 // a fault of fanmill itself
	ExitCantCreate  = 73 // a file or directory cannot be made
	ExitIO          = 74 // reading or writing failed
	ExitTempFail    = 75 // try again later
	ExitNoPerm      = 77 // not permitted
	ExitConfig      = 78 // the configuration is wrong
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

// WithCode gives err an exit code. A nil err ends the program with the code and
// without a word.
func WithCode(code int, err error) error { return &codeError{code, err} }

// UsageErrorf is an error of the command line.
func UsageErrorf(format string, args ...any) error {
	return WithCode(ExitUsage, fmt.Errorf(format, args...))
}

// Hint adds a line of advice, printed below the error.
func Hint(err error, format string, args ...any) error {
	return control.WithHint(err, format, args...)
}

// known says which code an error has that no command gave one.
var known = []struct {
	err  error
	code int
}{
	{control.ErrRequest, ExitUsage},
	{control.ErrConfig, ExitConfig},
	{control.ErrForbidden, ExitNoPerm},
	{control.ErrTooLarge, ExitData},
	{spool.ErrClaimed, ExitTempFail},
	{spool.ErrInDoubt, ExitTempFail},
	{spool.ErrIsCopy, ExitData},
	{spool.ErrFull, ExitIO},
	{sqlite.ErrBusy, ExitTempFail},
	{store.ErrReplaced, ExitTempFail},
	{sqlite.ErrOpen, ExitTempFail},
	{control.ErrBusy, ExitTempFail},
	{control.ErrNextHop, ExitUnavailable},
	{control.ErrNoDaemon, ExitUnavailable},
	{spool.ErrNotHeld, ExitNoInput},
	{history.ErrNoRecord, ExitNoInput},
	{history.ErrNoFeatures, ExitNoInput},
	{sqlite.ErrDamaged, ExitData},
	{sqlite.ErrNewer, ExitData},
	{sqlite.ErrOlder, ExitData},
	{sqlite.ErrFeatureVersion, ExitData},
	{dump.ErrUnsound, ExitData},
	{fs.ErrPermission, ExitNoPerm},
	{fs.ErrNotExist, ExitNoInput},
	{syscall.EAGAIN, ExitTempFail},
	{syscall.ENOSPC, ExitIO},
	{syscall.EIO, ExitIO},
	{syscall.EROFS, ExitCantCreate},
	{syscall.ENOTDIR, ExitNoInput},
	{io.ErrUnexpectedEOF, ExitData},
	{context.Canceled, 130},
}

// CodeOf returns the exit code of an error.
func CodeOf(err error) int {
	var c *codeError
	var s SignalError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &s):
		return 128 + int(s)
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return k.code
		}
	}
	return ExitSoftware
}

// Report prints an error in the one form that all have, `fanmill: what, where`
// with lines of advice below, and returns its exit code.
func Report(w io.Writer, err error) int {
	if c := new(codeError); err == nil || errors.As(err, &c) && c.err == nil {
		return CodeOf(err)
	}
	Complain(w, err)
	return CodeOf(err)
}

// Complain prints an error without ending anything. An error of several lines
// is a list: each line bears the prefix.
func Complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "fanmill: %s\n", Safe(strings.TrimRight(line, "\n")))
	}
	for _, h := range Hints(err) {
		fmt.Fprintf(w, "fanmill: hint: %s\n", Safe(h))
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

// Hints collects the advice in an error's tree, outermost first, or else what
// the table says.
func Hints(err error) []string {
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
