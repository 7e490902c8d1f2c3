package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/store/renew"
	"fanmill/store/sqlite"
)

// rebuildCmd builds the model from the ledger.
type rebuildCmd struct{ beside, json bool }

func (r *rebuildCmd) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&r.beside, "beside", false, "make features anew beside a ledger of an older version, which stays in use")
	fs.BoolVar(&r.json, "json", false, "print JSON")
}

// rebuilt is what rebuild prints.
type rebuilt struct {
	store.Labels
	Features int     `json:"features"`
	Op       int64   `json:"op"`   // the last one
	Same     bool    `json:"same"` // as what was loaded
	Seconds  float64 `json:"seconds"`

	Renewed *renew.Renewed `json:"renewed,omitempty"` // the ledger had an older feature version
}

// Run rebuilds. What other processes have in memory stays as it is.
func (r *rebuildCmd) Run(ctx context.Context, e *cli.Env) (err error) {
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	if r.beside {
		return r.prepare(ctx, e, dir)
	}
	var a rebuilt
	db, done, err := datadir.OpenLedger(ctx, e, dir, false)
	if errors.Is(err, sqlite.ErrFeatureVersion) {
		if a.Renewed, err = r.renew(ctx, e, dir); err != nil {
			return err
		}
		db, done, err = datadir.OpenLedger(ctx, e, dir, false)
	}
	if err != nil {
		return err
	}
	defer done(&err)
	if err := db.Check(ctx); err != nil {
		return err
	}
	before, err := db.Sum()
	if err != nil {
		return err
	}
	start := time.Now()
	if err := db.Rebuild(ctx); err != nil {
		return err
	}
	a.Seconds = time.Since(start).Seconds()
	if err := db.WriteSnapshot(); err != nil {
		return err
	}
	after, err := db.Sum()
	if err != nil {
		return err
	}
	model, err := db.Model("")
	if err != nil {
		return err
	}
	a.Labels, a.Features, a.Op, a.Same = model.Labels(), model.Features(), db.Seq(), before == after
	if err := r.print(e, a); err != nil || a.Same || a.Renewed != nil {
		return err
	}
	return cli.Hint(cli.WithCode(1, errNotSame), "restart the daemon if one runs")
}

// renew makes the features of a ledger of an older version anew. No daemon may run:
// an older one would go on with features of its own.
func (r *rebuildCmd) renew(ctx context.Context, e *cli.Env, dir string) (*renew.Renewed, error) {
	lock, err := datadir.Lock(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	sum, err := r.renewBy(ctx, e, dir, renew.Run)
	return &sum, err
}

// prepare does what it can of that while the daemon of an older version runs.
func (r *rebuildCmd) prepare(ctx context.Context, e *cli.Env, dir string) error {
	start := time.Now()
	sum, err := r.renewBy(ctx, e, dir, renew.Prepare)
	switch {
	case err != nil:
		return err
	case r.json:
		return cli.PrintJSON(e.Stdout, sum)
	case sum.From == classify.FeatureVersion:
		_, err = fmt.Fprintf(e.Stdout, "the ledger has feature version %d, as this fanmill: nothing is to be done\n", sum.From)
	default:
		_, err = fmt.Fprintf(e.Stdout, "beside the ledger, %s, in %.1f s\nrestart the daemon with this fanmill: it adds what is learned until then, and uses it\n",
			renewedWords(sum), time.Since(start).Seconds())
	}
	return cli.WriteError(err)
}

type renewFunc func(context.Context, renew.Options, renew.Extract, func(done, total int)) (renew.Renewed, error)

func (r *rebuildCmd) renewBy(ctx context.Context, e *cli.Env, dir string, do renewFunc) (renew.Renewed, error) {
	set, err := settings.Of(e)
	if err != nil {
		return renew.Renewed{}, err
	}
	bar := cli.NewMeter(e, r.json, "renewing")
	defer bar.Clear()
	return do(ctx, renew.Options{Dir: dir, Logger: e.Logger()}, set.Extract(),
		func(done, total int) { bar.Show(done, int64(done), int64(total)) })
}

// errNotSame is what rebuild is for.
var errNotSame = errors.New("the model that was loaded is not the one that the ledger gives: the snapshot was wrong, and is replaced")

func (r *rebuildCmd) print(e *cli.Env, a rebuilt) error {
	if r.json {
		return cli.PrintJSON(e.Stdout, a)
	}
	words := "the same as before"
	if a.Renewed != nil {
		words = renewedWords(*a.Renewed)
	} else if !a.Same {
		words = "it is NOT the same as before"
	}
	return e.Printf("built from %d ham and %d spam labels, which count %d and %d times, up to operation %d: %d features, in %.1f s\n%s\n",
		a.Ham, a.Spam, a.HamAdds, a.SpamAdds, a.Op, a.Features, a.Seconds, words)
}

// renewedWords says what became of a ledger of an older feature version.
func renewedWords(r renew.Renewed) string {
	words := fmt.Sprintf("features of version %d made anew for %s", r.From, cli.Plural(r.Messages, "message", "messages"))
	if r.Left > 0 {
		words += fmt.Sprintf("; %s taken away whose messages are not kept: train them again", cli.Plural(r.Left, "label was", "labels were"))
	}
	if r.Kept != "" {
		words += "\nthe old ledger is kept as " + cli.Safe(r.Kept)
	}
	return words
}
