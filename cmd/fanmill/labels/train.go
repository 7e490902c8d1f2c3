// Package labels has the commands that give many messages labels and take labels away:
// train, forget, expire and undo. Where only the daemon may write to the ledger, it does
// the work for them.
package labels

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"strings"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/training"
	"fanmill/training/corpus"
)

// trainFlags are common to train and forget.
type trainFlags struct {
	scope       string
	json, quiet bool
}

func (t *trainFlags) Flags(fs *flag.FlagSet) {
	fs.Var(cli.ScopeValue(&t.scope), "scope", "train scope `NAME` instead of the whole site")
	fs.BoolVar(&t.json, "json", false, "print the summary as JSON")
	fs.BoolVar(&t.quiet, "quiet", false, "draw no progress, print no summary")
}

// Train learns messages.
type Train struct {
	trainFlags
	ham, spam, all bool
}

// Flags is cli.Runner.
func (t *Train) Flags(fs *flag.FlagSet) {
	t.trainFlags.Flags(fs)
	fs.BoolVar(&t.ham, "ham", false, "the messages are ham")
	fs.BoolVar(&t.spam, "spam", false, "the messages are spam")
	fs.BoolVar(&t.all, "all", false, "count every message, not only near-errors")
}

// Run learns the messages of Args.
func (t *Train) Run(ctx context.Context, e *cli.Env) error {
	class := store.Ham
	switch {
	case t.ham && t.spam:
		return cli.UsageErrorf("say --ham or --spam, not both")
	case t.spam:
		class = store.Spam
	case !t.ham:
		return cli.UsageErrorf("say --ham or --spam")
	}
	dir, err := e.DataDir()
	if err != nil {
		return err
	}
	job := job{verb: "training", did: "trained", words: trainedWords, class: class.String(), all: t.all, trainFlags: t.trainFlags}
	return job.run(ctx, e, dir, func(tr *training.Trainer, o corpus.Options, p func(training.Progress)) (training.Summary, error) {
		return tr.Train(ctx, class, e.Args, o, p)
	})
}

func trainedWords(s training.Summary) string {
	words := fmt.Sprintf("%d learned, %d sure already, %d seen before, %d flipped", s.Learned, s.Sure, s.Seen, s.Flipped)
	if s.Earlier > 0 {
		words += fmt.Sprintf(" (%d of them recorded earlier)", s.Earlier)
	}
	if s.Waiting > 0 {
		words += fmt.Sprintf(", %d recorded, to be learned once there are %d messages of each class", s.Waiting, classify.MinLabels)
	}
	return words
}

// Forget takes messages out of training.
type Forget struct{ trainFlags }

// Run forgets the messages of Args.
func (f *Forget) Run(ctx context.Context, e *cli.Env) error {
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	job := job{verb: "forgetting", did: "dealt with", words: forgottenWords, class: "forget", trainFlags: f.trainFlags}
	return job.run(ctx, e, dir, func(tr *training.Trainer, o corpus.Options, p func(training.Progress)) (training.Summary, error) {
		return tr.Forget(ctx, e.Args, o, p)
	})
}

func forgottenWords(s training.Summary) string {
	return fmt.Sprintf("%d forgotten, %d not known", s.Forgotten, s.NotFound)
}

// job is what train and forget have in common.
type job struct {
	trainFlags
	class     string // ham, spam or forget
	all       bool
	verb, did string
	words     func(training.Summary) string
}

// work is the part that differs.
type work func(*training.Trainer, corpus.Options, func(training.Progress)) (training.Summary, error)

func (j job) run(ctx context.Context, e *cli.Env, dir string, do work) (err error) {
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	if j.scope, err = set.Scope(j.scope); err != nil {
		return err
	}
	db, done, err := datadir.OpenLedger(ctx, e, dir, false)
	if errors.Is(err, fs.ErrPermission) {
		through, done, err := j.newRelay(ctx, dir, err)
		if err != nil {
			return err
		}
		defer done()
		return j.report(ctx, e, func(o corpus.Options, p func(training.Progress)) (training.Summary, error) {
			return through.run(ctx, e.Args, o, p)
		})
	}
	if err != nil {
		return err
	}
	defer done(&err)
	to := set.Trainer(j.scope, store.Origin{Actor: e.User(), Source: "train"}, e.Logger())
	to.All = to.All || j.all
	return j.report(ctx, e, func(o corpus.Options, p func(training.Progress)) (training.Summary, error) {
		return do(training.New(db, to), o, p)
	})
}

// report does the work and says what came of it.
func (j job) report(ctx context.Context, e *cli.Env, do func(corpus.Options, func(training.Progress)) (training.Summary, error)) error {
	bar := cli.NewMeter(e, j.quiet, j.verb)
	bad := cli.NewProblems(e, bar)
	sum, err := do(corpus.Options{Stdin: e.Stdin, Problem: bad.Add}, j.progress(bar))
	bar.Clear()
	if perr := j.print(e, sum); perr != nil {
		return errors.Join(err, perr)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w; what the summary says is done", context.Cause(ctx))
	}
	return errors.Join(err, bad.Err(sum.Messages(), j.did))
}

// progress is nil where nothing is drawn: the total need not be found then.
func (j job) progress(bar *cli.Meter) func(training.Progress) {
	if bar == nil {
		return nil
	}
	return func(p training.Progress) {
		if p.ToLearn > 0 {
			bar.Verb = "learning"
			bar.Show(p.Learning, int64(p.Learning), int64(p.ToLearn))
			return
		}
		bar.Show(p.Summary.Messages(), p.Bytes, p.Total)
	}
}

func (j job) print(e *cli.Env, sum training.Summary) error {
	switch {
	case j.json:
		return cli.PrintJSON(e.Stdout, sum)
	case j.quiet:
		return nil
	}
	line := j.words(sum)
	if sum.Failed > 0 {
		line += fmt.Sprintf(", %d failed", sum.Failed)
	}
	return e.Print(strings.TrimSpace(line) + "\n")
}
