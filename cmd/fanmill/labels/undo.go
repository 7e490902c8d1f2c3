package labels

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/judge"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/store"
	"fanmill/store/query"
	"fanmill/training"
)

// Undo takes decisions back.
type Undo struct {
	actor, source, scope     string
	scoped                   bool
	since                    cli.Moment
	all, dryRun, json, quiet bool
}

// Flags is cli.Runner.
func (u *Undo) Flags(fs *flag.FlagSet) {
	fs.StringVar(&u.actor, "actor", "", "decisions of user `NAME`; any: of everybody (default: your own, with --source everybody's)")
	fs.Func("source", "decisions that came by `WAY`: train, learn, held, exhaust, rule, auto, import, expire or undo (default: all but expire and undo)", func(s string) error {
		if !slices.Contains(training.Sources(), s) {
			return fmt.Errorf("want one of %s", strings.Join(training.Sources(), ", "))
		}
		u.source = s
		return nil
	})
	fs.Func("scope", "decisions in scope `NAME` only; \"\" is the site", func(s string) error {
		u.scoped = true
		return cli.ScopeValue(&u.scope).Set(s)
	})
	fs.Var(&u.since, "since", "decisions since `WHEN`: 90m or 3d ago, 2006-01-02, or 2006-01-02T15:04")
	fs.BoolVar(&u.all, "all", false, "take all of them back, not the last one or N")
	fs.BoolVar(&u.dryRun, "dry-run", false, "only say what would be taken back")
	fs.BoolVar(&u.json, "json", false, "print the answer as JSON")
	fs.BoolVar(&u.quiet, "quiet", false, "draw no progress, print nothing")
}

// number is how many decisions are meant; 0 is all.
func (u *Undo) number(args []string) (int, error) {
	switch {
	case u.source == store.Exhaust && (u.all || len(args) > 0):
		return 0, cli.UsageErrorf("--source %s takes the last run back whole: say neither a number nor --all", store.Exhaust)
	case u.all && len(args) > 0:
		return 0, cli.UsageErrorf("say how many, or --all, not both")
	case len(args) > 0:
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return 0, cli.UsageErrorf("%q is not a number of decisions", args[0])
		}
		return n, nil
	case u.all, u.source == store.Exhaust, training.Automatic(u.source):
		return 0, nil
	}
	return 1, nil
}

// Run takes decisions back.
func (u *Undo) Run(ctx context.Context, e *cli.Env) (err error) {
	n, err := u.number(e.Args)
	if err != nil {
		return err
	}
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	if u.scope, err = set.Scope(u.scope); err != nil {
		return err
	}
	q := control.UndoRequest{Selection: u.selection(e), N: n, DryRun: u.dryRun, By: e.User()}
	a, err := u.undo(ctx, e, dir, q)
	if err != nil && a.Undone == 0 {
		return err
	}
	return errors.Join(err, u.print(e, a), u.reach(e, n, a))
}

// reach says where the log no longer reaches as far back as was asked for. That is an
// error where more was asked for than was found, but not where all was.
func (u *Undo) reach(e *cli.Env, n int, a control.UndoReply) error {
	begin, found := a.LogBegins, a.Found-a.Kept
	switch {
	case begin.IsZero(), n > 0 && found >= n, !u.since.Before(begin) && !u.since.IsZero():
		return nil
	case u.source == store.Exhaust && a.Found > 0 && a.Decisions[0].Time.After(begin): // all of the run is there
		return nil
	}
	err := fmt.Errorf("the log begins on %s (store.keep_log_days): what was decided before can no longer be taken back", begin.Local().Format(time.DateTime))
	if n == 0 && found > 0 && u.since.IsZero() {
		cli.Complain(e.Stderr, err)
		return nil
	}
	return cli.Hint(cli.WithCode(cli.ExitNoInput, err), "`fanmill forget` takes the label of a message away, and `fanmill train` gives it the other")
}

// undo asks the ledger, or the daemon where only that may write there.
func (u *Undo) undo(ctx context.Context, e *cli.Env, dir string, q control.UndoRequest) (a control.UndoReply, err error) {
	db, done, err := datadir.OpenExisting(ctx, e, dir, u.dryRun)
	if errors.Is(err, fs.ErrPermission) {
		c, err := dialInstead(ctx, dir, err)
		if err != nil {
			return a, err
		}
		defer c.Close()
		return c.Undo(ctx, q)
	}
	if err != nil {
		return a, err
	}
	defer done(&err)
	bar := cli.NewMeter(e, u.quiet || u.json, "undoing")
	defer bar.Clear()
	return judge.TakeBack(ctx, db, q, func(done, total int) { bar.Show(done, int64(done), int64(total)) })
}

func (u *Undo) selection(e *cli.Env) query.Selection {
	sel := query.Selection{Actor: u.actor, Source: u.source, Since: u.since.Time}
	if u.scoped {
		sel.Scope = &u.scope
	}
	switch {
	case u.actor == "any":
		sel.Actor = ""
	case u.actor == "" && u.source == "":
		sel.Actor = e.User()
	}
	return sel
}

func (u *Undo) print(e *cli.Env, a control.UndoReply) error {
	switch {
	case u.json:
		return cli.PrintJSON(e.Stdout, a)
	case u.quiet:
		return nil
	}
	var b strings.Builder
	for _, d := range a.Decisions {
		what := d.Before + " -> " + d.After
		switch {
		case d.Before == d.After && d.Source == store.Exhaust:
			what = fmt.Sprintf("%s, adds %d -> %d", d.After, d.Adds[0], d.Adds[1])
		case d.Before == d.After:
			what = d.After + " confirmed"
		}
		fmt.Fprintf(&b, "%s  %-17s  %s by %s  %s  %s\n", d.Time.Local().Format("2006-01-02 15:04"), what, cli.Fit(d.Source, 10), cli.Fit(d.Actor, 20), cli.Fit(d.From, 30), cli.Fit(d.Subject, 50))
		if d.Later != "" {
			fmt.Fprintf(&b, "                  stays: since then %s\n", cli.Fit(d.Later, 60))
		}
	}
	if more := a.Found - len(a.Decisions); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	verb, n := "taken back", a.Undone
	if a.DryRun {
		verb, n = "would be taken back", a.Found-a.Kept
	}
	one, many := "decision", "decisions"
	if u.source == store.Exhaust {
		one, many = "change of the last run", "changes of the last run"
	}
	fmt.Fprintf(&b, "%s %s", cli.Plural(n, one, many), verb)
	if a.Kept > 0 {
		fmt.Fprintf(&b, ", %d kept", a.Kept)
	}
	return e.Print(b.String() + "\n")
}
