// Package exhaustion is the command exhaust: what it may be asked for, a run from the
// first mailbox read to the last one written, and what it says on the way. How training
// to exhaustion goes is package training/exhaust's.
package exhaustion

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/mailboxes"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/training/corpus"
	"fanmill/training/cull"
	"fanmill/training/exhaust"
)

// Command trains to exhaustion.
type Command struct {
	mailboxes.LabelledFlags
	scope                       string
	json, quiet                 bool
	rounds                      int
	margin                      float64
	ratio                       ratioValue
	only, culled, force, dryRun bool
	logFile, drop               string
}

// Flags is cli.Runner.
func (x *Command) Flags(fs *flag.FlagSet) {
	x.LabelledFlags.Flags(fs)
	fs.Var(cli.ScopeValue(&x.scope), "scope", "train scope `NAME` instead of the whole site")
	fs.BoolVar(&x.json, "json", false, "print the summary as JSON")
	fs.BoolVar(&x.quiet, "quiet", false, "draw no progress, print no summary")
	fs.IntVar(&x.rounds, "rounds", exhaust.DefaultRounds, "go over the messages `N` times at most")
	fs.Float64Var(&x.margin, "margin", exhaust.DefaultMargin, "a message counts unless the counts put it on its side by log-odds of `M`")
	fs.Var(&x.ratio, "ratio", "train groups of so many `HAM:SPAM` in turn (default: in proportion)")
	fs.BoolVar(&x.only, "only", false, "train what --ham and --spam name only; other labels of the scope count no more")
	fs.BoolVar(&x.culled, "cull", false, "write PATH.cull for each PATH: an mbox of its messages that are needed")
	fs.BoolVar(&x.force, "force", false, "replace what --cull or --drop-misses find in their place")
	fs.StringVar(&x.logFile, "log", "", "append to `FILE` what each round missed, and why")
	fs.StringVar(&x.drop, "drop-misses", "", "take what is missed in the end out of training, and put it into mbox `FILE` in the form the ledger keeps")
	fs.BoolVar(&x.dryRun, "dry-run", false, "only say what would come out; write nothing but the log")
}

// ratioValue is the flag --ratio.
type ratioValue struct{ ham, spam int }

// String is flag.Value.
func (v *ratioValue) String() string {
	if v.ham == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d", v.ham, v.spam)
}

// Set is flag.Value.
func (v *ratioValue) Set(s string) error {
	var rest string
	if n, _ := fmt.Sscanf(s+" .", "%d:%d %s", &v.ham, &v.spam, &rest); n != 3 || rest != "." || min(v.ham, v.spam) < 1 || max(v.ham, v.spam) > 1000 {
		return errors.New("want HAM:SPAM, numbers from 1 to 1000 such as 2:1")
	}
	return nil
}

// check finds what cannot be meant.
func (x *Command) check() error {
	var inputs []cull.Input
	for _, p := range x.Paths() {
		inputs = append(inputs, cull.Input{Path: p})
	}
	switch {
	case x.rounds < 1:
		return cli.UsageErrorf("--rounds must be 1 or more")
	case !(x.margin > 0 && x.margin <= 1000):
		return cli.UsageErrorf("--margin must be more than 0 and at most 1000")
	case x.only && len(inputs) == 0:
		return cli.UsageErrorf("--only leaves the ledger out: say --ham PATH and --spam PATH too")
	case x.culled && len(inputs) == 0:
		return cli.UsageErrorf("--cull writes PATH.cull: say --ham PATH and --spam PATH too")
	}
	if twice := namedTwice(x.Paths()); x.culled && twice != "" {
		return cli.UsageErrorf("%s is named twice", twice)
	}
	if x.logFile != "" && namedTwice(append([]string{x.logFile}, x.Paths()...)) == x.logFile {
		return cli.UsageErrorf("--log %s is one of the mailboxes", x.logFile)
	}
	if x.culled {
		if err := cull.Rereadable(inputs); err != nil {
			return cli.UsageErrorf("%w", err)
		}
	}
	return nil
}

// namedTwice returns the first path that leads to the same file as another one.
func namedTwice(paths []string) string {
	for i, a := range paths {
		one, err := os.Stat(a)
		for _, b := range paths[i+1:] {
			if other, otherErr := os.Stat(b); err == nil && otherErr == nil && os.SameFile(one, other) {
				return a
			}
		}
	}
	return ""
}

// open opens the ledger. Only mailboxes to train are a reason to make one: who names
// none, or writes nothing, has named the wrong directory.
func (x *Command) open(ctx context.Context, e *cli.Env) (*store.DB, func(*error), error) {
	if len(x.Paths()) > 0 && !x.dryRun {
		dir, err := e.DataDir()
		if err != nil {
			return nil, nil, err
		}
		return datadir.OpenLedger(ctx, e, dir, false)
	}
	dir, err := e.ExistingData()
	if err != nil {
		return nil, nil, err
	}
	return datadir.OpenExisting(ctx, e, dir, x.dryRun)
}

// Run trains to exhaustion.
func (x *Command) Run(ctx context.Context, e *cli.Env) (err error) {
	if err := x.check(); err != nil {
		return err
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	if x.scope, err = set.Scope(x.scope); err != nil {
		return err
	}
	db, done, err := x.open(ctx, e)
	if err != nil {
		return err
	}
	defer done(&err)
	to := set.Trainer(x.scope, store.Origin{Actor: e.User(), Source: store.Exhaust}, e.Logger())
	bar := cli.NewMeter(e, x.quiet, "reading")
	run := &session{x: x, e: e, db: db, bar: bar, by: to.Origin, bad: cli.NewProblems(e, bar)}
	run.src = exhaust.Sources{
		Scope: x.scope, Only: x.only, Classify: to.Classify, FeaturesOnly: to.FeaturesOnly,
		Corpus: corpus.Options{Stdin: e.Stdin, Problem: run.bad.Add}, Progress: func(n int) { bar.Show(n, 0, 0) },
	}
	defer run.discard()
	return run.all(ctx, exhaust.Options{Rounds: x.rounds, Margin: x.margin, Ham: x.ratio.ham, Spam: x.ratio.spam, Cutoffs: set.Policy.Cutoffs})
}
