package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/control"
)

// statusCmd shows how the daemon fares.
type statusCmd struct{ json bool }

func (s *statusCmd) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&s.json, "json", false, "print JSON")
}

// Run asks the daemon.
func (s *statusCmd) Run(ctx context.Context, e *cli.Env) error {
	c, err := datadir.Dial(ctx, e)
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
