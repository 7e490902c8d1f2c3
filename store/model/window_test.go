package model

import (
	"errors"
	"testing"

	"fanmill/classify"
)

// labelOf is the label of row n.
func labelOf(n int) classify.Label {
	y := float64(n%2)*2 - 1
	return classify.Label{C: y * float64(n%29), E: y * 0.3, L: -y * float64(n%7), Spam: n%2 == 1}
}

// labelled is the change that gives row n its label.
func labelled(n int) *Change {
	return &Change{Row: int64(n), After: Mark{Class: Ham + Class(n%2)}, Label: labelOf(n)}
}

// TestLabelsAreReadOnce: labels of new rows are kept in memory as they come, and read
// from the ledger only after another change, once, when there is a Fit to be made.
func TestLabelsAreReadOnce(t *testing.T) {
	all := NewModels()
	m := all.Set("", NewSum(0, 0, 0))
	var rows []int
	reads := 0
	read := func(most int, each func(classify.Label)) error {
		reads++
		for i := range min(most, len(rows)) {
			each(labelOf(rows[len(rows)-1-i]))
		}
		return nil
	}
	want := func(when string, most int) {
		t.Helper()
		var labels []classify.Label
		for _, n := range rows {
			labels = append(labels, labelOf(n))
		}
		end := classify.FitLabels(len(labels))
		fit := classify.Calibrate(labels[max(0, end-classify.FitWindow):end])
		if err := all.Refit(read); err != nil || all.Behind() || m.Fit() != fit || reads > most {
			t.Fatalf("%s: %v, behind %v, read %d times of %d; Fit %+v, want %+v", when, err, all.Behind(), reads, most, m.Fit(), fit)
		}
	}
	for n := range 3 * classify.FitWindow {
		all.Change(m, labelled(n))
		rows = append(rows, n)
		if n >= 200 && n%400 == 0 {
			want("new rows", 1)
		}
	}
	all.Change(m, &Change{Before: Mark{Class: Ham}})
	rows = rows[1:] // row 0 was ham
	all.Change(m, &Change{Before: Mark{Class: Spam}})
	rows = rows[1:]
	if !all.Behind() {
		t.Error("labels went, and the Fit is as it was")
	}
	want("two forgotten", 2)
	all.Change(m, &Change{Before: Mark{Class: Ham}, After: Mark{Class: Ham, Adds: 1}, Same: true})
	want("only what it adds has changed", 2)
}

// TestLabelsThatCannotBeRead leave the Fit as it was, and behind.
func TestLabelsThatCannotBeRead(t *testing.T) {
	all := NewModels()
	m := all.Set("", NewSum(100, 100, 0))
	failed := errors.New("failed")
	if err := all.Refit(func(int, func(classify.Label)) error { return failed }); !errors.Is(err, failed) || !all.Behind() || m.Fit() != classify.PriorFit() {
		t.Errorf("%v, behind %v, Fit %+v", err, all.Behind(), m.Fit())
	}
}
