// Package measure is the command eval: its flags, what they ask of package training/eval,
// and the page that the answer is written to.
package measure

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/policy"
	"fanmill/training/eval"
	"fanmill/training/eval/figures"
	"fanmill/training/eval/render"
)

// Command measures accuracy on labelled mail.
type Command struct {
	from              firstValue
	folds, delay      int
	split             splitValue
	flip              shareValue
	flipHam, flipSpam shareValue
	seeds, shuffles   seedsValue
	compare           bool
	all, auto         bool
	advise            oneInValue
	worst, resamples  int
	html              string
	json, quiet       bool
}

// Flags is cli.Runner.
func (c *Command) Flags(fs *flag.FlagSet) {
	c.from = 1
	fs.Var(&c.from, "from", "count from message `N` on; those before are only learned; auto: from the 20th of the rarer class")
	fs.IntVar(&c.delay, "delay", 0, "labels are learned `N` messages late; the last N are never learned")
	fs.IntVar(&c.folds, "folds", 0, "cross-validate with `K` parts instead of going by the order")
	fs.Var(&c.split, "split", "learn the first part, then score the rest: half, or the `SHARE` that is learned")
	fs.Var(&c.flip, "flip", "learn the share `P` of all labels wrong; the true ones judge")
	fs.Var(&c.flipHam, "flip-ham", "learn the share `P` of ham as spam")
	fs.Var(&c.flipSpam, "flip-spam", "learn the share `P` of spam as ham")
	fs.Var(&c.seeds, "seed", "`S` decides how parts are drawn and which labels are flipped; 1-10: ten runs")
	fs.Var(&c.shuffles, "shuffle", "take the messages in the order that the number `S` makes of theirs; 1-10: ten runs")
	fs.BoolVar(&c.compare, "compare", false, "compare two configurations: A.toml B.toml stand before the indexes")
	fs.BoolVar(&c.all, "train-all", false, "count every message, not only near-errors")
	fs.BoolVar(&c.auto, "autolearn", false, "with --split: learn the rest by its scores, by [autolearn] of the configuration")
	fs.Var(&c.advise, "advise", "propose cut-offs that reject 1 in `N` ham at most; 1000 or \"1 in 1000\"")
	fs.IntVar(&c.worst, "worst", 0, "show the `N` surest mistakes of each index with their clues")
	fs.IntVar(&c.resamples, "resamples", figures.Resamples, "resample `N` times for the intervals")
	fs.StringVar(&c.html, "html", "", "write a page with the curves and the surest mistakes to `FILE`")
	fs.BoolVar(&c.json, "json", false, "print JSON, see docs/evaluation.md")
	fs.BoolVar(&c.quiet, "quiet", false, "draw no progress")
}

// Run measures.
func (c *Command) Run(ctx context.Context, e *cli.Env) error {
	b, err := c.bench(e)
	if err != nil {
		return err
	}
	page, err := openPage(c.html)
	if err != nil {
		return err
	}
	defer page.abandon()
	bar := cli.NewMeter(e, c.quiet, "measuring")
	b.Progress = func(p eval.Phase, done, total int) {
		if p == eval.Resampling {
			bar.Phase("resampling", "resamples")
		}
		bar.Show(done, int64(done), int64(total))
	}
	out, err := b.Run(ctx)
	bar.Clear()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && cli.CodeOf(err) == cli.ExitSoftware:
		return cli.WithCode(cli.ExitData, fmt.Errorf("measure accuracy: %w", err))
	case err != nil:
		return fmt.Errorf("measure accuracy: %w", err)
	}
	if err := c.print(e, out); err != nil {
		return err
	}
	return page.write(func(w *bytes.Buffer) error { return render.WritePage(w, out, cli.Safe) })
}

func (c *Command) print(e *cli.Env, out *eval.Outcome) error {
	if c.json {
		return cli.PrintJSON(e.Stdout, render.JSON(out))
	}
	return cli.WriteError(render.WriteText(e.Stdout, out, cli.Safe))
}

