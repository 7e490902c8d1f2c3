package figures

import (
	"cmp"
	"math"
	"slices"

	"fanmill/classify"
)

// ranked is a run sorted by score, so that every figure of a weighted sample of
// it takes one pass: sorting is done once, not for each resample.
type ranked []item

type item struct {
	p       float64
	message int32
	class   uint8
	fate    Fate
	bin     uint8 // of the calibration
	wrong   bool  // at 0.5
	early   bool
	late    bool
	last    bool // of those with this score
}

// rank sorts a run by log-odds, which do not round to 0 and 1 as scores do.
func rank(run Run, c classify.Cutoffs) ranked {
	sorted := slices.Clone(run)
	slices.SortStableFunc(sorted, byScore)
	out := make(ranked, len(sorted))
	for i, r := range sorted {
		out[i] = item{
			p: r.Score.P, message: int32(r.Message), class: uint8(class(r.Spam)), fate: fate(r.Score.P, c),
			bin: uint8(i * Bins / len(sorted)), wrong: r.Wrong(), early: r.early, late: r.late,
			last: i == len(sorted)-1 || byScore(r, sorted[i+1]) != 0,
		}
	}
	return out
}

func byScore(a, b Result) int { return cmp.Compare(a.Score.LogOdds, b.Score.LogOdds) }

// tally is what figures are made of: sums of weights.
type tally struct {
	fates [2][fates]float64
	wrong [2]float64
	early float64
	all   pairs
	late  pairs
	bins  [Bins]sums
}

// tally counts each message as often as its weight says. It is the inner loop
// of the bootstrap.
func (r ranked) tally(weight []float64) (t tally) {
	for i := range r {
		x := &r[i]
		if w := weight[x.message]; w > 0 {
			t.fates[x.class][x.fate] += w
			t.all.level[x.class] += w
			b := &t.bins[x.bin]
			b.n += w
			b.score += w * x.p
			b.spam += w * float64(x.class)
			if x.late {
				t.late.level[x.class] += w
			}
			if x.wrong {
				t.wrong[x.class] += w
				if x.early {
					t.early += w
				}
			}
		}
		if x.last {
			t.all.close()
			t.late.close()
		}
	}
	return t
}

// pairs counts the pairs of a ham and a spam in which the ham ranks higher;
// those of equal scores count half.
type pairs struct {
	level [2]float64 // ham and spam of the score in hand
	ham   float64    // lower ones
	spam  float64
	above float64
}

// close ends a group of equal scores.
func (p *pairs) close() {
	h, s := p.level[ham], p.level[spam]
	p.above += h * (p.spam + s/2)
	p.ham += h
	p.spam += s
	p.level = [2]float64{}
}

// area is the area above the ROC curve: the chance that a ham drawn at random
// scores above a spam drawn at random; NaN without one of the classes.
func (p pairs) area() float64 { return p.above / (p.ham * p.spam) }

// figures works the sums out.
func (t tally) figures() Figures {
	h, s := t.fates[ham], t.fates[spam]
	nh, ns := sum(h), sum(s)
	return Figures{
		ROCA: 100 * t.all.area(), ROCALate: Number(100 * t.late.area()),
		LAM:    100 * lam(h[Spam]+h[Reject], nh, s[Ham]+s[Unsure], ns),
		LAM50:  100 * lam(t.wrong[ham], nh, t.wrong[spam], ns),
		Errors: t.wrong[ham] + t.wrong[spam], First1000: t.early,
		HamRejected: h[Reject], HamAsSpam: h[Spam], HamUnsure: h[Unsure],
		SpamPassed: s[Ham], SpamUnsure: s[Unsure], SpamRejected: s[Reject],
		ECE: 100 * calibrationError(t.bins),
	}
}

func sum(x [fates]float64) (n float64) {
	for _, v := range x {
		n += v
	}
	return n
}

// lam is the logistic average of the two error rates (Cormack and Lynam, TREC
// 2005 Spam Track Overview), with 0.5 added to the counts of wrong and of right
// messages, so that it is defined when nothing is wrong.
func lam(hamWrong, ham, spamWrong, spam float64) float64 {
	x := (logit(hamWrong, ham) + logit(spamWrong, spam)) / 2
	return 1 / (1 + math.Exp(-x))
}

func logit(wrong, of float64) float64 { return math.Log((wrong + 0.5) / (of - wrong + 0.5)) }
