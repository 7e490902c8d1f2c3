package labels

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"fanmill/control"
	"fanmill/training"
	"fanmill/training/corpus"
)

// relay has the daemon train: the ledger is its user's, and whoever may not
// write there but may talk to the daemon, as its group may, trains through it. Each
// message is a transaction of its own, so this is slower than writing to the ledger.
type relay struct {
	daemon control.Judge
	class  string // ham, spam or forget
	scope  string
}

// newRelay returns a relay to the daemon of the data directory in place of the
// refusal to write the ledger.
func (j job) newRelay(ctx context.Context, dir string, refusal error) (relay, func(), error) {
	c, err := dialInstead(ctx, dir, refusal)
	switch {
	case err != nil:
		return relay{}, nil, err
	case j.all:
		c.Close()
		return relay{}, nil, fmt.Errorf("--all cannot be had through the daemon: %w", refusal)
	}
	return relay{c, j.class, j.scope}, c.Close, nil
}

// dialInstead returns the daemon of the data directory in place of the refusal to write
// the ledger; without a daemon that stands.
func dialInstead(ctx context.Context, dir string, refusal error) (*control.Client, error) {
	c, err := control.Dial(ctx, dir)
	if errors.Is(err, control.ErrNoDaemon) || errors.Is(err, fs.ErrPermission) {
		return nil, refusal
	}
	return c, err
}

// run is training.Trainer's Train or Forget.
func (r relay) run(ctx context.Context, paths []string, o corpus.Options, progress func(training.Progress)) (training.Summary, error) {
	var p training.Progress
	if progress != nil {
		total, known, err := corpus.Total(ctx, paths)
		if err != nil {
			return p.Summary, err
		}
		if known {
			p.Total = total
		}
	}
	report := o.Problem
	o.Problem = func(problem corpus.Problem) {
		p.Summary.Failed++
		report(problem)
	}
	err := corpus.Walk(ctx, paths, o, func(i corpus.Item) error {
		reply, err := r.daemon.Learn(ctx, control.LearnRequest{Scope: r.scope, Class: r.class, Many: true}, bytes.NewReader(i.Raw))
		if err != nil {
			return fmt.Errorf("train %s through the daemon: %w", i.Source, err)
		}
		outcome, err := training.ParseOutcome(reply.Result)
		if err != nil {
			return fmt.Errorf("understand the daemon: %w", err)
		}
		p.Summary.Count(outcome)
		if p.Bytes = i.Done; progress != nil {
			progress(p)
		}
		return nil
	})
	if err != nil || r.class == "forget" {
		return p.Summary, err
	}
	done, err := r.daemon.Settle(ctx, r.scope, "")
	if err != nil {
		return p.Summary, fmt.Errorf("learn what was recorded: %w", err)
	}
	p.Summary.Settle(done)
	return p.Summary, nil
}
