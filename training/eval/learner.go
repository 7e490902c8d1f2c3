package eval

import (
	"fanmill/classify"
	"fanmill/training"
)

// learner is a store without a disk: counts, and what each message added.
type learner struct {
	rule   training.Rule
	scorer classify.Scorer
	counts *counts
	labels map[classify.Digest]label
}

type label struct {
	spam bool
	adds int
}

func newLearner(rule training.Rule) *learner {
	return &learner{rule: rule, counts: newCounts(), labels: make(map[classify.Digest]label)}
}

func (l *learner) score(m message) classify.Score {
	return l.scorer.Score(m.features, m.grams, l.counts)
}

// learn labels a message; before is its score by the model as it is.
func (l *learner) learn(m message, before classify.Score) {
	old, seen := l.labels[m.digest]
	if seen && old.spam == m.spam {
		return
	}
	if seen {
		l.counts.add(m.features, old.spam, -old.adds)
		before = l.score(m)
	}
	adds := l.rule.Adds(m.spam, before, l.counts.Totals())
	l.counts.add(m.features, m.spam, adds)
	l.labels[m.digest] = label{m.spam, adds}
}

// settle may go over all that was learned again, once a batch is complete and
// before anything held out is scored.
func (l *learner) settle() {}
