// Package exhaust trains to exhaustion: over all messages of a ledger and of
// mailboxes, round after round, until the filter knows each of them.
//
// # What it does otherwise
//
// The train-to-exhaustion of SpamBayes (contrib/tte.py; the idea is Gary Robinson's, 2004)
// learns a message that is missed once more in each round, as often as it takes. Counts
// grow with the rounds and not with the mail, the classes lose their balance, and a wrong
// label is hammered in until the filter believes it: on mail that it was not trained with it
// ranked up to 20 times worse than after training everything once. Here
//
//   - a round asks for a margin, not only for the right side, so few rounds do, and what
//     they teach holds for other mail too;
//   - a message gains something at most as often as in training (training.Rounds);
//   - whether a label is a slip is judged by what the model would say without the message;
//     a label that more likely is one gains nothing, and is named instead;
//   - ham and spam take turns in proportion, each in the order of the digests: mailboxes
//     sorted by date and shuffled ones come to the same.
//
// Measurements are in docs/training.md. A run works in memory (some 8 kB a message), on a
// model of its own; what came out is written in one transaction, or not at all.
package exhaust

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/model"
	"fanmill/training"
)

// Defaults of Options.
const (
	DefaultRounds = 20
	DefaultMargin = 8
)

// Options say how to train.
type Options struct {
	Rounds  int     // at most; 0: DefaultRounds
	Margin  float64 // natural log-odds by which the counts must be right in the first round; 0: DefaultMargin
	Ham     int     // groups that take turns: so many ham, then
	Spam    int     // so many spam; 0: in the proportion of the mail
	Cutoffs classify.Cutoffs
}

// more is by how much later rounds ask for more than the first: what barely had the
// margin loses it when others are learned.
const more = 2

// Message is one labelled message. What a run makes of it stands in the lower part.
type Message struct {
	Digest   classify.Digest
	Class    store.Class
	Features []uint64
	Grams    []uint32
	Sure     bool   // a person insists on the label
	ID       string // Message-ID, "" where there is none; hostile

	Adds   int            // how often it counts
	Step   int64          // what it adds to the weights of its grams
	Before classify.Score // by the model before it was learned first
	Last   classify.Score // by the model of the last round
	Missed bool           // in the last round it was not on its side of the cut-offs
	Slip   float64        // chance that its label is wrong, when a later round asked last
	gains  int            // in how many rounds it gained something
}

// Needed tells whether the message counts.
func (m *Message) Needed() bool { return m.Adds > 0 }

// Suspect tells whether the label is more likely wrong than not.
func (m *Message) Suspect() bool { return m.Slip >= classify.Doubtful }

func (m *Message) mark() store.Mark {
	return store.Mark{Class: m.Class, Adds: m.Adds, Step: m.Step, Sure: m.Sure}
}

// Round is what a round came to.
type Round struct {
	N                     int
	Messages              int
	HamMisses, SpamMisses int
}

// Misses is how many messages were missed.
func (r Round) Misses() int { return r.HamMisses + r.SpamMisses }

// Run trains the messages in the model, which must be new, and returns the last round. It
// puts them in the order of training first. It ends when no message is missed, when those
// that are seem mislabelled or have gained what they may, or after Options.Rounds. each is called after each round.
func Run(ctx context.Context, model *model.Draft, list []*Message, o Options, each func(Round) error) (last Round, err error) {
	arrange(list, o.Ham, o.Spam)
	r := runner{model: model, rule: training.Rule{Margin: cmp.Or(o.Margin, DefaultMargin), User: model.CountsOnly()}, cutoffs: o.Cutoffs}
	for n := 1; n <= cmp.Or(o.Rounds, DefaultRounds); n++ {
		round := Round{N: n, Messages: len(list)}
		open := false
		for i, m := range list {
			if i%256 == 0 && ctx.Err() != nil {
				return last, ctx.Err()
			}
			gained := r.judge(m, &round)
			open = open || m.Missed && (n == 1 || gained)
		}
		last = round
		if err := each(round); err != nil {
			return last, err
		}
		if !open {
			break
		}
	}
	return last, nil
}

// arrange puts messages in the order of training: classes in turn, so many ham and
// then so many spam; without numbers in proportion, so that both end together.
func arrange(list []*Message, ham, spam int) {
	slices.SortFunc(list, func(a, b *Message) int { return bytes.Compare(a.Digest[:], b.Digest[:]) })
	var n, total [3]int
	for _, m := range list {
		total[m.Class]++
	}
	group := [3]float64{store.Ham: float64(ham), store.Spam: float64(spam)}
	if ham == 0 || spam == 0 {
		group[store.Ham], group[store.Spam] = float64(total[store.Ham]), float64(total[store.Spam])
	}
	turn := make(map[*Message]float64, len(list))
	for _, m := range list {
		place := float64(n[m.Class])
		if ham == 0 || spam == 0 {
			turn[m] = (place + 0.5) / group[m.Class]
		} else {
			turn[m] = float64(n[m.Class] / int(group[m.Class]))
		}
		n[m.Class]++
	}
	slices.SortStableFunc(list, func(a, b *Message) int {
		return cmp.Or(cmp.Compare(turn[a], turn[b]), cmp.Compare(a.Class, b.Class))
	})
}

// runner is a run under way.
type runner struct {
	model   *model.Draft
	rule    training.Rule
	scorer  classify.Scorer
	cutoffs classify.Cutoffs
}

// judge scores one message, lets it gain what it needs, and tells whether it gained
// something.
func (r *runner) judge(m *Message, round *Round) bool {
	m.Last = r.scorer.Score(m.Features, m.Grams, r.model)
	want := classify.Ham
	if m.Class == store.Spam {
		want = classify.Spam
	}
	if m.Missed = r.cutoffs.Verdict(m.Last.P) != want; m.Missed && want == classify.Ham {
		round.HamMisses++
	} else if m.Missed {
		round.SpamMisses++
	}
	before := m.mark()
	if round.N == 1 {
		before, m.Before = store.Mark{}, m.Last
	}
	effect := r.effect(m, round.N == 1)
	if m.Adds, m.Step = m.Adds+effect.Adds, m.Step+effect.Step; m.mark() != before {
		label := classify.Label{C: m.Before.C, E: m.Before.E, L: m.Before.L, Spam: m.Class == store.Spam, Sure: m.Sure}
		r.model.Change(before, m.mark(), m.Features, m.Grams, label)
	}
	if !effect.Nothing() {
		m.gains++
	}
	return !effect.Nothing()
}

// effect is what a message gains. After the first round it has its own word in the
// model, so the chance of a slip is asked of the model without it.
func (r *runner) effect(m *Message, first bool) training.Effect {
	spam, grams := m.Class == store.Spam, len(m.Grams)
	if first {
		return r.rule.Judge(spam, m.Last, grams, r.model, m.Sure)
	}
	m.Slip = 0
	e, later := training.Effect{Step: r.rule.Step(spam, m.Last, grams, 0)}, training.Rule{Margin: r.rule.Margin + more}
	if !later.Knows(spam, m.Last) {
		e.Adds = 1
	}
	if e.Nothing() && !m.Missed {
		return e
	}
	if !m.Sure && !r.rule.User {
		without := training.Without{Model: r.model, Spam: spam, Effect: training.Effect{Adds: m.Adds, Step: m.Step}}
		m.Slip = r.model.Fit().Slip(spam, r.scorer.Score(m.Features, m.Grams, without).LogOdds)
		e.Step = r.rule.Step(spam, m.Last, grams, m.Slip)
	}
	if m.Suspect() || m.gains >= training.Rounds {
		return training.Effect{}
	}
	return e
}