// bench says what to measure, from flags and configuration.
func (c *Command) bench(e *cli.Env) (eval.Bench, error) {
	b := eval.Bench{Resamples: c.resamples, Worst: c.worst, OneIn: int(c.advise)}
	if err := c.check(); err != nil {
		return b, err
	}
	if c.html != "" && c.worst == 0 {
		b.Worst = 25
	}
	configs := []string{e.ConfigPath()}
	b.Indexes = e.Args
	if c.compare {
		if len(e.Args) < 3 {
			return b, cli.UsageErrorf("--compare: want two configuration files and then an INDEX")
		}
		configs, b.Indexes = e.Args[:2], e.Args[2:]
	}
	for _, path := range configs {
		set, err := settings.In(e, path)
		if err != nil {
			return b, err
		}
		b.Configs = append(b.Configs, c.config(path, set))
		b.Drops = set.Policy.Spam == policy.Discard
	}
	b.Plans = c.plans()
	if b.OneIn > 0 && (len(b.Indexes) > 1 || len(b.Plans) > 1 || c.compare) {
		return b, cli.UsageErrorf("--advise wants one INDEX, one configuration and one seed")
	}
	return b, nil
}

// check refuses flags that do not go together, or whose values no corpus fits.
func (c *Command) check() error {
	switch {
	case c.folds < 0 || c.folds == 1:
		return cli.UsageErrorf("--folds: %d is less than 2", c.folds)
	case c.delay < 0:
		return cli.UsageErrorf("--delay: %d is less than 0", c.delay)
	case c.worst < 0:
		return cli.UsageErrorf("--worst: %d is less than 0", c.worst)
	case c.resamples < 100:
		return cli.UsageErrorf("--resamples: %d is less than 100", c.resamples)
	case c.flip > 0 && c.flipHam+c.flipSpam > 0:
		return cli.UsageErrorf("--flip and --flip-ham or --flip-spam exclude each other")
	case c.folds > 0 && c.delay > 0, c.folds > 0 && c.split > 0, c.delay > 0 && c.split > 0:
		return cli.UsageErrorf("--delay, --folds and --split exclude each other")
	case c.auto && c.split == 0:
		return cli.UsageErrorf("--autolearn wants --split: the labels of the first part are learned")
	}
	return nil
}

// config is the part of a configuration that accuracy depends on.
func (c *Command) config(path string, set *settings.Settings) eval.Config {
	rule := set.Rule
	rule.All = rule.All || c.all
	return eval.Config{Name: path, Classify: set.Classify, Cutoffs: set.Policy.Cutoffs, Rule: rule, Auto: set.AutoRule()}
}

// plans are one for each order and seed. Advice is taken from trained models
// only, where nothing else was asked for.
func (c *Command) plans() []eval.Plan {
	plan := eval.Plan{
		From: int(c.from), Delay: c.delay, Folds: c.folds, Split: float64(c.split), Auto: c.auto,
		FlipHam: float64(c.flip + c.flipHam), FlipSpam: float64(c.flip + c.flipSpam),
	}
	if c.advise > 0 && c.from == 1 && c.folds == 0 {
		plan.From = eval.FromAuto
	}
	orders := []*uint64{nil}
	if len(c.shuffles) > 0 {
		orders = nil
		for i := range c.shuffles {
			orders = append(orders, &c.shuffles[i])
		}
	}
	seeds := c.seeds
	if len(seeds) == 0 {
		seeds = seedsValue{0}
	}
	var plans []eval.Plan
	for _, order := range orders {
		for _, seed := range seeds {
			plan.Shuffle, plan.Seed = order, seed
			plans = append(plans, plan)
		}
	}
	return plans
}

// page is the file that a page goes to. It is opened before the measuring, so
// that a wrong path is not found out after it, and changed only after that. A nil
// page is none.
type page struct {
	file *os.File
	made bool
}

func openPage(path string) (*page, error) {
	if path == "" {
		return nil, nil
	}
	_, err := os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, cli.WithCode(cli.ExitCantCreate, fmt.Errorf("write page: %w", err))
	}
	return &page{f, made}, nil
}

// write replaces the file's content.
func (p *page) write(content func(*bytes.Buffer) error) error {
	if p == nil {
		return nil
	}
	var b bytes.Buffer
	err := content(&b)
	if fi, statErr := p.file.Stat(); err == nil && statErr == nil && fi.Mode().IsRegular() {
		err = p.file.Truncate(0)
	}
	if err == nil {
		_, err = p.file.Write(b.Bytes())
	}
	if err == nil {
		err = p.file.Close()
	}
	if err != nil {
		return cli.WithCode(cli.ExitIO, fmt.Errorf("write page: %w", err))
	}
	p.file = nil
	return nil
}

// abandon leaves nothing behind of a page that was not written.
func (p *page) abandon() {
	if p == nil || p.file == nil {
		return
	}
	_ = p.file.Close()
	if p.made {
		_ = os.Remove(p.file.Name())
	}
}
