package training

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"fanmill/store"
	"fanmill/store/query"
)

// What a batch taught, recorded, learned and judged again, is taken back whole, and
// brought back whole; a run that is cut short leaves the rest for the next.
func TestUndoOfATraining(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	tr := New(db, train1)
	ham := writeFile(t, filepath.Join(dir, "ham"), mbox(writers(false, 300)))
	spam := writeFile(t, filepath.Join(dir, "spam"), mbox(writers(true, 301)))
	train(t, tr, store.Ham, ham)
	before := export(t, db)
	eve := New(db, Options{Origin: store.Origin{Actor: "eve", Source: "train"}})
	train(t, eve, store.Spam, spam)
	after := export(t, db)
	undo := func(ctx context.Context, sel query.Selection, progress func(int, int)) (int, error) {
		t.Helper()
		list, err := db.Undoables(t.Context(), sel, 0)
		if err != nil {
			t.Fatal(err)
		}
		return Undo(ctx, db, list, store.Origin{Actor: "test"}, progress)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n, err := undo(ctx, query.Selection{Actor: "eve"}, func(int, int) { cancel() })
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	m, err := undo(t.Context(), query.Selection{Actor: "eve"}, nil)
	if err != nil || n == 0 || n+m != 301 {
		t.Fatalf("%d and %d taken back, %v", n, m, err)
	}
	if labels := mustLabels(t, db); labels.Ham != 300 || labels.Spam != 0 {
		t.Errorf("taken back: %+v", labels)
	}
	if n, err := undo(t.Context(), query.Selection{Source: "undo"}, nil); n != 301 || err != nil || export(t, db) != after {
		t.Errorf("%d brought back, %v; the model is not what it was", n, err)
	}
	checkRebuild(t, db)
	// What waited was learned in eve's run, but is the first trainer's.
	if n, err := undo(t.Context(), query.Selection{}, nil); n != 601 || err != nil {
		t.Errorf("%d taken back, %v", n, err)
	}
	if labels := mustLabels(t, db); labels != (store.Labels{}) || before == after {
		t.Errorf("left: %+v", labels)
	}
	checkRebuild(t, db)
}

// A person who makes an automatic label his own while automatic labels are being taken
// back keeps it: class and sure are the same, the giver is not.
func TestUndoYieldsToPeople(t *testing.T) {
	db := open(t, t.TempDir())
	auto := New(db, Options{Origin: store.Origin{Source: autoSource}, All: true})
	for i := range 3 {
		if _, err := auto.Learn(t.Context(), store.Spam, []byte(mail(true, i))); err != nil {
			t.Fatal(err)
		}
	}
	list, err := db.Undoables(t.Context(), query.Selection{Source: autoSource}, 0)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	person := New(db, train1)
	if _, err := person.Learn(t.Context(), store.Spam, []byte(mail(true, 1))); err != nil {
		t.Fatal(err)
	}
	if n, err := Undo(t.Context(), db, list, store.Origin{Actor: "test"}, nil); n != 2 || err != nil {
		t.Errorf("%d taken back, %v", n, err)
	}
	own, others, err := db.LabelsBy(t.Context(), "", autoSource)
	if err != nil || own != (store.Labels{}) || others != (store.Labels{Spam: 1}) {
		t.Errorf("left: %+v of the filter, %+v of people, %v", own, others, err)
	}
	checkRebuild(t, db)
}
