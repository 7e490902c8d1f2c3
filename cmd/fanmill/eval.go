package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"

	"fanmill/training/eval"
)

// evalCmd measures accuracy on labelled mail.
type evalCmd struct {
	from, folds int
	seed        uint64
	shuffle     string
	all         bool
	json, quiet bool
}

func (c *evalCmd) flags(fs *flag.FlagSet) {
	fs.IntVar(&c.from, "from", 1, "count from message `N` on; those before are only learned")
	fs.IntVar(&c.folds, "folds", 0, "cross-validate with `K` parts instead of going by the order")
	fs.Uint64Var(&c.seed, "seed", 0, "with --folds: `S` decides how the parts are drawn")
	fs.StringVar(&c.shuffle, "shuffle", "", "take the messages in the order that the number `S` makes of theirs")
	fs.BoolVar(&c.all, "train-all", false, "count every message, not only near-errors")
	fs.BoolVar(&c.json, "json", false, "print JSON")
	fs.BoolVar(&c.quiet, "quiet", false, "draw no progress")
}

// Run measures.
func (c *evalCmd) Run(ctx context.Context, e *Env) error {
	set, err := e.settings()
	if err != nil {
		return err
	}
	o, err := c.options(e.Args[0], set)
	if err != nil {
		return err
	}
	bar := newMeter(e, c.quiet, "measuring")
	o.Progress = func(done, total int) { bar.show(done, int64(done), int64(total)) }
	r, err := eval.Run(ctx, o)
	bar.clear()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && exitCode(err) == exitSoftware:
		return exit(exitData, fmt.Errorf("measure accuracy: %w", err))
	case err != nil:
		return fmt.Errorf("measure accuracy: %w", err)
	case c.json:
		return printJSON(e.Stdout, r)
	}
	return writeError(r.WriteText(e.Stdout))
}

func (c *evalCmd) options(index string, set *settings) (eval.Options, error) {
	o := eval.DefaultOptions(index)
	o.Classify, o.Cutoffs, o.Rule = set.classify, set.policy.Cutoffs, set.rule
	o.From, o.Folds, o.Seed = c.from, c.folds, c.seed
	o.Rule.All = o.Rule.All || c.all
	if c.from < 1 || c.folds < 0 || c.folds == 1 {
		return o, usageErrorf("--from counts from 1, --folds from 2")
	}
	if c.shuffle != "" {
		n, err := strconv.ParseUint(c.shuffle, 10, 64)
		if err != nil {
			return o, usageErrorf("--shuffle: %w", errors.Unwrap(err))
		}
		o.Shuffle = &n
	}
	return o, nil
}
