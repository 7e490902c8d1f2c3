// Fanmill is a spam filter that stands next to Postfix or Sendmail as a milter
// and learns from the site's own mail. This package is the wiring: the table of
// commands (commands.go), and a file for each command that is little more than its
// flags. Commands that are more stand in packages below, and so do the daemon and what
// it and the commands are made of.
//
// A runner gets everything from outside (cli.Env) and returns an error; package cli
// runs it, prints the table as help, and knows which exit code an error has. The
// manual page contrib/man/fanmill.1 and docs/commands.md are made from the table too,
// by man_test.go.
package main

import (
	"context"
	"errors"
	"os"

	"fanmill/cmd/fanmill/cli"
)

func main() {
	ctx, stop := cli.WithSignals(context.Background())
	code := Main(ctx, os.Args[1:], systemEnv())
	stop()
	os.Exit(code)
}

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, e *cli.Env) int {
	e.Stdin = cli.NewInterruptible(ctx, e.Stdin)
	err := cli.Dispatch(ctx, commands(), args, e)
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return cli.Report(e.Stderr, err)
}

func systemEnv() *cli.Env {
	return &cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		DefaultData: "/var/lib/fanmill", DefaultConfig: "/etc/fanmill/fanmill.toml",
		DefaultInet: "inet:127.0.0.1:8891", Postconf: "/usr/sbin/postconf", SendmailCf: "/etc/mail/sendmail.cf",
		GiveWay: beNice,
	}
}
