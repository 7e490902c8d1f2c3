package store

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"io"
	"slices"

	"fanmill/classify"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// counts is what one scope's training adds up to.
type counts struct {
	tab       *table // nil until something counts
	totals    classify.Count
	imported  int // how often counts of another filter count in totals
	ham, spam int // labelled messages, counting or not
	waiting   int // of these, not learned yet
}

// siteCounts is what the site's training adds up to. A user's labels have no step and
// make no Fit: of them there are counts only.
type siteCounts struct {
	counts
	weights []int32 // of the linear part, classify.Buckets of them; nil until there is a step
	window  window
}

// change is an op with all that the model needs to carry it out. What it does
// to counts and weights is addition modulo 2^32, so the opposite change always
// restores them.
type change struct {
	row           int64
	before, after Mark
	features      []uint64 // of the row, if counts; nil: not known
	grams         []uint32 // of the row, if steps; nil: not known
	label         classify.Label
	same          bool  // for the calibrator nothing changes
	undoes        int64 // the op that is taken back: its label comes back to its old place
}

// counts and steps tell whether a change moves counts or weights, and so needs
// features or grams.
func (ch *change) counts() bool { ham, spam := difference(ch.before, ch.after); return ham|spam != 0 }
func (ch *change) steps() bool  { return ch.before.Step != ch.after.Step }

// lists are buffers for the features and grams of one change at a time.
type lists struct {
	features []uint64
	grams    []uint32
}

// parse gives a change the stored lists that it needs, as far as they are kept;
// they are valid until the next call.
func (l *lists) parse(ch *change, features, grams driver.Value) (err error) {
	if l.features == nil {
		l.features, l.grams = make([]uint64, 0, 512), make([]uint32, 0, 2048)
	}
	if b := sqlite.Blob(features); b != nil && ch.counts() {
		if l.features, err = pack.ReadFeaturesTo(l.features[:0], b); err != nil {
			return err
		}
		ch.features = l.features
	}
	if b := sqlite.Blob(grams); b != nil && ch.steps() {
		l.grams, err = pack.ReadGramsTo(l.grams[:0], b)
		ch.grams = l.grams
	}
	return err
}

// lacks reports that a change cannot be carried out for want of its lists.
func (ch *change) lacks() bool {
	return ch.counts() && ch.features == nil || ch.steps() && ch.grams == nil
}

// missing is the fault of a row whose change lacks its lists.
func missing(path string, ch *change) error {
	return sqlite.Damaged(path, fmt.Sprintf("message %d counts but has no features or grams", ch.row))
}

// change carries an op out: before is taken away, after is given.
func (c *counts) change(ch *change) {
	c.label(ch.before, -1)
	c.label(ch.after, +1)
	if ham, spam := difference(ch.before, ch.after); ham|spam != 0 {
		c.add(ch.features, ham, spam)
	}
}

// change is counts.change, with linear part and labels of the Fit.
func (t *siteCounts) change(ch *change) {
	t.counts.change(ch)
	t.window.change(ch)
	if ch.steps() {
		t.step(ch.grams, int32(ch.after.Step)-int32(ch.before.Step))
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

func (t *siteCounts) step(grams []uint32, d int32) {
	if len(t.weights) == 0 {
		t.weights = make([]int32, classify.Buckets)
	}
	for _, g := range grams {
		t.weights[g] += d
	}
}

// weigh sums the weights of grams.
func (t *siteCounts) weigh(grams []uint32) (sum int64) {
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
func (t *siteCounts) export(w io.Writer, scope string) {
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
