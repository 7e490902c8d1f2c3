package training

import "fanmill/classify"

// DefaultMargin is how far on the log-odds scale the counts must already be on
// the right side for a message not to count.
const DefaultMargin = 15

// A batch is gone over Rounds times at most. Each round after the first judges
// again what the round before had to learn, and is content with nothing less than
// lateMargin. That takes a quarter of the errors of ten-fold cross-validation away
// (SpamAssassin corpus: 0.49 % after one round, 0.38 % after three, 0.37 % after five)
// and a fifth of 1-ROCA where mail changes (docs/accuracy.md). A message that
// was learned speaks for its own label, so whether that is a slip is judged without it;
// otherwise wrong labels are hammered in (5 % wrong: 1-ROCA 0.61 % instead of 0.065 %).
const (
	Rounds     = 5
	lateMargin = 20
	lateDoubt  = 0.3 // chance of a slip from which on a label gains nothing in later rounds
)

// Rule decides what a labelled message adds to the model. Training on
// near-errors only keeps the model small and makes it better than training on
// everything.
type Rule struct {
	All    bool    // every message counts
	Margin float64 // natural log-odds; see DefaultMargin

	// User is for a user's scope. The linear part is the site's, so no label has a step.
	// The user is taken at his word: he knows what he wants, and a label that the site's
	// calibrator takes for a slip is the one that says where he differs.
	User bool
}

// Step is classify.Step, 0 where only counts are learned.
func (r Rule) Step(spam bool, s classify.Score, grams int, slip float64) int64 {
	if r.User {
		return 0
	}
	return classify.Step(spam, s, grams, slip)
}

// Effect is what a message adds to the model.
type Effect struct {
	Adds int   // how often it counts
	Step int64 // what it adds to the weight of each of its grams
}

// Nothing tells whether the model knew the message well enough.
func (e Effect) Nothing() bool { return e == Effect{} }

// Judge returns what a message adds, given its score before training by the
// model m, the number of its grams, and whether a person insists on the label.
//
// It counts once unless the counts alone put it on its side by the margin, or
// its label is more likely a slip than not. A class with fewer than
// classify.MinLabels counting messages takes every message: before anything
// speaks for the other class, a handful of messages makes the counts sure of
// all. The linear part learns for itself; see classify.Step.
func (r Rule) Judge(spam bool, before classify.Score, grams int, m classify.Model, insisted bool) Effect {
	slip := r.slip(spam, before, m, insisted)
	e := Effect{Step: r.Step(spam, before, grams, slip)}
	sure := r.Knows(spam, before) || slip >= classify.Doubtful
	if r.All || classOf(spam, m.Totals()) < classify.MinLabels || !sure {
		e.Adds = 1
	}
	return e
}

// Knows tells whether the counts put a message on its side by the margin.
func (r Rule) Knows(spam bool, s classify.Score) bool { return toward(spam, s.C) >= r.Margin }

// Again returns what a message that was learned adds in a later round. now is
// its score by the model m; without gives its score by the model less what the
// message has added so far.
func (r Rule) Again(spam bool, now classify.Score, without func() classify.Score, grams int, m classify.Model, insisted bool) Effect {
	known := toward(spam, now.C) >= max(r.Margin, lateMargin)
	if known && r.Step(spam, now, grams, 0) == 0 {
		return Effect{}
	}
	slip := r.slip(spam, without(), m, insisted)
	if slip >= lateDoubt {
		return Effect{}
	}
	e := Effect{Step: r.Step(spam, now, grams, slip)}
	if !known {
		e.Adds = 1
	}
	return e
}

func (r Rule) slip(spam bool, s classify.Score, m classify.Model, insisted bool) float64 {
	if insisted || r.User {
		return 0
	}
	return m.Fit().Slip(spam, s.LogOdds)
}

// toward is how far an opinion is on the side of the label.
func toward(spam bool, opinion float64) float64 {
	if spam {
		return opinion
	}
	return -opinion
}

func classOf(spam bool, c classify.Count) uint32 {
	if spam {
		return c.Spam
	}
	return c.Ham
}

// Without is a model less what one message added to it. It answers for that
// message alone: all features and grams asked for must be the message's.
type Without struct {
	classify.Model
	Spam bool
	Effect
}

// Totals implements classify.Model.
func (w Without) Totals() classify.Count {
	_, times := w.Base()
	return w.less(w.Model.Totals(), times)
}

// Lookup implements classify.Model.
func (w Without) Lookup(features []uint64, out []classify.Count) {
	w.Model.Lookup(features, out)
	_, times := w.Base()
	for i := range out {
		out[i] = w.less(out[i], times)
	}
}

// Weigh implements classify.Model.
func (w Without) Weigh(grams []uint32) int64 {
	return w.Model.Weigh(grams) - w.Step*int64(len(grams))
}

// told is a model that is asked about one message only, and remembers what it said: most
// of the time that a score takes goes into the look-ups.
type told struct {
	classify.Model
	counts            []classify.Count
	weight            int64
	counted, weighted bool
}

// of makes it another model's, for another message.
func (t *told) of(m classify.Model) { *t = told{Model: m, counts: t.counts} }

// Lookup implements classify.Model.
func (t *told) Lookup(features []uint64, out []classify.Count) {
	if !t.counted {
		t.Model.Lookup(features, out)
		t.counts, t.counted = append(t.counts[:0], out[:len(features)]...), true
		return
	}
	copy(out, t.counts)
}

// Weigh implements classify.Model.
func (t *told) Weigh(grams []uint32) int64 {
	if !t.weighted {
		t.weight, t.weighted = t.Model.Weigh(grams), true
	}
	return t.weight
}

func (w Without) less(c classify.Count, times uint32) classify.Count {
	adds := uint32(w.Adds) * times
	if w.Spam {
		c.Spam -= min(adds, c.Spam)
	} else {
		c.Ham -= min(adds, c.Ham)
	}
	return c
}
