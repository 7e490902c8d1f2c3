package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fanmill/store"
	"fanmill/training"
)

// undoCmd takes decisions back.
type undoCmd struct {
	actor, source, scope     string
	scoped                   bool
	since                    momentValue
	all, dryRun, json, quiet bool
}

func (u *undoCmd) flags(fs *flag.FlagSet) {
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
		return scopeValue{&u.scope}.Set(s)
	})
	fs.Var(&u.since, "since", "decisions since `WHEN`: 90m or 3d ago, 2006-01-02, or 2006-01-02T15:04")
	fs.BoolVar(&u.all, "all", false, "take all of them back, not the last one or N")
	fs.BoolVar(&u.dryRun, "dry-run", false, "only say what would be taken back")
	fs.BoolVar(&u.json, "json", false, "print the answer as JSON")
	fs.BoolVar(&u.quiet, "quiet", false, "draw no progress, print nothing")
}

// number is how many decisions are meant; 0 is all.
func (u *undoCmd) number(args []string) (int, error) {
	switch {
	case u.source == store.Exhaust && (u.all || len(args) > 0):
		return 0, usageErrorf("--source %s takes the last run back whole: say neither a number nor --all", store.Exhaust)
	case u.all && len(args) > 0:
		return 0, usageErrorf("say how many, or --all, not both")
	case len(args) > 0:
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return 0, usageErrorf("%q is not a number of decisions", args[0])
		}
		return n, nil
	case u.all, u.source == store.Exhaust, training.Automatic(u.source):
		return 0, nil
	}
	return 1, nil
}

// Run takes decisions back.
func (u *undoCmd) Run(ctx context.Context, e *Env) (err error) {
	n, err := u.number(e.Args)
	if err != nil {
		return err
	}
	dir, err := e.existingData()
	if err != nil {
		return err
	}
	set, err := e.settings()
	if err != nil {
		return err
	}
	if u.scope, err = set.scope(u.scope); err != nil {
		return err
	}
	db, done, err := e.openExisting(ctx, dir, u.dryRun)
	if err != nil {
		return err
	}
	defer done(&err)
	list, err := db.Undoables(ctx, u.selection(e), n)
	if err != nil {
		return err
	}
	a := undoAnswer{DryRun: u.dryRun}
	if err := a.describe(ctx, db, list); err != nil {
		return err
	}
	if !u.dryRun {
		bar := newMeter(e, u.quiet || u.json, "undoing")
		a.Undone, err = training.Undo(ctx, db, list, store.Origin{Actor: e.user()}, func(done, total int) { bar.show(done, int64(done), int64(total)) })
		bar.clear()
		if err == nil { // somebody may have decided about some meanwhile
			a.Kept = a.Found - a.Undone
		}
	}
	return errors.Join(err, u.print(e, a), u.reach(ctx, e, db, n, a.Found-a.Kept))
}

// reach says where the log no longer reaches as far back as was asked for. That is an
// error where more was asked for than was found, but not where all was.
func (u *undoCmd) reach(ctx context.Context, e *Env, db *store.DB, n, found int) error {
	begin, pruned, err := db.LogBegin(ctx)
	switch {
	case err != nil:
		return err
	case !pruned, n > 0 && found >= n, !u.since.Before(begin) && !u.since.IsZero():
		return nil
	}
	err = fmt.Errorf("the log begins on %s (store.keep_log_days): what was decided before can no longer be taken back", begin.Local().Format(time.DateTime))
	if n == 0 && found > 0 && u.since.IsZero() {
		complain(e.Stderr, err)
		return nil
	}
	return hint(exit(exitNoInput, err), "`fanmill forget` takes the label of a message away, and `fanmill train` gives it the other")
}

func (u *undoCmd) selection(e *Env) store.Selection {
	sel := store.Selection{Actor: u.actor, Source: u.source, Since: u.since.Time}
	if u.scoped {
		sel.Scope = &u.scope
	}
	switch {
	case u.actor == "any":
		sel.Actor = ""
	case u.actor == "" && u.source == "":
		sel.Actor = e.user()
	}
	return sel
}

// undoShown bounds how many decisions are described, and how many that are kept.
const undoShown = 20

// undoAnswer is what undo prints.
type undoAnswer struct {
	DryRun    bool       `json:"dry_run"`
	Found     int        `json:"found"`
	Undone    int        `json:"undone"`
	Kept      int        `json:"kept"`      // decided by others since
	Decisions []decision `json:"decisions"` // of Found, the newest
}

// decision is one of them.
type decision struct {
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`
	Source  string    `json:"source"`
	Scope   string    `json:"scope"`
	Before  string    `json:"before"`
	After   string    `json:"after"`
	Adds    [2]int    `json:"adds"` // before and after
	Digest  string    `json:"digest"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	Later   string    `json:"later,omitempty"` // who has decided about the message since, and so keeps it
}

func (a *undoAnswer) describe(ctx context.Context, db *store.DB, list []store.Undoable) error {
	a.Found, a.Decisions = len(list), []decision{}
	for _, u := range list {
		n := len(a.Decisions)
		if u.Later != nil {
			a.Kept++
			n = a.Kept - 1
		}
		if n >= undoShown {
			continue
		}
		row, err := db.Describe(ctx, u.Row)
		if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		d := decision{
			Time: u.Time, Actor: u.Origin.Actor, Source: u.Origin.Source, Scope: u.Scope,
			Before: u.Before.Class.String(), After: u.After.Class.String(), Adds: [2]int{u.Before.Adds, u.After.Adds},
			Digest: row.Digest.String(), From: row.From, Subject: row.Subject,
		}
		if u.Later != nil {
			d.Later = fmt.Sprintf("%s by %s, %s", u.Later.After.Class, u.Later.Origin.Source, u.Later.Origin.Actor)
		}
		a.Decisions = append(a.Decisions, d)
	}
	return nil
}

func (u *undoCmd) print(e *Env, a undoAnswer) error {
	switch {
	case u.json:
		return printJSON(e.Stdout, a)
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
		fmt.Fprintf(&b, "%s  %-17s  %s by %s  %s  %s\n", d.Time.Local().Format("2006-01-02 15:04"), what, fit(d.Source, 10), fit(d.Actor, 20), fit(d.From, 30), fit(d.Subject, 50))
		if d.Later != "" {
			fmt.Fprintf(&b, "                  stays: since then %s\n", fit(d.Later, 60))
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
	fmt.Fprintf(&b, "%s %s", plural(n, one, many), verb)
	if a.Kept > 0 {
		fmt.Fprintf(&b, ", %d kept", a.Kept)
	}
	_, err := fmt.Fprintln(e.Stdout, b.String())
	return writeError(err)
}
