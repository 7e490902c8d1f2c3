package classify

import (
	"slices"

	"fanmill/classify/exact"
)

// Explanation says why a message has its score. Counts, Second, Linear, Bias, Own,
// Thin and Beginning are in the unit of log-odds and add up to Score.LogOdds.
type Explanation struct {
	Score  Score
	Counts float64 // what the reading of the counts, Score.C, brings
	Second float64 // what the second reading, Score.E, brings
	Linear float64 // what the linear part, Score.L, brings
	Bias   float64 // of the calibrator
	Own    float64 // in a user's scope: what his own labels changed in Counts and Second, once more
	Thin   float64 // what thin evidence takes away, see MinLabels; else 0

	Beginning float64 // what is added since the beginning of the message says spam by itself, see Scorer.Lift

	P      float64 // the logistic of Score.LogOdds: the score without its floor
	Totals Count   // messages of each class that count

	Borrowed bool // see Model.Borrowed

	// HamTail and SpamTail are the two chi-squared tails from which Score.C comes,
	// 0..1, as SpamBayes shows them under *H* and *S*: near 1, the clues of that
	// class are no chance.
	HamTail, SpamTail float64
	Clues             []Clue // the strongest first; where Beginning is not 0, of the beginning

	// Pieces are those of the excerpt that moved the linear part most, the one that
	// moved it most first. With Rest, all others together, their sums add up to
	// that of the message exactly, and their shares to Score.L.
	Pieces []Piece
	Rest   Piece // its text is empty
	Others int   // how many pieces are in Rest
}

// Explain scores the message in hand and says why, with the texts recorded since
// EnableClues: with the given numbers of clues (at most 150) and of pieces. Call it
// after Finish and before Reset.
func (s *Stream) Explain(m Model, clues, pieces int) Explanation {
	n := len(s.msg.Grams)
	all, sum := weighed(s.extract.Pieces(), m, n)
	still := stillModel{m, m.Totals(), m.Borrowed(), m.Fit(), sum}
	score := s.why.Score(s.msg.Features, s.msg.Grams, still) // its clues are in s.why
	tails := combine(s.why.clues)
	by := still.fit.shares(score.C, score.E, score.L)
	x := Explanation{
		Totals: still.totals, Borrowed: still.borrowed,
		Counts: by[0], Linear: by[1], Second: by[2], Bias: by[3], Own: score.Own,
		Thin:    score.LogOdds - (still.fit.LogOdds(score.C, score.E, score.L) + score.Own),
		HamTail: exact.Exp(tails.lnNotH), SpamTail: exact.Exp(tails.lnNotS),
	}
	x.Pieces = mostMoving(all, pieces)
	x.Others = len(all) - len(x.Pieces)
	for _, p := range x.Pieces {
		sum -= p.Sum
	}
	x.Rest = Piece{Sum: sum, Share: linear(sum, n)}
	x.Score = s.why.Lift(score, s.msg.Features, s.msg.Behind, still)
	x.Beginning, x.P = x.Score.Beginning, exact.Sigma(x.Score.LogOdds)
	x.Clues = s.Clues(still, x.Score, clues)
	return x
}

// stillModel is a model that keeps still: training goes on beside an explanation,
// which has to add up nevertheless.
type stillModel struct {
	Model
	totals   Count
	borrowed bool
	fit      Fit
	sum      int64 // of the message's grams
}

func (m stillModel) Totals() Count        { return m.totals }
func (m stillModel) Borrowed() bool       { return m.borrowed }
func (m stillModel) Fit() Fit             { return m.fit }
func (m stillModel) Weigh([]uint32) int64 { return m.sum }

// Clues returns the n strongest clues of the message in hand, strongest first, with the
// texts recorded since EnableClues: those of its beginning, if that was heard for the
// score. Call it after Finish and before Reset.
func (s *Stream) Clues(m Model, score Score, n int) []Clue {
	features := s.msg.Features
	if score.Beginning != 0 {
		features = s.why.without(features, s.msg.Behind)
	}
	counts := s.why.look(features, m)
	s.why.collect(counts, m.Totals())
	s.why.strongest(n)
	return s.named(features)
}

// named tells what the clues stand for that why has collected of some features.
func (s *Stream) named(features []uint64) []Clue {
	slices.SortFunc(s.why.clues, stronger)
	out := make([]Clue, 0, len(s.why.clues))
	for _, cl := range s.why.clues {
		k, h := s.why.counts[cl.index], features[s.why.places[cl.index]]
		c := Clue{Prob: cl.f, Ham: k.Ham, Spam: k.Spam, Strength: cl.strength(), Feature: h}
		c.Text, c.Place = s.extract.Text(h)
		out = append(out, c)
	}
	return out
}

// Explain explains the score of a stored message; see Stream.Explain.
func Explain(o Options, raw []byte, m Model, clues, pieces int) Explanation {
	s := NewStream(o)
	s.EnableClues()
	s.Stored(raw)
	return s.Explain(m, clues, pieces)
}
