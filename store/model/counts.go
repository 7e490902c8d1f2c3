package model

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"fanmill/classify"
)

// counts is what one scope's training adds up to.
type counts struct {
	tab       *table // nil until something counts
	totals    classify.Count
	imported  int // how often counts of another filter count in totals
	ham, spam int // labelled messages, counting or not
	waiting   int // of these, not learned yet
}

// Sum is what a scope's training adds up to. A user's labels have no step and make no Fit:
// of them there are counts only.
type Sum struct {
	counts
	weights []int32 // of the linear part, classify.Buckets of them; nil until there is a step
	window  window
}

// NewSum returns a Sum of so many labels, to which nothing was added yet. Its Fit must be
// made (see Refit).
func NewSum(ham, spam, waiting int) Sum {
	return Sum{counts: counts{ham: ham, spam: spam, waiting: waiting}, window: window{stale: true}}
}

// change carries a change out: before is taken away, after is given.
func (c *counts) change(ch *Change) {
	c.label(ch.Before, -1)
	c.label(ch.After, +1)
	if ham, spam := difference(ch.Before, ch.After); ham|spam != 0 {
		c.add(ch.Features, ham, spam)
	}
}

// Change carries a change out on what no Models has yet: counts, linear part and labels of
// the Fit.
func (t *Sum) Change(ch *Change) {
	t.counts.change(ch)
	t.window.change(ch)
	if ch.NeedsGrams() {
		t.step(ch.Grams, int32(ch.After.Step)-int32(ch.Before.Step))
	}
}

func (c *counts) label(m Mark, n int) {
	switch m.Class {
	case Ham:
		c.ham += n
	case Spam:
		c.spam += n
	case HamCounts, SpamCounts:
		c.imported += n * m.Adds
		return
	default:
		return
	}
	if m.Waits {
		c.waiting += n
	}
}

// judged is how many labels there are for a Fit.
func (c *counts) judged() int { return c.ham + c.spam - c.waiting }

func (c *counts) add(features []uint64, ham, spam uint32) {
	c.totals.Ham += ham
	c.totals.Spam += spam
	if c.tab == nil {
		c.tab = new(table)
	}
	for _, f := range features {
		c.tab.add(f, ham, spam)
	}
}

func (t *Sum) step(grams []uint32, d int32) {
	if len(t.weights) == 0 {
		t.weights = make([]int32, classify.Buckets)
	}
	for _, g := range grams {
		t.weights[g] += d
	}
}

// weigh sums the weights of grams.
func (t *Sum) weigh(grams []uint32) (sum int64) {
	weights := t.weights
	for _, g := range grams {
		if int(g) < len(weights) {
			sum += int64(weights[g])
		}
	}
	return sum
}

// difference returns what turns the counts of before into those of after,
// modulo 2^32.
func difference(before, after Mark) (ham, spam uint32) {
	for _, m := range [...]struct {
		mark Mark
		sign int
	}{{before, -1}, {after, +1}} {
		switch m.mark.Class {
		case Ham, HamCounts:
			ham += uint32(m.sign * m.mark.Adds)
		case Spam, SpamCounts:
			spam += uint32(m.sign * m.mark.Adds)
		}
	}
	return ham, spam
}

func (c *counts) labels() Labels {
	return Labels{Ham: c.ham, Spam: c.spam, Waiting: c.waiting, HamAdds: int(c.totals.Ham), SpamAdds: int(c.totals.Spam), Imported: c.imported}
}

func (c *counts) features() int {
	if c.tab == nil {
		return 0
	}
	return c.tab.live
}

// size is about how many bytes of memory a scope's counts take.
func (c *counts) size() int64 {
	const base = 512 // model, counts and place in the map
	if c.tab == nil {
		return base
	}
	return base + c.tab.size()
}

// export writes the lines of one scope; none for one that is as if it had never
// learned.
func (t *Sum) export(w io.Writer, scope string) {
	c := &t.counts
	moved := func(weight int32) bool { return weight != 0 }
	if c.ham+c.spam == 0 && c.features() == 0 && c.totals == (classify.Count{}) && !slices.ContainsFunc(t.weights, moved) {
		return
	}
	fmt.Fprintf(w, "scope %q labels %d %d waiting %d adds %d %d\n", scope, c.ham, c.spam, c.waiting, c.totals.Ham, c.totals.Spam)
	if c.imported > 0 {
		fmt.Fprintf(w, "imported %d\n", c.imported)
	}
	if f := t.window.fit; t.window.fitted > 0 {
		fmt.Fprintf(w, "fit %d weights %x %x %x bias %x slips %x %x\n", f.Labels, f.WC, f.WL, f.WE, f.Bias, f.HamSlip, f.SpamSlip)
	}
	var list []slot
	if c.tab != nil {
		list = make([]slot, 0, c.tab.live)
		c.tab.each(func(f uint64, n classify.Count) { list = append(list, slot{f, n.Ham, n.Spam}) })
	}
	slices.SortFunc(list, func(a, b slot) int { return cmp.Compare(a.feature, b.feature) })
	for _, p := range list {
		fmt.Fprintf(w, "%016x %d %d\n", p.feature, p.ham, p.spam)
	}
	for i, x := range t.weights {
		if x != 0 {
			fmt.Fprintf(w, "gram %d %d\n", i, x)
		}
	}
}
