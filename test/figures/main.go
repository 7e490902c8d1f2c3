// Command figures measures the figures of docs/accuracy.md on the SpamAssassin
// corpus and prints them as the table that stands there, in Markdown:
//
//	go run ./test/figures
//
// Each row is one or more runs of `fanmill eval` with default settings.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"fanmill/test/harness"
	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	resamples := flag.Int("resamples", figures.Resamples, "resample `N` times for the intervals")
	flag.Parse()
	if err := run(ctx, os.Stdout, *resamples); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, resamples int) error {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	index, err := harness.Index(root)
	if err != nil {
		return err
	}
	b := bench{index: index, resamples: resamples, done: map[string]eval.Series{}}
	fmt.Fprintln(out, "| measured | figure | must | aim | reached, with 95 % interval | |\n| --- | --- | ---: | ---: | ---: | --- |")
	for _, r := range rows {
		s, err := b.measure(ctx, r.plans)
		if err != nil {
			return err
		}
		base := eval.Series{}
		if r.times != nil {
			if base, err = b.measure(ctx, r.times); err != nil {
				return err
			}
		}
		for _, f := range r.figures {
			fmt.Fprintln(out, f.line(r.name, s, base))
		}
	}
	return nil
}

// bench measures each set of runs once.
type bench struct {
	index     string
	resamples int
	done      map[string]eval.Series
}

func (b bench) measure(ctx context.Context, plans []eval.Plan) (eval.Series, error) {
	key := fmt.Sprint(len(plans), plans[0])
	if s, ok := b.done[key]; ok {
		return s, nil
	}
	out, err := eval.Bench{
		Indexes: []string{b.index}, Configs: []eval.Config{eval.DefaultOptions(b.index).Config}, Plans: plans, Resamples: b.resamples,
	}.Run(ctx)
	if err != nil {
		return eval.Series{}, fmt.Errorf("measure %s: %w", plans[0], err)
	}
	b.done[key] = out.Series[0]
	return out.Series[0], nil
}
