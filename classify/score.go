package classify

import (
	"cmp"
	"math"
	"slices"

	"fanmill/classify/exact"
)

// Constants of the reading of the counts: Robinson's f(w) with strength 1 and
// prior 1/2, clues at least 0.1 from 1/2, the 150 strongest, joined by Fisher's
// method (G. Robinson, "A Statistical Approach to the Spam Problem", Linux
// Journal 2003; figures for this choice in docs/accuracy.md).
const (
	priorStrength = 1.0
	priorProb     = 0.5
	minDeviation  = 0.1
	maxClues      = 150
)

// MinLabels is how many counting messages of each class a model needs before
// its score may leave the unsure band, and how many labels of its own where another
// filter's counts are among them. Training counts every message of a class until the
// class has that many.
const MinLabels = 20

// Scorer scores messages. The zero value is ready; it keeps its buffers, so it
// is not safe for concurrent use.
type Scorer struct {
	counts []Count // of the features that the model knows
	places []int32 // of these among all features
	clues  []clue
	tied   []clue

	beginning []uint64 // features of one
}

// clue is a feature that speaks: its probability and its place in Scorer.counts.
type clue struct {
	f     float64
	index int32
}

func (c clue) strength() float64 { return math.Abs(c.f - 0.5) }

// Score joins the opinions of a model about a message's features and grams. It
// allocates nothing once its buffers have grown. The result is the same, bit for
// bit, for the same features and model, on every machine: no sum takes a
// product directly, so no compiler may fuse the two.
//
// In a user's scope, what his own labels change by way of the counts counts twice: the
// linear part is the site's, cannot learn them, and would go on contradicting them
// (figures in docs/training.md).
func (sc *Scorer) Score(features []uint64, grams []uint32, m Model) Score {
	s := sc.join(features, linear(m.Weigh(grams), len(grams)), m)
	if Thin(m) {
		s.LogOdds = squeeze(s.LogOdds)
	}
	s.P = report(s.LogOdds)
	return s
}

// join joins the opinions by the counts with l, that of the linear part, to log-odds.
func (sc *Scorer) join(features []uint64, l float64, m Model) Score {
	fit := m.Fit()
	site, _ := m.Base()
	without := 0.0 // what the site's counts say
	if site != nil {
		s := sc.read(features, site, site.Totals())
		without = fit.LogOdds(s.C, s.E, l)
	}
	s := sc.read(features, m, m.Totals())
	s.L = l
	z := fit.LogOdds(s.C, s.E, l)
	if site != nil {
		s.Own = z - without
	}
	s.LogOdds = z + s.Own
	return s
}

// read sets what the counts of a model say, and leaves their clues in sc.clues.
func (sc *Scorer) read(features []uint64, m Model, total Count) Score {
	counts := sc.look(features, m)
	sc.collect(counts, total)
	sc.strongest(maxClues)
	tails := combine(sc.clues)
	return Score{C: tails.logOdds(), E: second(counts, total), Clues: len(sc.clues)}
}

// look returns the counts of the features that the model knows, valid until the next
// call. Which these are cannot be predicted: there is no branch in machine code, here
// and in collect.
func (sc *Scorer) look(features []uint64, c Model) []Count {
	if cap(sc.counts) < len(features) {
		most := len(features) + len(features)/2
		sc.counts, sc.places, sc.clues = make([]Count, most), make([]int32, most), make([]clue, most)
	}
	counts, places, n := sc.counts[:len(features)], sc.places[:len(features)], 0
	c.Lookup(features, counts)
	for i, c := range counts {
		counts[n], places[n] = c, int32(i)
		if c.Ham|c.Spam != 0 {
			n++
		}
	}
	return counts[:n]
}

// collect turns counts into clues. Class sizes are counted messages; a class
// without any counts as one message.
func (sc *Scorer) collect(counts []Count, total Count) {
	ns, nh := float64(max(total.Spam, 1)), float64(max(total.Ham, 1))
	clues, n := sc.clues[:len(counts)], 0
	for i, c := range counts {
		f := probability(c, ns, nh)
		clues[n] = clue{f: f, index: int32(i)}
		if math.Abs(f-0.5) >= minDeviation {
			n++
		}
	}
	sc.clues = clues[:n]
}

