package main

import (
	"context"
	"flag"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/insight"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
)

// statsCmd says how far training is.
type statsCmd struct {
	scope           string
	days, mislabels int
	json            bool
}

func (s *statsCmd) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&s.scope), "scope", "tell of scope `NAME` instead of the whole site")
	fs.IntVar(&s.days, "days", 0, "also the daily table of the last `N` days")
	fs.IntVar(&s.mislabels, "mislabels", 0, "also list `N` labels that are probably wrong, the likeliest first; of a scope, that differ from the site")
	fs.BoolVar(&s.json, "json", false, "print JSON, see docs/control.md")
}

// Run asks the daemon, or the ledger where none runs.
func (s *statsCmd) Run(ctx context.Context, e *cli.Env) error {
	if s.days < 0 {
		return cli.UsageErrorf("--days: %d is less than 0", s.days)
	}
	if s.mislabels < 0 || s.mislabels > control.MaxMislabels {
		return cli.UsageErrorf("--mislabels: %d is not between 0 and %d", s.mislabels, control.MaxMislabels)
	}
	st, err := s.ask(ctx, e)
	if err != nil {
		return err
	}
	if s.json {
		return cli.PrintJSON(e.Stdout, st)
	}
	return e.Print(insight.Text(st, s.days, s.mislabels))
}

func (s *statsCmd) ask(ctx context.Context, e *cli.Env) (control.Stats, error) {
	q := control.StatsRequest{Scope: s.scope, Days: s.days, Mislabels: s.mislabels}
	c, dir, err := datadir.DialIfThere(ctx, e)
	if err != nil {
		return control.Stats{}, err
	}
	if c != nil {
		defer c.Close()
		return c.Stats(ctx, q)
	}
	return askFiles(ctx, e, dir, q)
}

// askFiles answers from ledger and history, as far as they are there.
func askFiles(ctx context.Context, e *cli.Env, dir string, q control.StatsRequest) (control.Stats, error) {
	set, err := settings.Of(e)
	if err != nil {
		return control.Stats{}, err
	}
	db, done, err := datadir.OpenReading(ctx, e, dir)
	if err != nil {
		return control.Stats{}, err
	}
	defer done()
	h, err := datadir.ReadHistory(ctx, e, dir)
	if err != nil {
		return control.Stats{}, err
	}
	if h != nil {
		defer h.Close()
	}
	return insight.View{Settings: set, Ledger: db, History: h}.Stats(ctx, q)
}
