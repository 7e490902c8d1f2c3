package configured

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/policy/scopes"
	"fanmill/store"
)

// scopeAnswer is what the scopes commands tell of a scope.
type scopeAnswer struct {
	Scope    string `json:"scope"` // "" is the site
	Ham      int    `json:"ham"`
	Spam     int    `json:"spam"`
	Waiting  int    `json:"waiting"`
	HamAdds  int    `json:"ham_adds"`
	SpamAdds int    `json:"spam_adds"`
}

func answerScope(name string, l store.Labels) scopeAnswer {
	return scopeAnswer{name, l.Ham, l.Spam, l.Waiting, l.HamAdds, l.SpamAdds}
}

// ScopesList lists the scopes that have training.
type ScopesList struct {
	json  bool
	limit int
}

// Flags is cli.Runner.
func (s *ScopesList) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&s.json, "json", false, "print a JSON object a line")
	fs.IntVar(&s.limit, "limit", 1000, "list at most `N` scopes; 0 lists all")
}

// openForReading opens the ledger of the data directory for reading.
func openForReading(ctx context.Context, e *cli.Env) (*store.DB, func(), error) {
	dir, err := e.ExistingData()
	if err != nil {
		return nil, nil, err
	}
	return datadir.OpenReading(ctx, e, dir)
}

// Run lists them in the order of their names, the site first.
func (s *ScopesList) Run(ctx context.Context, e *cli.Env) error {
	if s.limit < 0 {
		return cli.UsageErrorf("--limit: %d is negative", s.limit)
	}
	db, done, err := openForReading(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	list, err := db.Census(ctx)
	if err != nil {
		return err
	}
	for i, c := range list {
		if s.limit > 0 && i == s.limit {
			fmt.Fprintf(e.Stderr, "fanmill: there are more than %d scopes, see --limit\n", s.limit)
			break
		}
		if err := s.print(e, answerScope(c.Scope, c.Labels)); err != nil {
			return err
		}
	}
	return nil
}

func (s *ScopesList) print(e *cli.Env, a scopeAnswer) error {
	if s.json {
		return cli.PrintJSON(e.Stdout, a)
	}
	return e.Printf("%7d ham %7d spam %7d %7d count  %s\n", a.Ham, a.Spam, a.HamAdds, a.SpamAdds, scopeName(a.Scope))
}

func scopeName(scope string) string {
	if scope == "" {
		return "(site)"
	}
	return cli.Safe(scope)
}

// ScopesExplain tells how an address maps to its scope, and what that knows.
type ScopesExplain struct{ json bool }

// Flags is cli.Runner.
func (s *ScopesExplain) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&s.json, "json", false, "print JSON")
}

// explainedScope is what scopes explain prints.
type explainedScope struct {
	Address string        `json:"address"`
	Enabled bool          `json:"enabled"` // mail to the address is judged by the scope
	Steps   []scopes.Step `json:"steps"`
	Own     scopeAnswer   `json:"own"`
	Site    scopeAnswer   `json:"site"`
	Times   uint32        `json:"times"` // how often each own label counts beside the site's
}

// Run explains one address.
func (s *ScopesExplain) Run(ctx context.Context, e *cli.Env) error {
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	db, done, err := openForReading(ctx, e)
	if err != nil {
		return err
	}
	defer done()
	name := set.Scopes.Of(e.Args[0])
	model, err := db.Model(name)
	if err != nil {
		return err
	}
	_, times := model.Base()
	site, err := db.Labels("")
	if err != nil {
		return err
	}
	x := explainedScope{
		Address: e.Args[0], Enabled: set.Scopes.Enabled(), Steps: set.Scopes.Steps(e.Args[0]),
		Own: answerScope(name, model.Labels()), Site: answerScope("", site), Times: times,
	}
	if s.json {
		return cli.PrintJSON(e.Stdout, x)
	}
	return e.Print(x.text())
}

func (x *explainedScope) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", cli.Safe(x.Address))
	for _, step := range x.Steps {
		fmt.Fprintf(&b, "  -> %s: %s\n", scopeName(step.Name), step.Reason)
	}
	row := func(a scopeAnswer) {
		fmt.Fprintf(&b, "%s: %d ham and %d spam labelled, %d and %d count\n", scopeName(a.Scope), a.Ham, a.Spam, a.HamAdds, a.SpamAdds)
	}
	row(x.Site)
	if x.Own.Scope != "" {
		row(x.Own)
		fmt.Fprintf(&b, "A score reads both counts together, the scope's own %s. What they change counts twice,\nas linear part and calibrator are the site's.\n", cli.Plural(int(x.Times), "time", "times"))
	}
	if !x.Enabled {
		b.WriteString("[scope] enabled is false: mail to this address is judged by the site's training alone.\n")
	}
	return b.String()
}
