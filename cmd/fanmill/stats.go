package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"

	"fanmill/control"
	"fanmill/store"
)

// statsCmd says how far training is.
type statsCmd struct {
	scope string
	days  int
	json  bool
}

func (s *statsCmd) flags(fs *flag.FlagSet) {
	fs.Var(scopeValue{&s.scope}, "scope", "tell of scope `NAME` instead of the whole site")
	fs.IntVar(&s.days, "days", 0, "also what became of the mail of the last `N` days")
	fs.BoolVar(&s.json, "json", false, "print JSON: ham, spam, features, scopes and more")
}

// Run asks the daemon, or the ledger where none runs.
func (s *statsCmd) Run(ctx context.Context, e *Env) error {
	if s.days < 0 {
		return usageErrorf("--days: %d is less than 0", s.days)
	}
	st, err := s.ask(ctx, e)
	if err != nil {
		return err
	}
	if s.json {
		return printJSON(e.Stdout, st)
	}
	_, err = e.Stdout.Write([]byte(statsText(st, s.days)))
	return writeError(err)
}

func (s *statsCmd) ask(ctx context.Context, e *Env) (control.Stats, error) {
	q := control.StatsRequest{Scope: s.scope, Days: s.days}
	dir, err := e.existingData()
	if err != nil {
		return control.Stats{}, err
	}
	c, err := control.Dial(ctx, dir)
	if err == nil {
		defer c.Close()
		return c.Stats(ctx, q)
	}
	if !errors.Is(err, control.ErrNoDaemon) && !errors.Is(err, fs.ErrPermission) {
		return control.Stats{}, err
	}
	db, done, err := openReading(ctx, e, dir)
	if err != nil {
		return control.Stats{}, err
	}
	defer done()
	st, err := labelStats(db, s.scope)
	if err != nil || s.days == 0 {
		return st, err
	}
	h, err := store.OpenHistory(ctx, store.HistoryOptions{Dir: dir, ReadOnly: true, Logger: e.logger()})
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil // no mail has been seen yet
	}
	if err != nil {
		return st, err
	}
	defer h.Close()
	st.Days, err = dayCounts(ctx, h, s.days)
	return st, err
}

// labelStats reads how far training of a scope is.
func labelStats(db *store.DB, scope string) (control.Stats, error) {
	st := control.Stats{Scope: scope, Scopes: []string{}}
	m, err := db.Model(scope)
	if err != nil {
		return st, err
	}
	l := m.Labels()
	st.Ham, st.Spam, st.HamAdds, st.SpamAdds, st.Features = l.Ham, l.Spam, l.HamAdds, l.SpamAdds, m.Features()
	names, err := db.Scopes()
	for _, n := range names {
		if n != "" {
			st.Scopes = append(st.Scopes, n)
		}
	}
	return st, err
}

func dayCounts(ctx context.Context, h *store.History, days int) ([]control.DayCount, error) {
	rows, err := h.Daily(ctx, days)
	var out []control.DayCount
	for _, r := range rows {
		out = append(out, control.DayCount{Day: r.Day, Outcome: r.Outcome, Rule: r.Rule, N: r.N})
	}
	return out, err
}

func statsText(st control.Stats, days int) string {
	var b strings.Builder
	if st.Scope != "" {
		fmt.Fprintf(&b, "%-9s %s\n", "scope", safe(st.Scope))
	}
	fmt.Fprintf(&b, "%-9s %d labelled, %d of them count\n", "ham", st.Ham, st.HamAdds)
	fmt.Fprintf(&b, "%-9s %d labelled, %d of them count\n", "spam", st.Spam, st.SpamAdds)
	fmt.Fprintf(&b, "%-9s %d\n", "features", st.Features)
	scopes := "none but the site's"
	if len(st.Scopes) > 0 {
		scopes = safe(strings.Join(st.Scopes, " "))
	}
	fmt.Fprintf(&b, "%-9s %s\n", "scopes", scopes)
	if days > 0 && len(st.Days) == 0 {
		fmt.Fprintf(&b, "no mail was counted in the last %s\n", plural(days, "day", "days"))
	}
	for _, d := range st.Days {
		fmt.Fprintf(&b, "%s  %-10s %8d  %s\n", safe(d.Day), safe(d.Outcome), d.N, safe(d.Rule))
	}
	return b.String()
}
