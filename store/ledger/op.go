package ledger

import (
	"fmt"
	"time"

	"fanmill/store/model"
)

// Origin says who changed the ledger, and by what way.
type Origin struct {
	Actor  string // user, address or "" for fanmill itself
	Source string // train, learn, held, rule, auto, import, Exhaust, expire, undo
}

// Exhaust is the source of training to exhaustion. A run of it is one transaction and sets
// what labels add, which is no decision; it is taken back whole.
const Exhaust = "exhaust"

// Sources of what fanmill does by itself.
const (
	Expired = "expire"  // labels that were taken away for their age
	Renewed = "rebuild" // labels that were taken away since their features could not be made anew
)

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
	Before, After model.Mark
	Undoes        int64 // the op that this one took back; 0: none
}

// Decides tells an op by which a label came, went, changed or became sure, or was
// confirmed, from one that only says what a label adds now.
func (o *Op) Decides() bool {
	b, a := o.Before, o.After
	return b.Class != a.Class || b.Sure != a.Sure || o.Confirms() || o.Undoes != 0
}

// Confirms tells an op that changes nothing the model depends on.
func (o *Op) Confirms() bool { return o.Kind == KindLearn && o.Before == o.After }

// effect is what a label adds, or that it waits to add something.
func effect(m model.Mark) model.Mark { return model.Mark{Adds: m.Adds, Step: m.Step, Waits: m.Waits} }

// Whole tells an op by which a label came, went or changed, with all that goes with it,
// from one that only made it sure, or only set what it adds.
func (o *Op) Whole() bool {
	b, a := o.Before, o.After
	return b.Class != a.Class || b.Sure != a.Sure && effect(b) != effect(a)
}

// Stands tells whether a row still has what an op gave it.
func (o *Op) Stands(now model.Mark) bool {
	b, a := o.Before, o.After
	switch {
	case now.Class != a.Class:
		return false
	case o.Whole(), b.Sure != a.Sure:
		return now.Sure == a.Sure
	}
	return effect(b) == effect(a) || effect(now) == effect(a)
}

// Without is a row's mark less what an op changed.
func (o *Op) Without(now model.Mark) model.Mark {
	b, a := o.Before, o.After
	switch {
	case o.Whole():
		return b
	case b.Sure != a.Sure:
		now.Sure = b.Sure
	case effect(b) != effect(a):
		now.Adds, now.Step, now.Waits = b.Adds, b.Step, b.Waits
	}
	return now
}
