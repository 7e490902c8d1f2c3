package model

import "fanmill/classify"

// Draft is a model in memory that no ledger stands behind: training to exhaustion tries
// there what it will write. It learns, calibrates and answers as a scope's model does. It
// must not be used by two goroutines at once.
type Draft struct {
	base classify.Model // for a user's scope: the site's; nil: none
	own  Sum
}

// NewDraft returns an empty model, which answers together with base if that is not nil.
func NewDraft(base classify.Model) *Draft { return &Draft{base: base} }

// Change carries out on the model what makes after of before.
func (d *Draft) Change(before, after Mark, features []uint64, grams []uint32, label classify.Label) {
	ch := Change{Before: before, After: after, Features: features, Grams: grams, Label: label}
	ch.Same = before.judged() == after.judged() && before.Class == after.Class
	if d.base != nil {
		d.own.counts.change(&ch)
		return
	}
	d.own.Change(&ch)
}

// Totals implements classify.Model.
func (d *Draft) Totals() classify.Count {
	if d.base == nil {
		return d.own.totals
	}
	site := d.base.Totals()
	return joint(site, d.own.totals, times(site))
}

// Base implements classify.Model.
func (d *Draft) Base() (classify.Model, uint32) {
	if d.base == nil {
		return nil, 1
	}
	n := times(d.base.Totals())
	if d.own.silent() {
		return nil, n
	}
	return d.base, n
}

// Borrowed implements classify.Model: imports are no part of a draft, but the site may
// have some.
func (d *Draft) Borrowed() bool {
	return d.base != nil && min(d.own.ham, d.own.spam) < classify.MinLabels && d.base.Borrowed()
}

// Lookup implements classify.Model.
func (d *Draft) Lookup(features []uint64, out []classify.Count) {
	n := uint32(1)
	if d.base != nil {
		d.base.Lookup(features, out)
		n = times(d.base.Totals())
	} else {
		clear(out[:len(features)])
	}
	d.own.beside(features, out, n)
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
	if first, end := FitRows(n); w.fitted != end {
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
