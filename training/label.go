package training

import (
	"fmt"
	"slices"

	"fanmill/classify"
	"fanmill/store"
)

// action is what is done to a message within a transaction.
type action func(*store.Tx, *classify.Message) (Result, error)

// learner returns the action that labels messages and learns them at once. It
// keeps a Scorer, so it must not be used by two goroutines at once.
func (t *Trainer) learner(class store.Class) action {
	scorer := new(classify.Scorer)
	return func(tx *store.Tx, m *classify.Message) (Result, error) {
		old, result, err := t.find(tx, class, m)
		if err != nil || result.Outcome != Learned {
			return result, err
		}
		return t.learn(tx, scorer, class, m, old)
	}
}

// recorder returns the action that labels messages to be learned by settle. One
// that had the other class is learned at once: that is a correction. What is known,
// unless that is nil, takes their lists; what it has no room for the ledger keeps.
func (t *Trainer) recorder(class store.Class, known *memory) action {
	learn := t.learner(class)
	return func(tx *store.Tx, m *classify.Message) (Result, error) {
		old, result, err := t.find(tx, class, m)
		switch {
		case err != nil || result.Outcome != Learned:
			return result, err
		case old.Class != store.None:
			return learn(tx, m)
		}
		row := t.row(class, m)
		row.Waits = true
		whole := m.Complete && len(m.Canonical) > 0 && t.o.Scope == "" // kept in the ledger
		if whole && known != nil && known.take(m.Digest, copyOf(m)) {
			row.Features, row.Grams = nil, nil // settle will not need them from there
		}
		if err := tx.Learn(row, t.o.Origin); err != nil {
			return Result{}, fmt.Errorf("record %s: %w", m.Digest, err)
		}
		return Result{Outcome: Recorded, Digest: m.Digest}, nil
	}
}

// find looks the message up, and deals with it where there is nothing to learn;
// otherwise the outcome is Learned.
func (t *Trainer) find(tx *store.Tx, class store.Class, m *classify.Message) (store.Row, Result, error) {
	old, found, err := tx.Find(t.o.Scope, m.Digest)
	if err != nil {
		return old, Result{}, fmt.Errorf("find %s: %w", m.Digest, err)
	}
	if found && !old.Complete && m.Complete && len(m.Canonical) > 0 { // it was learned by its id
		if err := tx.Complete(old, m.Canonical); err != nil {
			return old, Result{}, fmt.Errorf("keep %s: %w", m.Digest, err)
		}
	}
	result := Result{Outcome: Learned, Digest: m.Digest, Adds: old.Adds}
	switch {
	case found && old.Class == class:
		result.Outcome = Seen
		return old, result, t.confirm(tx, old)
	case found && Automatic(t.o.Origin.Source) && (old.Class != store.None || !Automatic(old.Source)):
		// Also where a person took the label away: that was a decision too.
		result.Outcome = Outranked
	}
	return old, result, nil
}

// learn labels a message that has no label, or the other one.
func (t *Trainer) learn(tx *store.Tx, scorer *classify.Scorer, class store.Class, m *classify.Message, old store.Row) (Result, error) {
	var model classify.Model = tx.Model(t.o.Scope)
	if old.Adds > 0 || old.Step != 0 {
		model = less(model, old)
	}
	row := t.row(class, m)
	row.Sure = old.Sure || t.overrules(old)
	before := scorer.Score(m.Features, m.Grams, model)
	effect := t.rule.Judge(class == store.Spam, before, len(m.Grams), model, row.Sure)
	row.Adds, row.Step = effect.Adds, effect.Step
	row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds = before.C, before.E, before.L, before.LogOdds
	if err := tx.Learn(row, t.o.Origin); err != nil {
		return Result{}, fmt.Errorf("learn %s: %w", m.Digest, err)
	}
	return Result{Outcome: outcome(old.Class, effect), Digest: m.Digest, Before: before, Adds: effect.Adds}, nil
}

// less is the model without what a row added to it.
func less(m classify.Model, row store.Row) Without {
	return Without{Model: m, Spam: row.Class == store.Spam, Effect: Effect{Adds: row.Adds, Step: row.Step}}
}

// overrules tells whether a person changes what a person said: such a label is
// taken at its word.
func (t *Trainer) overrules(old store.Row) bool {
	return old.Class != store.None && !Automatic(old.Source) && !Automatic(t.o.Origin.Source)
}

// confirm makes an automatic label that a person repeats the person's own. A
// person who repeats a person's label for a single message insists on it; a folder
// that is trained every night does not.
func (t *Trainer) confirm(tx *store.Tx, old store.Row) (err error) {
	switch {
	case Automatic(t.o.Origin.Source):
		return nil
	case Automatic(old.Source):
		err = tx.Confirm(t.o.Scope, old.Digest, t.o.Origin)
	case t.o.Origin.Source != "train":
		err = tx.Insist(t.o.Scope, old.Digest, t.o.Origin)
	}
	if err != nil {
		return fmt.Errorf("confirm %s: %w", old.Digest, err)
	}
	return nil
}

func outcome(old store.Class, e Effect) Outcome {
	switch {
	case old != store.None:
		return Flipped
	case e.Nothing():
		return Sure
	}
	return Learned
}

// row makes the ledger's entry of a message that adds nothing yet.
func (t *Trainer) row(class store.Class, m *classify.Message) store.Row {
	return store.Row{
		Scope: t.o.Scope, Digest: m.Digest, Class: class, Features: NotNil(m.Features), Grams: NotNil(m.Grams),
		Message: m.Canonical, Complete: m.Complete,
	}
}

// forget is the action that takes a label away.
func (t *Trainer) forget(tx *store.Tx, m *classify.Message) (Result, error) {
	if Automatic(t.o.Origin.Source) {
		old, found, err := tx.Find(t.o.Scope, m.Digest)
		if err != nil {
			return Result{}, fmt.Errorf("find %s: %w", m.Digest, err)
		}
		if found && old.Class != store.None && !Automatic(old.Source) {
			return Result{Outcome: Outranked, Digest: m.Digest, Adds: old.Adds}, nil
		}
	}
	done, err := tx.Forget(t.o.Scope, m.Digest, t.o.Origin)
	if err != nil {
		return Result{}, fmt.Errorf("forget %s: %w", m.Digest, err)
	}
	if !done {
		return Result{Outcome: NotFound, Digest: m.Digest}, nil
	}
	return Result{Outcome: Forgotten, Digest: m.Digest}, nil
}

// Automatic tells whether no person stands behind a decision of this source.
func Automatic(source string) bool {
	return slices.Contains(automatic, source)
}

// automatic are the sources of decisions that no person takes.
var automatic = []string{autoSource, ruleSource, "import", "expire"}

// Sources are the ways by which decisions come into the ledger (store.Origin.Source).
func Sources() []string {
	return append([]string{"train", "learn", "held", store.Exhaust, "undo"}, automatic...)
}
