package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"fanmill/classify"
)

// slim returns a row without features: one that only the calibrator sees.
func slim(n int, class Class) Row {
	row := message(n, class, 0)
	row.Features, row.Grams, row.Message, row.Step = []uint64{}, []uint32{}, nil, 0
	return row
}

// labelled learns slim rows first..first+n-1, classes in turn, and returns them.
func labelled(t testing.TB, db *DB, scope string, first, n int) []Row {
	t.Helper()
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = slim(first+i, Ham+Class((first+i)%2))
		rows[i].Scope = scope
	}
	learn(t, db, rows...)
	return rows
}

// fitOf is the Fit of these rows, in the order in which they got their labels.
func fitOf(rows []Row) classify.Fit {
	var labels []classify.Label
	for _, r := range rows {
		if r.Class != None && !r.Waits {
			labels = append(labels, r.Label())
		}
	}
	n := classify.FitLabels(len(labels))
	return classify.Calibrate(labels[max(0, n-classify.FitWindow):n])
}

func wantFit(t testing.TB, what string, db *DB, scope string, want classify.Fit) {
	t.Helper()
	if got := mustModel(t, db, scope).Fit(); got != want {
		t.Fatalf("%s: the Fit is %+v, want %+v", what, got, want)
	}
}

func update(t testing.TB, db *DB, fn func(tx *Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// TestFitOfTheFirstLabels: there is a Fit from the twentieth label on, and forgetting
// one takes it back.
func TestFitOfTheFirstLabels(t *testing.T) {
	db := openAt(t, t.TempDir())
	rows := labelled(t, db, "", 1, 19)
	wantFit(t, "19 labels", db, "", classify.PriorFit())
	rows = append(rows, labelled(t, db, "", 20, 1)...)
	if fitOf(rows) == classify.PriorFit() {
		t.Fatal("20 labels should move the Fit")
	}
	wantFit(t, "20 labels", db, "", fitOf(rows))
	rows = append(rows, labelled(t, db, "", 21, 19)...)
	wantFit(t, "39 labels", db, "", fitOf(rows[:20]))
	forget(t, db, "", rows[3].Digest)
	rows[3].Class = None
	wantFit(t, "one forgotten", db, "", fitOf(rows))
	for _, r := range rows[20:] {
		forget(t, db, "", r.Digest)
	}
	wantFit(t, "19 left", db, "", classify.PriorFit())
	sameAsRebuilt(t, db)
}

// TestFitOfTheNewestLabels: with more labels than the window holds the Fit is that of
// the newest, whatever changes within it or before it.
func TestFitOfTheNewestLabels(t *testing.T) {
	dir := t.TempDir()
	db, other := openAt(t, dir), openAt(t, dir)
	n := classify.FitLabels(classify.FitWindow + 500) // one less, and the Fit is an earlier one
	rows := labelled(t, db, "", 1, n-150)
	for i := n - 150; i < n; i += 50 { // window and Fit go on in memory
		rows = append(rows, labelled(t, db, "", i+1, 50)...)
		wantFit(t, fmt.Sprint(len(rows), " labels"), db, "", fitOf(rows))
	}
	change := func(what string, i int, fn func(tx *Tx, row *Row) error) {
		t.Helper()
		row := rows[i]
		update(t, db, func(tx *Tx) error { return fn(tx, &row) })
		rows = append(slices.Delete(rows, i, i+1), row) // the newest now, if it has a label
		wantFit(t, what, db, "", fitOf(rows))
		catchUp(t, other)
		wantFit(t, what+", followed", other, "", fitOf(rows))
	}
	by := Origin{Source: "train"}
	forgetRow := func(tx *Tx, row *Row) error {
		row.Class = None
		_, err := tx.Forget("", row.Digest, by)
		return err
	}
	relearn := func(tx *Tx, row *Row) error {
		if row.Class == Spam {
			row.Class = Ham
		} else {
			row.Class = Spam
		}
		return tx.Learn(*row, by)
	}
	change("flip of the oldest", 0, relearn)
	change("flip in the window", n-200, relearn)
	change("the oldest forgotten", 1, forgetRow)
	change("one of the window forgotten", n-500, forgetRow)
	change("the newest forgotten", n-3, forgetRow)
	change("the newest again", n-1, relearn)
	change("learned, but to be learned again", n-700, func(tx *Tx, row *Row) error { row.Waits = true; return tx.Learn(*row, by) })
	change("learned again", n-1, func(tx *Tx, row *Row) error { row.Waits = false; return tx.Learn(*row, by) })
	change("insisted on", n-300, func(tx *Tx, row *Row) error { row.Sure = true; return tx.Insist("", row.Digest, by) })
	change("other scores", n-400, func(tx *Tx, row *Row) error { row.ScoreL, row.Adds = -3, 1; return tx.Learn(*row, by) })
	rows = append(rows, labelled(t, db, "", n+1, 2*classify.FitWindow)...)
	wantFit(t, "many more", db, "", fitOf(rows))
	sameAsRebuilt(t, db)
	catchUp(t, other)
	wantFit(t, "many more, followed", other, "", fitOf(rows))
	wantFit(t, "many more, opened anew", openAt(t, dir), "", fitOf(rows))
}

// TestFitWithinTransaction: a transaction sees the Fit of what it has done so far, made
// when it asks; thousands of changes that nobody asks about make one.
func TestFitWithinTransaction(t *testing.T) {
	db := openAt(t, t.TempDir())
	rows := labelled(t, db, "", 1, 300)
	before := fitOf(rows)
	err := db.Update(t.Context(), func(tx *Tx) error {
		model := tx.Model("")
		for i := range rows[:100] {
			rows[i].Class = None
			if _, err := tx.Forget("", rows[i].Digest, Origin{}); err != nil {
				return err
			}
		}
		if mustModel(t, db, "").Fit() != before || !db.models.Behind() {
			t.Error("a Fit was made that nobody asked for")
		}
		if got, want := model.Fit(), fitOf(rows); got != want {
			t.Errorf("100 forgotten: %+v, want %+v", got, want)
		}
		if db.models.Behind() {
			t.Error("the Fit is made again each time somebody asks")
		}
		more := slim(1000, Ham)
		for range 20 {
			more.Digest[0]++
			rows = append(rows, more)
			if err := tx.Learn(more, Origin{}); err != nil {
				return err
			}
		}
		if got, want := model.Fit(), fitOf(rows); got != want {
			t.Errorf("20 more: %+v, want %+v", got, want)
		}
		wantFit(t, "look-ups of others", db, "", fitOf(rows))
		return errOnPurpose
	})
	if !errors.Is(err, errOnPurpose) {
		t.Fatal(err)
	}
	wantFit(t, "rolled back", db, "", before)
	sameAsRebuilt(t, db)
}

// TestAddsAndStepsCostNoFit: a later round that leaves label and scores as they are does
// not touch the window.
func TestAddsAndStepsCostNoFit(t *testing.T) {
	db := openAt(t, t.TempDir())
	rows := labelled(t, db, "", 1, 200)
	update(t, db, func(tx *Tx) error {
		row := rows[5]
		row.Features, row.Grams, row.Adds, row.Step = []uint64{1}, []uint32{1}, 1, 5
		err := tx.Learn(row, Origin{})
		if db.models.Behind() {
			t.Error("the Fit is to be made again")
		}
		return err
	})
	sameAsRebuilt(t, db)
}

// TestFitThatCannotBeMade: where the labels cannot be read the transaction fails, all is
// as before, and the next one goes on.
func TestFitThatCannotBeMade(t *testing.T) {
	db := openAt(t, t.TempDir())
	rows := labelled(t, db, "", 1, 60)
	was := export(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(ctx, func(tx *Tx) error {
		if _, err := tx.Forget("", rows[0].Digest, Origin{}); err != nil {
			return err
		}
		cancel()
		if got := tx.Model("").Fit(); got != fitOf(rows) {
			t.Errorf("the Fit made last is gone: %+v", got)
		}
		if err := tx.Learn(rows[0], Origin{}); err == nil {
			t.Error("learned after a fault")
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || export(t, db) != was {
		t.Fatalf("error %v, model\n%s", err, head(export(t, db)))
	}
	forget(t, db, "", rows[0].Digest)
	rows[0].Class = None
	wantFit(t, "tried again", db, "", fitOf(rows))
}

// TestFitOfAScope: a user has the site's Fit, which his own labels do not enter.
func TestFitOfAScope(t *testing.T) {
	dir := t.TempDir()
	db, other := openAt(t, dir), openAt(t, dir)
	site := labelled(t, db, "", 1, 100)
	wantFit(t, "nothing of her own", db, "anna", fitOf(site))
	mustModel(t, other, "anna")
	var own []Row
	for n := range 100 {
		row := slim(1000+n, Ham+Class(n%2))
		row.Scope = "anna"
		own = append(own, row)
	}
	learn(t, db, own...)
	catchUp(t, other)
	for i, h := range []*DB{db, other, openAt(t, dir)} {
		for _, scope := range []string{"", "anna"} {
			wantFit(t, fmt.Sprintf("scope %q, handle %d", scope, i), h, scope, fitOf(site))
		}
	}
	sameAsRebuilt(t, db)
}

// TestWeightsOfAScope: a scope has the site's weights, and what was added is taken away
// exactly, also beyond 32 bits.
func TestWeightsOfAScope(t *testing.T) {
	db := openAt(t, t.TempDir())
	site, own := message(1, Ham, 1), message(1, Spam, 1)
	site.Step, own.Step, own.Scope = -1<<31, -5, "anna"
	again := message(2, Ham, 0)
	again.Grams, again.Step = site.Grams, -1<<31
	n := int64(len(site.Grams))
	learn(t, db, site, own)
	weigh := func(scope string) int64 { return mustModel(t, db, scope).Weigh(site.Grams) / n }
	if s, a, b := weigh(""), weigh("anna"), weigh("ben"); s != -1<<31 || a != s || b != s {
		t.Errorf("site %d, anna %d, ben %d", s, a, b)
	}
	learn(t, db, again)
	if s := weigh(""); s != 0 {
		t.Errorf("weights go round to %d, want 0", s)
	}
	forget(t, db, "", again.Digest)
	if s := weigh(""); s != -1<<31 {
		t.Errorf("forgotten: %d", s)
	}
	if sum := mustModel(t, db, "").Weigh([]uint32{classify.Buckets, 1 << 31}); sum != 0 {
		t.Errorf("buckets that there are not weigh %d", sum)
	}
	sameAsRebuilt(t, db)
}
