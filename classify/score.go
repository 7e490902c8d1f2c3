package classify

import (
	"cmp"
	"math"
	"slices"
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
	spam, ham := product{m: 1}, product{m: 1}
	for _, c := range clues {
		spam.times(1 - c.f)
		ham.times(c.f)
	}
	var t tails
	t.lnS, t.lnNotS = chi2Tails(-spam.ln(), len(clues))
	t.lnH, t.lnNotH = chi2Tails(-ham.ln(), len(clues))
	return t
}

// logOdds is ln((1+H-S)/(1-H+S)): the log-odds of SpamBayes' (S-H+1)/2, kept
// exact where that would round to 0 or 1.
func (t tails) logOdds() float64 {
	return logAdd(t.lnNotS, t.lnH) - logAdd(t.lnNotH, t.lnS)
}

// product is m * 2^e.
type product struct {
	m float64
	e int
}

func (p *product) times(x float64) {
	if p.m *= x; p.m < 1e-200 {
		p.rescale()
	}
}

func (p *product) rescale() {
	f, e := math.Frexp(p.m)
	p.m, p.e = f, p.e+e
}

func (p *product) ln() float64 { return ln(p.m) + float64(float64(p.e)*math.Ln2) }

// chi2Tails returns ln Q and ln(1-Q) for Q the chance that a chi-squared
// variable with 2n degrees of freedom exceeds 2m: the Poisson sum
// e^-m (1 + m + m^2/2! + ... + m^(n-1)/(n-1)!), summed from the side that
// keeps its digits (Abramowitz and Stegun 26.4.21).
func chi2Tails(m float64, n int) (lnQ, lnP float64) {
	if n == 0 || m <= 0 {
		return 0, math.Inf(-1)
	}
	if m < float64(n) {
		lnP = min(upperSum(m, n), 0)
		return log1mExp(lnP), lnP
	}
	lnQ = min(lowerSum(m, n), 0)
	return lnQ, log1mExp(lnQ)
}

// lowerSum is ln of e^-m times the first n terms, largest term first.
func lowerSum(m float64, n int) float64 {
	sum, term := 1.0, 1.0
	for i := n - 1; i > 0; i-- {
		term = float64(term * (float64(i) / m))
		sum += term
		if term < sum*1e-17 {
			break
		}
	}
	return poissonLog(m, n-1) + ln(sum)
}

// upperSum is ln of e^-m times the terms from n on, largest term first.
func upperSum(m float64, n int) float64 {
	sum, term := 1.0, 1.0
	for i := n + 1; ; i++ {
		term = float64(term * (m / float64(i)))
		sum += term
		if term < sum*1e-17 {
			break
		}
	}
	return poissonLog(m, n) + ln(sum)
}

// poissonLog is ln(e^-m m^k / k!).
func poissonLog(m float64, k int) float64 {
	return float64(float64(k)*ln(m)) - m - lnFactorial[k]
}

// log1mExp is ln(1 - e^x) for x <= 0 (Maechler 2012).
func log1mExp(x float64) float64 {
	if x > -math.Ln2 {
		return ln(-expm1(x))
	}
	return ln1p(-exp(x))
}

func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + ln1p(exp(b-a))
}

// sigma is the logistic function. It has no branch on the sign.
func sigma(x float64) float64 {
	e := exp(-math.Abs(x))
	negative := uint64(int64(math.Float64bits(x)) >> 63)
	above := math.Float64frombits(math.Float64bits(e)&negative | math.Float64bits(1)&^negative) // e below 0, else 1
	return above / (1 + e)
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
		return up - float64(up*exp(-z/up))
	}
	return float64(down*exp(z/down)) - down
}
