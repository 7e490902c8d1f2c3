package datadir

import (
	"context"
	"errors"
	"io/fs"

	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
)

// Dial connects to the daemon of the data directory, which must run.
func Dial(ctx context.Context, e *cli.Env) (*control.Client, error) {
	dir, err := e.ExistingData()
	if err != nil {
		return nil, err
	}
	c, err := control.Dial(ctx, dir)
	if err != nil {
		return nil, cli.Hint(err, "start it with `fanmill serve --data %s`", dir)
	}
	return c, nil
}

// DialIfThere connects to the daemon of the data directory, which it returns too. The
// client is nil where none runs, and where it does not let us in: then the files may.
func DialIfThere(ctx context.Context, e *cli.Env) (*control.Client, string, error) {
	dir, err := e.ExistingData()
	if err != nil {
		return nil, "", err
	}
	c, err := control.Dial(ctx, dir)
	if errors.Is(err, control.ErrNoDaemon) || errors.Is(err, fs.ErrPermission) {
		return nil, dir, nil
	}
	return c, dir, err
}
