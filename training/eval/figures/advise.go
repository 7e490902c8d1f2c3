package figures

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"

	"fanmill/classify"
)

// Advice proposes cut-offs for mail like that measured, of which no message was
// learned before it was scored.
type Advice struct {
	OneIn    int              `json:"one_in"` // ham may be lost
	Ham      int              `json:"ham"`    // held out
	Spam     int              `json:"spam"`   // held out
	Cutoffs  classify.Cutoffs `json:"-"`
	Above    int              `json:"above"`    // ham at or above the proposed reject_cutoff
	Bound    float64          `json:"bound"`    // of the share of ham there will be: with 95 % confidence no more
	Promised bool             `json:"promised"` // the bound is 1 in OneIn or less
	Now      Outcome          `json:"now"`      // what the cut-offs in force make of these messages
	Then     Outcome          `json:"then"`     // what the proposed ones would
	Highest  Run              `json:"-"`        // the ham that sets reject_cutoff, and what scores higher; none where the cut-off in force does
}

// Outcome counts messages of each class by their fate.
type Outcome struct {
	Ham  Fates `json:"ham"`
	Spam Fates `json:"spam"`
}

// Fates counts messages by their fate.
type Fates [fates]int

// MarshalJSON writes the counts under the fates' words.
func (f Fates) MarshalJSON() ([]byte, error) {
	counts := map[Fate]int{}
	for i, n := range f {
		counts[Fate(i)] = n
	}
	return json.Marshal(counts)
}

// Wish says what cut-offs are to keep.
type Wish struct {
	OneIn  int              // at most 1 in OneIn ham is lost: 2 or more
	Drops  bool             // spam is dropped without a word: ham is lost from spam_cutoff on, not reject_cutoff
	Before classify.Cutoffs // those in force
}

// What is advised besides. A message that is only held costs a moderator's
// glance, so ten times as much ham may be held as spam as may be lost; of the
// spam one in a hundred may pass. A message is never called after the class it is
// farther from, and none is lost whose score leaves more than one chance in ten
// that it is ham: that can not be undone.
const (
	heldPerLost = 10
	spamPassed  = 0.01
	halfway     = 0.5
	sure        = 0.9
)

// Advise proposes cut-offs for mail like that of the run. It is ErrOneClass for a
// run of one class.
//
// Each proposal is a tolerance limit (S. Wilks, "Determination of Sample Sizes
// for Setting Tolerance Limits", Annals of Mathematical Statistics 1941): just
// above the highest ham but k, with the largest k for which so few would be seen
// above it with 5 % chance at most, were more ham above it than wanted. It holds
// for any distribution of scores, though the same messages set and judge it. Not
// even k = 0 will do for fewer than 3 OneIn ham (the rule of three).
func Advise(run Run, w Wish) (Advice, error) {
	if w.OneIn < 2 {
		return Advice{}, fmt.Errorf("1 in %d ham: want 1 in 2 or less", w.OneIn)
	}
	if err := run.check(); err != nil {
		return Advice{}, err
	}
	scores := run.byClass()
	hams, spams := scores[ham], scores[spam]
	a := Advice{OneIn: w.OneIn, Ham: len(hams), Spam: len(spams)}
	rate := 1 / float64(w.OneIn)

	a.Cutoffs.Reject = max(hamBelow(hams, rate, w.Before.Reject), sure)
	a.Cutoffs.Spam = min(max(hamBelow(hams, min(heldPerLost*rate, 0.5), w.Before.Spam), halfway), a.Cutoffs.Reject)
	if w.Drops {
		a.Cutoffs.Spam = a.Cutoffs.Reject
	}
	a.Cutoffs.Ham = min(spamFrom(spams, spamPassed, w.Before.Ham), halfway)
	if k := max(tolerable(len(hams), rate), 0); a.Cutoffs.Reject == above(hams[k].Score.P) {
		a.Highest = hams[:k+1]
	}

	a.Now, a.Then = outcome(run, w.Before), outcome(run, a.Cutoffs)
	a.Above = a.Then.Ham[Reject]
	a.Bound = upperBound(a.Above, a.Ham)
	a.Promised = a.Bound <= rate
	return a, nil
}

// hamBelow is a cut-off that leaves so many ham at or above it, of ham sorted from
// the highest. Where they are too few to tell, it leaves none and is not lower than
// the one in force: what cannot be promised is no reason to relax.
func hamBelow(hams Run, rate, before float64) float64 {
	if k := tolerable(len(hams), rate); k >= 0 {
		return above(hams[k].Score.P)
	}
	return max(above(hams[0].Score.P), before)
}

// spamFrom is the same for spam below a cut-off.
func spamFrom(spams Run, rate, before float64) float64 {
	last := len(spams) - 1
	if k := tolerable(len(spams), rate); k >= 0 {
		return upTo(spams[last-k].Score.P)
	}
	return min(upTo(spams[last].Score.P), before)
}

// byClass sorts by score, the highest first.
func (r Run) byClass() (out [2]Run) {
	for _, x := range r {
		out[class(x.Spam)] = append(out[class(x.Spam)], x)
	}
	for _, run := range out {
		slices.SortStableFunc(run, func(a, b Result) int { return byScore(b, a) })
	}
	return out
}

func outcome(run Run, c classify.Cutoffs) (o Outcome) {
	for _, r := range run {
		if f := fate(r.Score.P, c); r.Spam {
			o.Spam[f]++
		} else {
			o.Ham[f]++
		}
	}
	return o
}

// risk is the chance that a bound does not hold.
const risk = 0.05

// tolerable is the largest k for which at most k of n are seen with 5 % chance
// at most when each is so with chance rate; -1 where there is none.
func tolerable(n int, rate float64) int {
	return sort.Search(n, func(k int) bool { return atMost(k, n, rate) > risk }) - 1
}

// upperBound is the largest rate that k of n leave possible with 95 % confidence
// (C. Clopper and E. Pearson, Biometrika 1934, one-sided): about 3/n for k = 0.
func upperBound(k, n int) float64 {
	low, high := float64(k)/float64(n), 1.0
	for range 60 {
		if mid := (low + high) / 2; atMost(k, n, mid) > risk {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// atMost is the chance of k or fewer successes in n trials (binomial).
func atMost(k, n int, rate float64) float64 {
	if rate >= 1 {
		return 0
	}
	term := float64(n) * math.Log1p(-rate) // ln of the chance of none
	sum := math.Exp(term)
	for i := 1; i <= k; i++ {
		term += math.Log(float64(n-i+1)/float64(i)) + math.Log(rate) - math.Log1p(-rate)
		sum += math.Exp(term)
	}
	return sum
}

// above is the next short number above a score: of the distance to 1 two digits
// are kept. Nothing is above 1.
func above(p float64) float64 {
	scale := digits(1 - p)
	c := math.Ceil(p*scale) / scale
	if c <= p {
		c = math.Ceil(p*scale+1) / scale
	}
	return min(c, 1)
}

// upTo is the next short number at or below a score.
func upTo(p float64) float64 {
	scale := digits(p)
	return math.Floor(p*scale) / scale
}

// digits is the power of ten that shows two digits of x; at most 15 decimals.
func digits(x float64) float64 {
	return math.Pow(10, math.Ceil(min(1-math.Log10(max(x, 1e-14)), 15)))
}
