package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
)

// statusCmd shows how the daemon fares.
type statusCmd struct{ json bool }

func (s *statusCmd) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&s.json, "json", false, "print JSON")
}

// Run asks the daemon.
func (s *statusCmd) Run(ctx context.Context, e *cli.Env) error {
	c, err := dialDaemon(ctx, e)
	if err != nil {
		return err
	}
	defer c.Close()
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if s.json {
		return cli.PrintJSON(e.Stdout, st)
	}
	return e.Print(statusText(st))
}

func statusText(st control.Status) string {
	var b strings.Builder
	row := func(name, value string) { fmt.Fprintf(&b, "%-9s %s\n", name+":", cli.Safe(value)) }
	row("version", st.Version)
	row("process", fmt.Sprintf("%d, since %s", st.PID, st.Started.Local().Format(time.RFC1123Z)))
	row("data", st.Data)
	if st.Config == "" {
		row("config", "none, built-in defaults")
	} else {
		row("config", st.Config)
	}
	row("listens", strings.Join(st.Listen, ", "))
	if st.Observe {
		row("mode", "observes only")
	} else {
		row("mode", "filters")
	}
	if st.Delayed > 0 {
		row("delayed", fmt.Sprintf("%d not back yet (message and recipient)", st.Delayed))
	}
	row("model", fmt.Sprintf("operation %d of the ledger", st.Seq))
	if st.Reloads > 0 {
		row("reloaded", fmt.Sprintf("%d times, last %s", st.Reloads, st.Reloaded.Local().Format(time.RFC1123Z)))
	}
	if st.LastFail != "" {
		row("refused", st.LastFail)
	}
	if len(st.Restart) > 0 {
		row("waits", strings.Join(st.Restart, ", ")+": changed, in force after a restart")
	}
	for _, text := range st.Warnings {
		row("warning", text)
	}
	return b.String()
}

// reloadCmd has the daemon read its configuration again.
type reloadCmd struct{ cli.NoFlags }

// Run asks the daemon and says what came of it.
func (reloadCmd) Run(ctx context.Context, e *cli.Env) error {
	c, err := dialDaemon(ctx, e)
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

// dialDaemon connects to the daemon of the data directory, which must run.
func dialDaemon(ctx context.Context, e *cli.Env) (*control.Client, error) {
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

// dialIfThere connects to the daemon of the data directory, which it returns too. The
// client is nil where none runs, and where it does not let us in: then the files may.
func dialIfThere(ctx context.Context, e *cli.Env) (*control.Client, string, error) {
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
