package labels

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/store/query"
	"fanmill/training"
)

// Expire takes old labels out of training.
type Expire struct {
	scope               string
	scoped              bool
	days, messages      keepValue
	logDays             keepValue
	dryRun, json, quiet bool
}

// Flags is cli.Runner.
func (x *Expire) Flags(fs *flag.FlagSet) {
	fs.Func("scope", "only scope `NAME`; \"\" is the site (default: all scopes)", func(s string) error {
		x.scoped = true
		return cli.ScopeValue(&x.scope).Set(s)
	})
	x.days, x.messages, x.logDays = asConfigured, asConfigured, asConfigured
	fs.Var(&x.days, "keep-days", "labels older than `N` days go; 0 keeps them (default: [store] keep_days)")
	fs.Var(&x.messages, "keep-messages", "of more than `N` labels of a scope the surplus goes; 0 keeps all (default: [store] keep_messages)")
	fs.Var(&x.logDays, "keep-log-days", "entries of the log older than `N` days go, and messages without a label; 0 keeps them (default: [store] keep_log_days)")
	fs.BoolVar(&x.dryRun, "dry-run", false, "only say what would go")
	fs.BoolVar(&x.json, "json", false, "print the answer as JSON")
	fs.BoolVar(&x.quiet, "quiet", false, "draw no progress, print nothing")
}

// keepValue is a flag that says how much is kept, from 0 on, if it is not asConfigured.
type keepValue int

const asConfigured keepValue = -1

// String is flag.Value.
func (v *keepValue) String() string { return "" }

// Set is flag.Value.
func (v *keepValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return errors.New("want a number from 0 on")
	}
	*v = keepValue(n)
	return nil
}

// expiredAnswer is what expire prints.
type expiredAnswer struct {
	Scopes []expiredScope `json:"scopes"`
	training.Swept
}

type expiredScope struct {
	Scope string `json:"scope"`
	training.Expired
}

// Run takes the labels away that are not to be kept.
func (x *Expire) Run(ctx context.Context, e *cli.Env) (err error) {
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	if x.scope, err = set.Scope(x.scope); err != nil {
		return err
	}
	keep := x.keep(set)
	if keep.Age == 0 && keep.Rows == 0 {
		fmt.Fprintln(e.Stderr, "fanmill: no label expires: set keep_days or keep_messages in [store], or say --keep-days or --keep-messages")
	}
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	db, done, err := datadir.OpenLedger(ctx, e, dir, x.dryRun)
	if err != nil {
		return err
	}
	defer done(&err)
	scopes := []string{x.scope}
	if !x.scoped {
		if scopes, err = db.Scopes(); err != nil {
			return err
		}
	}
	var a expiredAnswer
	bar := cli.NewMeter(e, x.quiet || x.json, "expiring")
	for _, scope := range scopes {
		t := training.New(db, set.Trainer(scope, store.Origin{Actor: e.User(), Source: "expire"}, e.Logger()))
		sum, err := x.one(ctx, t, keep, bar)
		a.Scopes = append(a.Scopes, expiredScope{scope, sum})
		if err != nil {
			bar.Clear()
			return errors.Join(err, x.print(e, a))
		}
	}
	bar.Clear()
	a.Swept, err = x.sweep(ctx, db)
	return errors.Join(err, x.print(e, a))
}

// keep is what the configuration keeps, unless the command line says otherwise.
func (x *Expire) keep(set *settings.Settings) query.Keep {
	keep := set.Keep()
	if x.days >= 0 {
		keep.Age = time.Duration(x.days) * 24 * time.Hour
	}
	if x.messages >= 0 {
		keep.Rows = int(x.messages)
	}
	if x.logDays < 0 {
		x.logDays = keepValue(set.File.Store.KeepLogDays)
	}
	return keep
}

// sweep removes what is no longer needed, or counts it.
func (x *Expire) sweep(ctx context.Context, db *store.DB) (training.Swept, error) {
	if !x.dryRun {
		return training.Sweep(ctx, db, settings.LogMemory(int(x.logDays)), 0)
	}
	old, err := db.Stale(ctx, settings.LogMemory(int(x.logDays)), time.Now())
	return training.Swept{Messages: len(old.Messages), Ops: old.Ops}, err
}

func (x *Expire) one(ctx context.Context, t *training.Trainer, keep query.Keep, bar *cli.Meter) (sum training.Expired, err error) {
	if x.dryRun {
		_, sum, err = t.Expirables(ctx, keep)
		return sum, err
	}
	return t.Expire(ctx, keep, 0, func(done, total int) { bar.Show(done, int64(done), int64(total)) })
}

func (x *Expire) print(e *cli.Env, a expiredAnswer) error {
	switch {
	case x.json:
		return cli.PrintJSON(e.Stdout, a)
	case x.quiet:
		return nil
	}
	var all training.Expired
	for _, s := range a.Scopes {
		all.Found += s.Found
		all.Needed += s.Needed
		all.Labels += s.Labels
		all.Gained += s.Gained
	}
	swept := fmt.Sprintf("%s without a label and %s of the log", cli.Plural(a.Messages, "message", "messages"), cli.Plural(int(a.Ops), "entry", "entries"))
	if x.dryRun {
		return e.Printf("%s would expire, %d of them counting; %s would be removed\n", cli.Plural(all.Found, "label", "labels"), all.Needed, swept)
	}
	return e.Printf("%s expired, %d of them counting, %d count now in their place; %s removed\n",
		cli.Plural(all.Labels, "label", "labels"), all.Needed, all.Gained, swept)
}
