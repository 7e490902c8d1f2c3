package eval

import (
	"bytes"
	"slices"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training"
)

// learner is a ledger without a disk: the model, and what each message added to
// it. It follows the rules of a training.Trainer: learn is what happens to a
// message that is labelled by itself, record and settle what happens to many.
type learner struct {
	rule   training.Rule
	scorer classify.Scorer
	model  *model
	rows   map[classify.Digest]*row
	order  []*row // labels, the oldest first
	waits  []*row
	fitted int
}

// row is one labelled message.
type row struct {
	message
	effect training.Effect
	score  classify.Score // before training
	sure   bool           // its label was changed: somebody insists
	auto   bool           // the filter labelled it itself
}

func newLearner(rule training.Rule) *learner {
	return &learner{rule: rule, model: newModel(), rows: make(map[classify.Digest]*row)}
}

// score is what training goes by.
func (l *learner) score(m message) classify.Score {
	return l.scorer.Score(m.features, m.grams, l.model)
}

// verdict is what a message with this score gets.
func (l *learner) verdict(m message, score classify.Score) classify.Score {
	return l.scorer.Lift(score, m.features, m.behind, l.model)
}

// learn labels a message; before is its score by the model as it is.
func (l *learner) learn(m message, before classify.Score) {
	r, seen := l.rows[m.digest]
	switch {
	case !seen:
		r = &row{message: m}
		l.rows[m.digest] = r
	case r.spam == m.spam:
		return
	default:
		r.features, r.grams = m.features, m.grams // the same, and still valid
		l.add(r, training.Effect{Adds: -r.effect.Adds, Step: -r.effect.Step})
		l.order = slices.DeleteFunc(l.order, func(o *row) bool { return o == r })
		r.spam, r.sure = m.spam, true
		before, l.fitted = l.score(m), -1
	}
	l.judge(r, before)
	l.refit()
}

// record notes a label that settle will learn. Where every message counts
// nothing depends on the order, and it is learned at once.
func (l *learner) record(m message) {
	if l.rule.All {
		l.learn(m, l.score(m))
		return
	}
	if r, seen := l.rows[m.digest]; seen {
		r.sure = r.sure || r.spam != m.spam
		r.spam = m.spam
		return
	}
	r := &row{message: m}
	l.rows[m.digest] = r
	l.waits = append(l.waits, r)
}

// settle learns what was recorded, in the order of the digests, which mixes it,
// then goes over what it had to learn again.
func (l *learner) settle() {
	rows := l.waits
	l.waits = nil
	slices.SortFunc(rows, func(a, b *row) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	for round := 0; round < training.Rounds && len(rows) > 0; round++ {
		learned := rows[:0]
		for _, r := range rows {
			before := l.score(r.message)
			if round == 0 {
				l.judge(r, before)
				l.refit()
				if !r.effect.Nothing() {
					learned = append(learned, r)
				}
				continue
			}
			without := func() classify.Score {
				return l.scorer.Score(r.features, r.grams, training.Without{Model: l.model, Spam: r.spam, Effect: r.effect})
			}
			if more := l.rule.Again(r.spam, before, without, len(r.grams), l.model, r.sure); !more.Nothing() {
				l.add(r, more)
				learned = append(learned, r)
			}
		}
		rows = learned
	}
}

// judge applies the rule to a message that adds nothing yet.
func (l *learner) judge(r *row, before classify.Score) {
	r.score = before
	l.add(r, l.rule.Judge(r.spam, before, len(r.grams), l.model, r.sure))
	l.order = append(l.order, r)
}

// auto labels a message by its score, where the rule allows it and the message adds
// something, as a training.Auto does.
func (l *learner) auto(rule training.AutoRule, m message, score classify.Score) {
	class := rule.Class(score)
	if _, seen := l.rows[m.digest]; seen || class == store.None || !rule.Allows(class, l.labels(false), l.labels(true)) {
		return
	}
	m.spam = class == store.Spam
	effect := l.rule.Judge(m.spam, score, len(m.grams), l.model, false)
	if effect.Nothing() {
		return
	}
	r := &row{message: m, score: score, auto: true}
	l.rows[m.digest] = r
	l.order = append(l.order, r)
	l.add(r, effect)
	l.refit()
}

// labels counts those that auto gave, or the others.
func (l *learner) labels(auto bool) (n store.Labels) {
	for _, r := range l.order {
		switch {
		case r.auto != auto:
		case r.spam:
			n.Spam++
		default:
			n.Ham++
		}
	}
	return n
}

func (l *learner) add(r *row, e training.Effect) {
	l.model.count(r.features, r.spam, e.Adds)
	l.model.step(r.grams, e.Step)
	r.effect.Adds += e.Adds
	r.effect.Step += e.Step
}

// refit makes the calibrator anew when it is due.
func (l *learner) refit() {
	n := classify.FitLabels(len(l.order))
	if n == l.fitted {
		return
	}
	l.fitted = n
	labels := make([]classify.Label, 0, min(n, classify.FitWindow))
	for _, r := range l.order[max(0, n-classify.FitWindow):n] {
		labels = append(labels, classify.Label{C: r.score.C, E: r.score.E, L: r.score.L, Spam: r.spam, Sure: r.sure})
	}
	l.model.fit = classify.Calibrate(labels)
}