// probability is Robinson's f(w): the share of spam among the messages with a
// feature, classes taken as equally large, pulled to 1/2 where counts are few.
func probability(c Count, ns, nh float64) float64 {
	s, h := float64(c.Spam)/ns, float64(c.Ham)/nh
	n := float64(c.Spam) + float64(c.Ham)
	np := float64(n * (s / (s + h)))
	return (priorStrength*priorProb + np) / (priorStrength + n)
}

// strongest keeps the n strongest clues; ties go to the lower feature.
func (sc *Scorer) strongest(n int) {
	if len(sc.clues) <= n || n < 1 {
		sc.clues = sc.clues[:min(len(sc.clues), max(n, 0))]
		return
	}
	last, kept := sc.nth(n), 0
	for _, c := range sc.clues {
		sc.clues[kept] = c
		if c.strength() > last.strength() {
			kept++
		}
		if c.strength() == last.strength() && c.index <= last.index {
			kept++
		}
	}
	sc.clues = sc.clues[:kept]
}

// nth returns the n-th strongest clue. It counts strengths into bins and sorts
// only the bin the n-th falls into.
func (sc *Scorer) nth(n int) clue {
	var bins [256]int32
	for _, c := range sc.clues {
		bins[c.bin()]++
	}
	bin := len(bins) - 1
	for n > int(bins[bin]) {
		n -= int(bins[bin])
		bin--
	}
	sc.tied = sc.tied[:0]
	for _, c := range sc.clues {
		if c.bin() == bin {
			sc.tied = append(sc.tied, c)
		}
	}
	slices.SortFunc(sc.tied, stronger)
	return sc.tied[n-1]
}

// bin sorts a strength of 0 to 1/2 roughly, in order.
func (c clue) bin() int { return int(c.strength() * 511) }

// stronger orders clues, the strongest first.
func stronger(a, b clue) int {
	if c := cmp.Compare(b.strength(), a.strength()); c != 0 {
		return c
	}
	return cmp.Compare(a.index, b.index)
}

// tails are the two chi-squared tails of Fisher's method, as logarithms of the
// tail and of its complement: that everything is chance, seen from spam's side
// (S) and from ham's (H).
type tails struct {
	lnS, lnNotS float64
	lnH, lnNotH float64
}

// combine joins clues. Products of probabilities stand in for sums of
// logarithms; they are rescaled before they leave the range of float64.
func combine(clues []clue) tails {
	spam, ham := exact.One(), exact.One()
	for _, c := range clues {
		spam.Times(1 - c.f)
		ham.Times(c.f)
	}
	var t tails
	t.lnS, t.lnNotS = exact.Chi2Tails(-spam.Ln(), len(clues))
	t.lnH, t.lnNotH = exact.Chi2Tails(-ham.Ln(), len(clues))
	return t
}

// logOdds is ln((1+H-S)/(1-H+S)): the log-odds of SpamBayes' (S-H+1)/2, kept
// exact where that would round to 0 or 1.
func (t tails) logOdds() float64 {
	return exact.LogAdd(t.lnNotS, t.lnH) - exact.LogAdd(t.lnNotH, t.lnS)
}

// Thin tells whether a model knows too little for a score outside the unsure band. What
// another filter has counted is no evidence of this site's mail before labels given here
// bear it out: a dump of other mail, and a first few labels of one class, would make the
// score bold and wrong (figures in docs/training.md).
func Thin(m Model) bool {
	total := m.Totals()
	return min(total.Ham, total.Spam) < MinLabels || m.Borrowed()
}

// squeeze keeps a score inside the unsure band (0.15 to 0.90 by default); the order stays.
func squeeze(z float64) float64 {
	const up, down = 2.19, 1.73
	if z > 0 {
		return up - float64(up*exact.Exp(-z/up))
	}
	return float64(down*exact.Exp(z/down)) - down
}
