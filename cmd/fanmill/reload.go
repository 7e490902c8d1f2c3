package main

import (
	"context"
	"fmt"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
)

// reloadCmd has the daemon read its configuration again.
type reloadCmd struct{ cli.NoFlags }

// Run asks the daemon and says what came of it.
func (reloadCmd) Run(ctx context.Context, e *cli.Env) error {
	c, err := datadir.Dial(ctx, e)
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := c.Reload(ctx)
	if err != nil {
		return err
	}
	for _, key := range r.Restart {
		fmt.Fprintf(e.Stderr, "fanmill: %s has changed and takes effect after a restart\n", cli.Safe(key))
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(e.Stderr, "fanmill: warning: %s\n", cli.Safe(text))
	}
	return e.Printf("reloaded %s\n", cli.Safe(r.Config))
}
