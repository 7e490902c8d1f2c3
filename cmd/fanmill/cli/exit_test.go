package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"fanmill/control"
	"fanmill/spool"
	"fanmill/store/sqlite"
)

func TestExitCodes(t *testing.T) {
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(SignalError(syscall.SIGTERM))
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("something"), ExitSoftware},
		{WithCode(ExitData, errors.New("x")), ExitData},
		{fmt.Errorf("more: %w", WithCode(ExitConfig, errors.New("x"))), ExitConfig},
		{Hint(UsageErrorf("x"), "y"), ExitUsage},
		{fmt.Errorf("x: %w", fs.ErrNotExist), ExitNoInput},
		{fmt.Errorf("x: %w", fs.ErrPermission), ExitNoPerm},
		{fmt.Errorf("x: %w", syscall.ENOSPC), ExitIO},
		{fmt.Errorf("x: %w", spool.ErrNotHeld), ExitNoInput},
		{fmt.Errorf("x: %w", sqlite.ErrDamaged), ExitData},
		{fmt.Errorf("x: %w", sqlite.ErrNewer), ExitData},
		{fmt.Errorf("x: %w", spool.ErrClaimed), ExitTempFail},
		{fmt.Errorf("x: %w", control.ErrForbidden), ExitNoPerm},
		{fmt.Errorf("x: %w", control.ErrNextHop), ExitUnavailable},
		{context.Canceled, 130},
		{context.Cause(ended), 143},
	} {
		if got := CodeOf(c.err); got != c.code {
			t.Errorf("exit code of %v is %d, want %d", c.err, got, c.code)
		}
	}
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{WithCode(3, nil), ""},
		{errors.New("open x: gone"), "fanmill: open x: gone\n"},
		{errors.Join(errors.New("one"), errors.New("two")), "fanmill: one\nfanmill: two\n"},
		{Hint(errors.New("evil \x1b[31mpath\u202e"), "say \x07"), "fanmill: evil \\x1b[31mpath\\u202e\nfanmill: hint: say \\x07\n"},
		{fmt.Errorf("open x: %w", fs.ErrPermission), "fanmill: open x: permission denied\nfanmill: hint: run it as root, as the daemon's user, or as a member of its group\n"},
	} {
		var b bytes.Buffer
		Report(&b, c.err)
		if b.String() != c.want {
			t.Errorf("report of %v: %q, want %q", c.err, b.String(), c.want)
		}
	}
}
