package training

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"fanmill/classify"
	"fanmill/store"
)

// ruleSource marks labels that a rule gave: for a welcome or blocked sender.
const ruleSource = "rule"

const (
	teachQueue = 1000            // messages that may wait for the ledger
	teachRest  = 5 * time.Second // for what waits when the daemon stops
)

// Teacher learns what rules say about mail. A rule is no person: what somebody has
// labelled, or has taken a label from, it leaves alone; what it taught can be taken back
// (fanmill undo --source rule). Only features are learned: the text of mail that nobody
// has read is not kept.
type Teacher struct {
	db      *store.DB
	options func(scope string) Options
	log     *slog.Logger
	queue   chan lesson
	dropped atomic.Int64
}

// lesson is a message with what a rule says about it.
type lesson struct {
	scope, rule string
	class       store.Class
	message     *classify.Message
}

// NewTeacher returns a Teacher that writes to db; nothing is learned until Run is called.
// options are asked for with every message; their Scope and Origin are set by the Teacher.
func NewTeacher(db *store.DB, options func(scope string) Options, log *slog.Logger) *Teacher {
	return &Teacher{db: db, options: options, log: log, queue: make(chan lesson, teachQueue)}
}

// Teach takes in a message that rule calls ham or spam, to be learned in scope. It never
// waits: what finds the queue full is dropped and counted. m is not kept.
func (t *Teacher) Teach(m *classify.Message, scope string, spam bool, rule string) {
	class := store.Ham
	if spam {
		class = store.Spam
	}
	select {
	case t.queue <- lesson{scope, rule, class, withoutText(m)}:
	default:
		t.dropped.Add(1)
	}
}

// withoutText returns what there is to learn of a message, in memory of its own.
func withoutText(m *classify.Message) *classify.Message {
	return &classify.Message{Digest: m.Digest, Features: slices.Clone(m.Features), Grams: slices.Clone(m.Grams), MessageID: m.MessageID}
}

// Run learns what is taught until ctx ends, and then what waits, as far as there is time:
// the end of ctx takes no lesson away that is on its way to the ledger.
func (t *Teacher) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(teachRest, cancel) })()
	for ctx.Err() == nil || len(t.queue) > 0 {
		select {
		case l := <-t.queue:
			t.learn(work, l)
		case <-ctx.Done():
		}
	}
}

func (t *Teacher) learn(ctx context.Context, l lesson) {
	o := t.options(l.scope)
	o.Scope, o.Origin = l.scope, store.Origin{Source: ruleSource, Actor: "rule " + l.rule}
	result, err := New(t.db, o).LearnMessage(ctx, l.class, l.message)
	switch {
	case err != nil:
		t.log.Error("cannot learn what a rule says, the message is passed over", "digest", l.message.Digest, "rule", l.rule, "error", err)
	case result.Outcome == Outranked:
		t.log.Info("a rule says otherwise than a person: the person's label stays", "digest", l.message.Digest, "rule", l.rule, "scope", l.scope)
	case result.Outcome != Seen:
		t.log.Info("learned from a rule", "digest", l.message.Digest, "class", l.class, "rule", l.rule, "scope", l.scope)
	}
	if n := t.dropped.Swap(0); n > 0 {
		t.log.Warn("rules taught faster than the ledger can learn: messages were passed over", "messages", n)
	}
}
