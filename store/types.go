package store

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/store/pack"
)

// What a label is, and what it adds to the model, package model says.
type (
	Class  = model.Class
	Mark   = model.Mark
	Labels = model.Labels
	Model  = model.Model
)

// The classes (see model.Class).
const (
	None       = model.None
	Ham        = model.Ham
	Spam       = model.Spam
	HamCounts  = model.HamCounts
	SpamCounts = model.SpamCounts
)

// Row is one message of the ledger.
type Row struct {
	ID     int64
	Scope  string // "" is the site
	Digest classify.Digest
	Class  Class
	Adds   int   // how often it counts; 0: recorded only
	Step   int64 // added to the linear part's weight of each of Grams; fits int32
	Sure   bool  // a person repeated or insisted on the label

	Source string // who gave the class: Origin.Source of that change; ignored in Learn

	// Scores before training.
	ScoreC, ScoreE, ScoreL, LogOdds float64

	Features []uint64  // distinct, ascending; nil: not known
	Grams    []uint32  // buckets of the linear part, distinct, ascending; nil: not known
	Message  []byte    // canonical form, at most MaxMessage bytes are kept
	Complete bool      // Message is all of the canonical form
	Waits    bool      // labelled, but not learned yet: adds nothing, has no score, is no label of the Fit
	Time     time.Time // of the last change of the label; zero in Learn: now

	waits int64 // column waits
}

// MaxMessage is how much of a canonical message the ledger keeps, in bytes.
const MaxMessage = pack.MaxMessage

// maxAdds bounds Row.Adds, so that no single row can bring a count near overflow.
const maxAdds = 1 << 16

// maxScore bounds the scores, so that no row can bring a Fit near overflow.
const maxScore = 1e9

// maxScope bounds the length of a scope's name in bytes.
const maxScope = 255

// Origin says who changed the ledger, and by what way.
type Origin struct {
	Actor  string // user, address or "" for fanmill itself
	Source string // train, learn, held, rule, auto, import, Exhaust, expire, undo
}

// Exhaust is the source of training to exhaustion. A run of it is one transaction and sets
// what labels add, which is no decision; it is taken back whole.
const Exhaust = "exhaust"

// Kind is what an op did.
type Kind uint8

// The kinds of op.
const (
	KindLearn  Kind = iota + 1 // a message without a label got one, or a label was confirmed or insisted on
	KindFlip                   // class, adds, step or scores of a labelled message changed
	KindForget                 // the label was taken away
	KindExpire                 // the label was taken away for its age
)

// String returns the kind's word.
func (k Kind) String() string {
	switch k {
	case KindLearn:
		return "learn"
	case KindFlip:
		return "flip"
	case KindForget:
		return "forget"
	case KindExpire:
		return "expire"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Op is one entry of the ledger's log.
type Op struct {
	Seq           int64
	Time          time.Time
	Origin        Origin
	Kind          Kind
	Row           int64
	Scope         string
	Before, After Mark
	Undoes        int64 // the op that this one took back; 0: none
}

// decision tells an op by which a label came, went, changed or became sure, or was
// confirmed, from one that only says what a label adds now.
func (o *Op) decision() bool {
	b, a := o.Before, o.After
	return b.Class != a.Class || b.Sure != a.Sure || o.confirms() || o.Undoes != 0
}

// confirms tells an op that changes nothing the model depends on.
func (o *Op) confirms() bool { return o.Kind == KindLearn && o.Before == o.After }

// effect is what a label adds, or that it waits to add something.
func effect(m Mark) Mark { return Mark{Adds: m.Adds, Step: m.Step, Waits: m.Waits} }

// whole tells an op by which a label came, went or changed, with all that goes with it,
// from one that only made it sure, or only set what it adds.
func (o *Op) whole() bool {
	b, a := o.Before, o.After
	return b.Class != a.Class || b.Sure != a.Sure && effect(b) != effect(a)
}

// stands tells whether a row still has what an op gave it.
func (o *Op) stands(now Mark) bool {
	b, a := o.Before, o.After
	switch {
	case now.Class != a.Class:
		return false
	case o.whole(), b.Sure != a.Sure:
		return now.Sure == a.Sure
	}
	return effect(b) == effect(a) || effect(now) == effect(a)
}

// without is a row's mark less what an op changed.
func (o *Op) without(now Mark) Mark {
	b, a := o.Before, o.After
	switch {
	case o.whole():
		return b
	case b.Sure != a.Sure:
		now.Sure = b.Sure
	case effect(b) != effect(a):
		now.Adds, now.Step, now.Waits = b.Adds, b.Step, b.Waits
	}
	return now
}

func (r *Row) mark() Mark {
	return Mark{Class: r.Class, Adds: r.Adds, Step: r.Step, Sure: r.Sure, Waits: r.Waits}
}

// label is the row as the calibrator sees it.
func (r *Row) label() classify.Label {
	return classify.Label{C: r.ScoreC, E: r.ScoreE, L: r.ScoreL, Spam: r.Class == Spam, Sure: r.Sure}
}

// check reports what the ledger must not take in.
func (r *Row) check() error {
	switch {
	case r.Class == None || r.Class > SpamCounts:
		return fmt.Errorf("learn %s: class %d is neither ham nor spam", r.Digest, r.Class)
	case r.Class.Counted() && (r.Step != 0 || r.Sure || r.Waits):
		return fmt.Errorf("learn %s: counts have no step, nobody insists on them, and they do not wait", r.Digest)
	case r.Adds < 0 || r.Adds > maxAdds:
		return fmt.Errorf("learn %s: adds %d is not in 0..%d", r.Digest, r.Adds, maxAdds)
	case r.Step != int64(int32(r.Step)):
		return fmt.Errorf("learn %s: step %d does not fit 32 bits", r.Digest, r.Step)
	}
	if r.Waits && (r.Adds != 0 || r.Step != 0) {
		return fmt.Errorf("learn %s: what waits adds nothing, not %d adds and a step of %d", r.Digest, r.Adds, r.Step)
	}
	for _, x := range [...]float64{r.ScoreC, r.ScoreE, r.ScoreL, r.LogOdds} {
		if !(math.Abs(x) <= maxScore) {
			return fmt.Errorf("learn %s: score %g is not in -%g..%[3]g", r.Digest, x, maxScore)
		}
	}
	for i := 1; i < len(r.Features); i++ {
		if r.Features[i-1] >= r.Features[i] {
			return fmt.Errorf("learn %s: features are not distinct and ascending", r.Digest)
		}
	}
	return checkScope(r.Scope)
}

// checkScope refuses names that could not be shown or typed again.
func checkScope(scope string) error {
	if len(scope) > maxScope {
		return fmt.Errorf("scope of %d bytes is too long: the limit is %d", len(scope), maxScope)
	}
	if i := strings.IndexFunc(scope, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }); i >= 0 {
		return fmt.Errorf("scope %q has a character that is not allowed at byte %d", scope, i)
	}
	return nil
}
