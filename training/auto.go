package training

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/store/query"
)

// autoSource marks the decisions of an Auto in the ledger.
const autoSource = "auto"

const (
	autoQueue  = 64 // messages that may wait for the ledger; their lists have some kB each
	autoRecent = 10_000
)

// AutoOptions say what an Auto learns.
type AutoOptions struct {
	Enabled bool
	AutoRule
	Trainer Options // Scope is the site's, Origin.Source is set by Auto
}

// Auto learns automatically: mail of the site's scope by the filter's own verdicts, as far as its rule
// goes. What adds nothing to the model leaves no label; what the ledger knows in any way,
// a label taken back included, is left to people. The messages of one Message-ID are
// learned once as long as the last 10,000 are remembered, across a restart as far as the
// history knows them: a mailing list sends a message again in another form.
type Auto struct {
	db      *store.DB
	history *history.History // nil: none
	options func() AutoOptions
	log     *slog.Logger
	queue   chan verdict
	dropped atomic.Int64

	// What follows belongs to the goroutine of Run.
	own, automatic *query.Tally // of the labels of an Auto, and of all that no person gave
	recent         recent
	scorer         classify.Scorer
}

// verdict is a message that may be learned.
type verdict struct {
	class   store.Class
	score   float64
	message *classify.Message
}

// NewAuto returns an Auto that writes to db; nothing is learned until Run is called.
// options are asked for with every message, by several goroutines at once. history may be nil.
func NewAuto(db *store.DB, history *history.History, options func() AutoOptions, log *slog.Logger) *Auto {
	return &Auto{
		db: db, history: history, options: options, log: log, queue: make(chan verdict, autoQueue),
		own: db.Tally("", autoSource), automatic: db.Tally("", automatic...),
	}
}

// Learn offers a message with its score in the site's scope. It looks at the model in
// memory only, and never waits: what finds the queue full is dropped and counted. m is
// not kept.
func (a *Auto) Learn(m *classify.Message, s classify.Score) {
	o := a.options()
	class := o.Class(s)
	if !o.Enabled || class == store.None {
		return
	}
	model, err := a.db.Model("")
	if err != nil || o.rule().Judge(class == store.Spam, s, len(m.Grams), model, false).Nothing() {
		return
	}
	if len(a.queue) == cap(a.queue) {
		a.dropped.Add(1)
		return
	}
	// Features and digest are all that is learned: the text of mail that nobody has
	// read is not kept.
	select {
	case a.queue <- verdict{class, s.P, withoutText(m)}:
	default:
		a.dropped.Add(1)
	}
}

func (o *AutoOptions) rule() Rule {
	return Rule{All: o.Trainer.All, Margin: cmp.Or(o.Trainer.Margin, DefaultMargin)}
}

// Run learns what is offered until ctx ends. What waits then is dropped.
func (a *Auto) Run(ctx context.Context) {
	recalled := false
	for {
		select {
		case <-ctx.Done():
			return
		case v := <-a.queue:
			if !recalled { // not before it is needed: most sites learn nothing so
				recalled = true
				if err := a.recall(ctx); err != nil && ctx.Err() == nil {
					a.log.Warn("the messages learned automatically before the restart are not known: one that a list sends again may be learned twice", "error", err)
				}
			}
			if err := a.one(ctx, v); err != nil && ctx.Err() == nil {
				a.log.Error("cannot learn automatically, the message is passed over", "digest", v.message.Digest, "error", err)
			}
			if n := a.dropped.Swap(0); n > 0 {
				a.log.Warn("automatic learning passed messages over: the ledger did not keep up", "messages", n)
			}
		}
	}
}

// one learns a message that still is what it was taken for, if the rule allows it.
func (a *Auto) one(ctx context.Context, v verdict) error {
	o := a.options()
	if !o.Enabled || a.recent.has(v.message.MessageID) {
		return nil
	}
	own, _, err := a.own.Count(ctx)
	if err != nil {
		return err
	}
	_, people, err := a.automatic.Count(ctx)
	if err != nil {
		return err
	}
	if !o.Allows(v.class, people, own) {
		return nil
	}
	o.Trainer.Scope, o.Trainer.Origin = "", store.Origin{Source: autoSource}
	t := New(a.db, o.Trainer)
	result, err := t.one(ctx, func(tx *store.Tx, _ *classify.Message) (Result, error) { return a.learn(tx, t, o.AutoRule, v) }, v.message)
	if err != nil || result.Outcome != Learned {
		return err
	}
	a.recent.add(v.message.MessageID)
	a.log.Info("learned automatically", "digest", v.message.Digest, "class", v.class, "score", v.score)
	return nil
}

// learn is the action of one. A message that is known, or says nothing new any more,
// is not recorded.
func (a *Auto) learn(tx *store.Tx, t *Trainer, rule AutoRule, v verdict) (Result, error) {
	m := v.message
	old, found, err := tx.Find("", m.Digest)
	if err != nil || found {
		return Result{Outcome: Outranked, Digest: m.Digest}, err
	}
	model := tx.Model("")
	s := a.scorer.Score(m.Features, m.Grams, model)
	if rule.Class(s) != v.class || t.rule.Judge(v.class == store.Spam, s, len(m.Grams), model, false).Nothing() {
		return Result{Outcome: Seen, Digest: m.Digest}, nil
	}
	return t.learn(tx, &a.scorer, v.class, m, old)
}

// recall remembers the Message-IDs of what was learned before this process began: the
// ledger has the digests, the history the Message-IDs that go with them.
func (a *Auto) recall(ctx context.Context) error {
	if a.history == nil {
		return nil
	}
	learned := map[classify.Digest]bool{}
	err := a.db.LearnedBy(ctx, "", autoSource, func(d classify.Digest) { learned[d] = true })
	if err != nil || len(learned) == 0 {
		return err
	}
	return a.history.MessageIDs(ctx, func(d classify.Digest, id string) {
		if learned[d] {
			a.recent.add(id)
		}
	})
}

// recent are the Message-IDs of what was learned last.
type recent struct {
	ids  map[string]struct{}
	ring []string // the oldest at next, once it is full
	next int
}

func (r *recent) has(id string) bool {
	_, ok := r.ids[id]
	return ok
}

func (r *recent) add(id string) {
	if id == "" || r.has(id) {
		return
	}
	if r.ids == nil {
		r.ids = map[string]struct{}{}
	}
	if len(r.ring) < autoRecent {
		r.ring = append(r.ring, id)
	} else {
		delete(r.ids, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % autoRecent
	}
	r.ids[id] = struct{}{}
}
