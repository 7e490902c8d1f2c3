package model

import (
	"slices"

	"fanmill/classify"
)

// The calibrator is a function of the rows that are labelled now in the site's scope,
// and of nothing else: of n such rows that do not wait, in the order in which they
// got label and scores (column judged), the first classify.FitLabels(n) count, and of
// these the newest classify.FitWindow are fitted. So whoever has the same rows has the
// same Fit, bit for bit, however it came there, and what was forgotten has no say.
//
// Training asks for the Fit with every message. The labels of rows that had none are
// therefore kept in memory as they come; after any other change they are read
// from the ledger again, once, when somebody asks.

// window is the Fit and the labels it is made from. Its labels belong to the writer of the
// Models; fit and fitted change under Models.mu.
type window struct {
	labels []classify.Label // of the newest labelled rows, the oldest first
	stale  bool             // labels must be read from the ledger
	fitted int              // the FitLabels that fit was made for; 0: there is no fit
	fit    classify.Fit
}

// change takes in the label of a row that had none; any other change of labels
// makes the window stale.
func (w *window) change(ch *Change) {
	switch {
	case ch.Same || w.stale || !ch.Before.judged() && !ch.After.judged():
	case !ch.Before.judged() && ch.Undoes == 0:
		if len(w.labels) >= 2*classify.FitWindow {
			w.labels = append(w.labels[:0], w.labels[len(w.labels)-3*classify.FitWindow/2:]...)
		}
		w.labels = append(w.labels, ch.Label)
	default:
		w.stale = true
	}
}

// FitRows returns which of n labelled rows, counted from the oldest, go into
// the Fit.
func FitRows(n int) (first, end int) {
	end = classify.FitLabels(n)
	return max(0, end-classify.FitWindow), end
}

// behind reports that the Fit is not that of the rows.
func (t *Sum) behind() bool {
	end := classify.FitLabels(t.judged())
	return t.window.fitted != end || t.window.stale && end > 0
}

// ReadLabels calls each with the site's labels that do not wait, the newest first, at most
// so many.
type ReadLabels func(most int, each func(classify.Label)) error

// Behind reports that the Fit is not that of the rows.
func (all *Models) Behind() bool { return all.site.behind() }

// Refit makes the site's Fit anew if it is behind.
func (all *Models) Refit(read ReadLabels) error {
	site := &all.site
	if !site.behind() {
		return nil
	}
	fit, err := site.calibrate(read)
	if err != nil {
		return err
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	site.window.fit, site.window.fitted = fit, classify.FitLabels(site.judged())
	return nil
}

// Refit makes the Fit of what no Models has yet, if there are labels for one.
func (t *Sum) Refit(read ReadLabels) (err error) {
	if t.behind() {
		t.window.fit, err = t.calibrate(read)
		t.window.fitted = classify.FitLabels(t.judged())
	}
	return err
}

// calibrate returns the Fit of the site's labels.
func (t *Sum) calibrate(read ReadLabels) (classify.Fit, error) {
	n, w := t.judged(), &t.window
	first, end := FitRows(n)
	if end > 0 && (w.stale || len(w.labels) < n-first) {
		if err := w.read(read, n-first); err != nil {
			return classify.Fit{}, err
		}
	}
	// Rows that somebody else has written meanwhile may make the list another
	// than expected; their ops will make the window stale.
	have := len(w.labels)
	return classify.Calibrate(w.labels[max(0, have-(n-first)):max(0, have-(n-end))]), nil
}

// read fills the window with the site's newest labels.
func (w *window) read(read ReadLabels, most int) error {
	w.stale = true // until all are read
	w.labels = slices.Grow(w.labels[:0], most)
	if err := read(most, func(l classify.Label) { w.labels = append(w.labels, l) }); err != nil {
		return err
	}
	slices.Reverse(w.labels)
	w.stale = false
	return nil
}
