package training

import "fanmill/classify"

// DefaultMargin is how far on the log-odds scale the counts must already be on
// the right side for a message not to count.
const DefaultMargin = 15

// Rule decides whether a labelled message counts. Training on near-errors only
// keeps the counts small and makes them better than training on everything.
type Rule struct {
	All    bool    // every message counts
	Margin float64 // natural log-odds; see DefaultMargin
}

// Adds returns how often a message counts, given its score before training and
// the counting messages so far: 0 when the counts alone already put it on its
// side by the margin, else 1. A class with fewer than classify.MinLabels
// counting messages takes every message: before anything speaks for the other
// class, a handful of messages makes the counts sure of all.
func (r Rule) Adds(spam bool, before classify.Score, total classify.Count) int {
	c, n := before.C, total.Spam
	if !spam {
		c, n = -c, total.Ham
	}
	if !r.All && n >= classify.MinLabels && c >= r.Margin {
		return 0
	}
	return 1
}
