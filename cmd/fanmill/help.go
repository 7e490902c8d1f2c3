package main

import (
	"context"

	"fanmill/cmd/fanmill/cli"
)

// helpCmd prints help.
type helpCmd struct{ cli.NoFlags }

// Run prints the help of the command in Args, or of all.
func (helpCmd) Run(_ context.Context, e *cli.Env) error {
	return cli.Help(e.Stdout, commands(), e.Args)
}
