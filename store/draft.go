package store

import "fanmill/classify"

// Draft is a model in memory that no ledger stands behind: training to exhaustion tries
// there what it will write. It learns, calibrates and answers as a scope's model does. It
// must not be used by two goroutines at once.
type Draft struct {
	base *Model // for a user's scope: the site's; nil: none
	own  siteCounts
}

// NewDraft returns an empty model, which answers together with base if that is not nil.
func NewDraft(base *Model) *Draft { return &Draft{base: base} }

// Change carries out on the model what an op does that makes after of before.
func (d *Draft) Change(before, after Mark, features []uint64, grams []uint32, label classify.Label) {
	ch := change{before: before, after: after, features: features, grams: grams, label: label}
	ch.same = before.judged() == after.judged() && before.Class == after.Class
	if d.base != nil {
		d.own.counts.change(&ch)
		return
	}
	d.own.change(&ch)
}

// Totals implements classify.Model.
func (d *Draft) Totals() (c classify.Count) {
	if d.base != nil {
		c = d.base.Totals()
	}
	return classify.Count{Ham: c.Ham + d.own.totals.Ham, Spam: c.Spam + d.own.totals.Spam}
}

// Lookup implements classify.Model.
func (d *Draft) Lookup(features []uint64, out []classify.Count) {
	if d.base != nil {
		d.base.Lookup(features, out)
	} else {
		clear(out[:len(features)])
	}
	if d.own.tab == nil {
		return
	}
	for i, f := range features {
		c := d.own.tab.get(f)
		out[i].Ham += c.Ham
		out[i].Spam += c.Spam
	}
}

// CountsOnly tells whether this is a user's scope, in which labels have no step.
func (d *Draft) CountsOnly() bool { return d.base != nil }

// Weigh implements classify.Model.
func (d *Draft) Weigh(grams []uint32) int64 {
	if d.base != nil {
		return d.base.Weigh(grams)
	}
	return d.own.weigh(grams)
}

// Fit implements classify.Model; as in the ledger, it is made anew now and then.
func (d *Draft) Fit() classify.Fit {
	if d.base != nil {
		return d.base.Fit()
	}
	w, n := &d.own.window, d.own.judged()
	if first, end := fitRows(n); w.fitted != end {
		w.fit = classify.Calibrate(w.labels[max(0, len(w.labels)-(n-first)) : len(w.labels)-(n-end)])
		w.fitted = end
	}
	if w.fitted == 0 {
		return classify.PriorFit()
	}
	return w.fit
}

// Labels returns what was learned.
func (d *Draft) Labels() Labels { return d.own.labels() }
