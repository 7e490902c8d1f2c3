package eval

import (
	"context"

	"fanmill/classify"
	"fanmill/training/eval/figures"
)

// run is one walk through a corpus.
type run struct {
	corpus *corpus
	config Config
	plan   Plan
	worst  int              // mistakes to explain
	order  []int            // which message comes at each place
	labels []bool           // what is taught of it
	start  int              // first place that counts
	places []figures.Result // what was scored at each place
	passes []*pass
}

func newRun(c *corpus, config Config, plan Plan, worst int) *run {
	n := len(c.entries)
	r := &run{corpus: c, config: config, plan: plan, worst: worst, order: plan.order(n), places: make([]figures.Result, n)}
	r.labels = plan.labels(r.order, c.entries)
	r.start = plan.start(r.order, c.entries)
	for fold := range plan.passes() {
		r.passes = append(r.passes, &pass{run: r, fold: fold})
	}
	return r
}

// passes is how many models a run trains, each from nothing.
func (p Plan) passes() int { return max(p.Folds, 1) }

// counted returns what counts, once all passes are done.
func (r *run) counted() figures.Run { return figures.NewRun(r.places[r.start:]) }

// pass is the life of one model. The passes of a run write to places of their
// own and may run at once.
type pass struct {
	*run
	fold     int
	ctx      context.Context
	progress *progress
	reader   *reader
	learner  *learner
	mistakes mistakes
}

// do trains and scores; the model is dropped at its end.
func (p *pass) do(ctx context.Context, progress *progress) error {
	p.ctx, p.progress, p.reader, p.learner = ctx, progress, p.corpus.reader(), newLearner(p.config.Rule)
	p.mistakes.most = p.worst
	defer func() { p.reader, p.learner = nil, nil }() // their memory is for the passes to come
	switch n := len(p.order); {
	case p.plan.Folds > 0:
		part := p.plan.parts(n)
		return p.batch(func(at int) bool { return part[at] == p.fold })
	case p.plan.Split > 0:
		learned := p.plan.learned(n)
		return p.batch(func(at int) bool { return at >= learned })
	}
	return p.online()
}

// online scores each message, then learns it or, with a delay, an earlier one.
func (p *pass) online() error {
	for at := range p.order {
		m, err := p.read(at)
		if err != nil {
			return err
		}
		before, _, err := p.score(at, m)
		if err != nil {
			return err
		}
		if late := at - p.plan.Delay; late == at {
			p.learn(at, m, before)
		} else if late >= 0 {
			if m, err = p.reader.read(p.order[late]); err != nil {
				return err
			}
			p.learn(late, m, p.learner.score(m))
		}
	}
	return nil
}

// batch learns all messages but the held out, and then scores those.
func (p *pass) batch(held func(at int) bool) error {
	for at := range p.order {
		if held(at) {
			continue
		}
		m, err := p.read(at)
		if err != nil {
			return err
		}
		m.spam = p.labels[at]
		p.learner.record(m)
	}
	p.learner.settle()
	for at := range p.order {
		if !held(at) {
			continue
		}
		m, err := p.read(at)
		if err != nil {
			return err
		}
		_, verdict, err := p.score(at, m)
		if err != nil {
			return err
		}
		if p.plan.Auto {
			p.learner.auto(p.config.Auto, m, verdict)
		}
	}
	return nil
}

// read returns the message at a place.
func (p *pass) read(at int) (message, error) {
	if err := p.ctx.Err(); err != nil {
		return message{}, err
	}
	p.progress.step()
	return p.reader.read(p.order[at])
}

// score scores and records the message at a place. It returns the score that training
// goes by and the one that counts.
func (p *pass) score(at int, m message) (before, verdict classify.Score, err error) {
	before = p.learner.score(m)
	verdict = p.learner.verdict(m, before)
	r := figures.Result{Message: p.order[at], Spam: m.spam, Score: verdict}
	p.places[at] = r
	if at < p.start {
		return before, verdict, nil
	}
	return before, verdict, p.mistakes.add(r, func() (Mistake, error) { return p.explain(r) })
}

// learn teaches the message at a place with its label.
func (p *pass) learn(at int, m message, before classify.Score) {
	m.spam = p.labels[at]
	p.learner.learn(m, before)
}
