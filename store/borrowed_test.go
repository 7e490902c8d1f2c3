package store

import (
	"errors"
	"testing"

	"fanmill/classify"
	"fanmill/store/model"
)

// imported is a row of another filter's counts.
func imported(i int, class Class, adds int) Row {
	row := message(i, class, adds)
	row.Grams, row.Step = []uint32{}, 0
	return row
}

// TestBorrowed: a model that another filter has counted is borrowed until enough labels of
// both classes are given here, whatever they add; in every process, after every
// start, and not any more once the counts are taken out.
func TestBorrowed(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	want := func(when, scope string, borrowed bool, imported int) {
		t.Helper()
		m := mustModel(t, db, scope)
		if m.Borrowed() != borrowed || m.Known().Imported != imported || model.NewDraft(mustModel(t, db, "")).Borrowed() != mustModel(t, db, "").Borrowed() {
			t.Errorf("%s: scope %q is borrowed %v with %d imported, want %v with %d", when, scope, m.Borrowed(), m.Known().Imported, borrowed, imported)
		}
	}
	counts := []Row{imported(1, HamCounts, 30), imported(2, SpamCounts, 40)}
	want("untrained", "", false, 0)
	learn(t, db, counts...)
	want("imported", "", true, 70)
	want("imported", "anna", true, 70)
	sameAsRebuilt(t, db)
	for i := range classify.MinLabels {
		want("few labels", "", true, 70)
		rows := []Row{message(100+2*i, Ham, 0), message(101+2*i, Spam, 0)}
		for k := range rows {
			rows[k].Step, rows[k].Waits = 0, true
		}
		learn(t, db, rows...)
	}
	for i := range classify.MinLabels { // as after a training that was broken off
		want("labels wait", "", true, 70)
		learn(t, db, message(100+2*i, Ham, 1), message(101+2*i, Spam, 0))
	}
	want("labelled", "", false, 70)
	forget(t, db, "", message(100, Ham, 1).Digest)
	want("one forgotten", "", true, 70)
	other := openAt(t, dir)
	if !mustModel(t, other, "").Borrowed() || export(t, other) != export(t, db) {
		t.Error("another process does not know")
	}

	failed := errors.New("failed")
	err := db.Update(t.Context(), func(tx *Tx) error {
		if _, err := tx.Forget("", counts[0].Digest, Origin{}); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	want("rolled back", "", true, 70)
	if err := db.Close(); err != nil { // leaves a snapshot
		t.Fatal(err)
	}
	db = openAt(t, dir)
	want("from the snapshot", "", true, 70)
	forget(t, db, "", counts[0].Digest)
	want("half taken out", "", true, 40)
	forget(t, db, "", counts[1].Digest)
	want("taken out", "", false, 0)
	sameAsRebuilt(t, db)
}

// TestBorrowedScope: what a user has imported is judged by the labels of site and user
// together, and is nothing to others.
func TestBorrowedScope(t *testing.T) {
	db := openAt(t, t.TempDir())
	own := imported(1, HamCounts, 30)
	own.Scope = "anna"
	learn(t, db, own)
	anna := mustModel(t, db, "anna")
	if !anna.Borrowed() || mustModel(t, db, "").Borrowed() || mustModel(t, db, "ben").Borrowed() {
		t.Error("not anna's model alone is borrowed")
	}
	for i := range classify.MinLabels {
		row := message(100+2*i, Spam, 1)
		row.Scope = "anna"
		learn(t, db, message(101+2*i, Ham, 1), row)
	}
	if anna.Borrowed() {
		t.Error("it is borrowed beside enough labels")
	}
	sameAsRebuilt(t, db)
}
