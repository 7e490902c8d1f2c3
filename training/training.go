// Package training turns labelled mail into entries of the ledger.
//
// A message is recorded always, but counts only where the counts did not yet
// put it on the right side by a margin (near-error training, see Rule). That
// decision is taken inside the store's write transaction, by the model as all
// earlier changes left it, and stored with the message, so that a rebuild
// repeats it instead of taking it anew. The same message again is a no-op; with
// the other class it changes sides; forgetting takes out exactly what it added.
//
// Package training/corpus reads mail files, training/eval measures.
//
// A Trainer may be used by several goroutines at once. Train and Forget read
// and extract features in a goroutine of their own, ahead of the transactions;
// their callbacks run in the caller's goroutine.
package training

import (
	"context"
	"fmt"
	"log/slog"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/ledger"
)

// Options say how a Trainer works. The zero value trains the site's scope by
// the default rule and keeps the messages for a later rebuild.
type Options struct {
	Classify     classify.Options // the zero value means the defaults; Keep is set by the Trainer
	Scope        string           // "" is the site
	All          bool             // every message counts
	Margin       float64          // 0 means DefaultMargin
	FeaturesOnly bool             // do not keep messages in the ledger; user scopes never do
	Origin       store.Origin     // who trains; Source "auto" and "rule" never change a label that is there
	Logger       *slog.Logger     // nil: nothing is logged
}

// Outcome is what became of one message.
type Outcome uint8

// The outcomes.
const (
	Learned   Outcome = iota // recorded, and counts
	Sure                     // recorded, but the counts were sure already
	Seen                     // has this class already: nothing was changed
	Flipped                  // had the other class until now
	Outranked                // has a label that an automatic one cannot change
	Recorded                 // waits to be learned with others; see settle.go
	Forgotten                // its label was taken away
	NotFound                 // to be forgotten, but has no label
)

// String returns the outcome's words as they stand in summaries.
func (o Outcome) String() string {
	switch o {
	case Learned:
		return "learned"
	case Sure:
		return "sure already"
	case Seen:
		return "seen before"
	case Flipped:
		return "flipped"
	case Outranked:
		return "outranked"
	case Recorded:
		return "recorded"
	case Forgotten:
		return "forgotten"
	}
	return "not found"
}

// ParseOutcome reads what String wrote.
func ParseOutcome(s string) (Outcome, error) {
	for o := range NotFound + 1 {
		if o.String() == s {
			return o, nil
		}
	}
	return 0, fmt.Errorf("outcome %q is not known", s)
}

// Result says what became of one message.
type Result struct {
	Outcome Outcome
	Digest  classify.Digest
	Before  classify.Score // by the model before training; zero where nothing was decided
	Adds    int            // how often it counts now
}

// Trainer learns and forgets messages in one scope of a ledger.
type Trainer struct {
	db     *store.DB
	o      Options
	rule   Rule
	logger *slog.Logger
}

// New returns a Trainer that writes to db.
func New(db *store.DB, o Options) *Trainer {
	keep := ledger.MaxMessage
	if o.FeaturesOnly || o.Scope != "" {
		keep = 0
	}
	if o.Classify.TextTotal == 0 { // never valid: no options were given
		o.Classify = classify.DefaultOptions()
	}
	o.Classify.Keep = keep
	if o.Margin == 0 {
		o.Margin = DefaultMargin
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Trainer{db: db, o: o, rule: Rule{All: o.All, Margin: o.Margin, User: o.Scope != ""}, logger: o.Logger}
}

// Learn labels one stored message (CRLF or LF, with or without From_ line).
func (t *Trainer) Learn(ctx context.Context, class store.Class, raw []byte) (Result, error) {
	return t.LearnMessage(ctx, class, classify.Extract(t.o.Classify, raw))
}

// RecordMessage labels one of many messages, to be learned by Settle when all of
// them are recorded. Where every message counts nothing depends on the order, and
// it is learned at once.
func (t *Trainer) RecordMessage(ctx context.Context, class store.Class, m *classify.Message) (Result, error) {
	if err := checkClass(class); err != nil {
		return Result{}, err
	}
	do := t.recorder(class, nil)
	if t.o.All {
		do = t.learner(class)
	}
	return t.one(ctx, do, m)
}

// LearnMessage labels a message whose features are known, and learns it at
// once. Without its canonical form the ledger keeps its features only. If this
// label completes a class, what waited for that is learned too; when that is cut
// short, the message is learned all the same, and the next training goes on.
func (t *Trainer) LearnMessage(ctx context.Context, class store.Class, m *classify.Message) (Result, error) {
	if err := checkClass(class); err != nil {
		return Result{}, err
	}
	before, after := true, true
	learn := t.learner(class)
	result, err := t.one(ctx, func(tx *store.Tx, m *classify.Message) (Result, error) {
		before = t.oneSided(tx)
		r, err := learn(tx, m)
		after = t.oneSided(tx)
		return r, err
	}, m)
	if err == nil && before && !after {
		if _, err := t.Settle(ctx); err != nil {
			t.logger.Warn("learning what was recorded was cut short, the next training goes on with it", "scope", t.o.Scope, "error", err)
		}
	}
	return result, err
}

// ForgetMessage takes one stored message's label away.
func (t *Trainer) ForgetMessage(ctx context.Context, raw []byte) (Result, error) {
	return t.one(ctx, t.forget, classify.Extract(t.o.Classify, raw))
}

// ForgetDigest takes the label of the message with this digest away.
func (t *Trainer) ForgetDigest(ctx context.Context, d classify.Digest) (Result, error) {
	return t.one(ctx, t.forget, &classify.Message{Digest: d})
}

// one does something to one message, in a transaction of its own.
func (t *Trainer) one(ctx context.Context, do action, m *classify.Message) (Result, error) {
	var result Result
	err := t.db.Update(ctx, func(tx *store.Tx) (err error) {
		result, err = do(tx, m)
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("write to the ledger: %w", err)
	}
	t.logger.Debug("trained", "digest", result.Digest, "outcome", result.Outcome, "scope", t.o.Scope,
		"actor", t.o.Origin.Actor, "source", t.o.Origin.Source)
	return result, nil
}

func checkClass(class store.Class) error {
	if class != store.Ham && class != store.Spam {
		return fmt.Errorf("class %q: want ham or spam", class)
	}
	return nil
}
