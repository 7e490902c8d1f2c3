package training

import (
	"fmt"

	"fanmill/classify"
	"fanmill/store"
)

// action is what is done to a message within a transaction.
type action func(*store.Tx, *classify.Message) (Result, error)

// learner returns the action that labels messages. It keeps a Scorer, so it
// must not be used by two goroutines at once.
func (t *Trainer) learner(class store.Class) action {
	scorer := new(classify.Scorer)
	return func(tx *store.Tx, m *classify.Message) (Result, error) {
		return t.learn(tx, scorer, class, m)
	}
}

func (t *Trainer) learn(tx *store.Tx, scorer *classify.Scorer, class store.Class, m *classify.Message) (Result, error) {
	old, found, err := tx.Find(t.o.Scope, m.Digest)
	if err != nil {
		return Result{}, fmt.Errorf("find %s: %w", m.Digest, err)
	}
	switch {
	case found && old.Class == class:
		return Result{Outcome: Seen, Digest: m.Digest, Adds: old.Adds}, t.confirm(tx, old)
	case found && automatic(t.o.Origin.Source) && (old.Class != store.None || !automatic(old.Source)):
		// Also where a person took the label away: that was a decision too.
		return Result{Outcome: Outranked, Digest: m.Digest, Adds: old.Adds}, nil
	}
	var model classify.Model = tx.Model(t.o.Scope)
	if old.Adds > 0 {
		model = without{model, old}
	}
	before := scorer.Score(m.Features, m.Grams, model)
	adds := t.rule.Adds(class == store.Spam, before, model.Totals())
	row := t.row(class, adds, before, m)
	row.Waits = min(model.Totals().Ham, model.Totals().Spam) < classify.MinLabels && t.looksAgain()
	if err := tx.Learn(row, t.o.Origin); err != nil {
		return Result{}, fmt.Errorf("learn %s: %w", m.Digest, err)
	}
	return Result{Outcome: outcome(old.Class, adds), Digest: m.Digest, Before: before, Adds: adds}, nil
}

// confirm makes an automatic label that a person repeats the person's own.
func (t *Trainer) confirm(tx *store.Tx, old store.Row) error {
	if !automatic(old.Source) || automatic(t.o.Origin.Source) {
		return nil
	}
	if err := tx.Confirm(t.o.Scope, old.Digest, t.o.Origin); err != nil {
		return fmt.Errorf("confirm %s: %w", old.Digest, err)
	}
	return nil
}

func outcome(old store.Class, adds int) Outcome {
	switch {
	case old != store.None:
		return Flipped
	case adds == 0:
		return Sure
	}
	return Learned
}

// row makes the ledger's entry. Features and grams are never nil there: nil would
// mean that they are not known.
func (t *Trainer) row(class store.Class, adds int, before classify.Score, m *classify.Message) store.Row {
	features := m.Features
	if features == nil {
		features = []uint64{}
	}
	grams := m.Grams
	if grams == nil {
		grams = []uint32{}
	}
	return store.Row{
		Scope: t.o.Scope, Digest: m.Digest, Class: class, Adds: adds,
		ScoreC: before.C, ScoreE: before.E, ScoreL: before.L, LogOdds: before.LogOdds,
		Features: features, Grams: grams, Message: m.Canonical, Complete: m.Complete,
	}
}

// forget is the action that takes a label away.
func (t *Trainer) forget(tx *store.Tx, m *classify.Message) (Result, error) {
	if automatic(t.o.Origin.Source) {
		old, found, err := tx.Find(t.o.Scope, m.Digest)
		if err != nil {
			return Result{}, fmt.Errorf("find %s: %w", m.Digest, err)
		}
		if found && old.Class != store.None && !automatic(old.Source) {
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

// automatic tells whether no person stands behind a label of this source.
func automatic(source string) bool { return source == "auto" || source == "rule" }

// without is a model less what one message added to it: the same digest means
// the same features, so all features asked for are that message's.
type without struct {
	classify.Model
	row store.Row
}

func (w without) Totals() classify.Count { return w.less(w.Model.Totals()) }

func (w without) Lookup(features []uint64, out []classify.Count) {
	w.Model.Lookup(features, out)
	for i := range out {
		out[i] = w.less(out[i])
	}
}

func (w without) less(c classify.Count) classify.Count {
	adds := uint32(w.row.Adds)
	switch w.row.Class {
	case store.Ham:
		c.Ham -= min(adds, c.Ham)
	case store.Spam:
		c.Spam -= min(adds, c.Spam)
	}
	return c
}
