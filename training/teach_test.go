package training

import (
	"context"
	"log/slog"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/query"
)

// A rule teaches the scope it is for, once, and never against a person; what waits when
// the daemon stops is learned; one undo takes all of it back.
func TestTeacher(t *testing.T) {
	const anna = "anna@example.org"
	db := open(t, t.TempDir())
	person := New(db, Options{All: true, Scope: anna, Origin: store.Origin{Source: "train", Actor: "anna"}})
	if _, err := person.Learn(t.Context(), store.Ham, []byte(mail(false, 1))); err != nil {
		t.Fatal(err)
	}
	before := export(t, db)
	teacher := NewTeacher(db, func(string) Options { return Options{All: true} }, slog.New(slog.DiscardHandler))
	for _, i := range []int{1, 2, 2, 3} { // the first is a person's, the second comes twice
		teacher.Teach(classify.Extract(classify.DefaultOptions(), []byte(mail(false, i))), anna, true, "anna's list")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // stopped with all of it waiting
	teacher.Run(ctx)
	if len(teacher.queue) > 0 {
		t.Errorf("%d lessons are left", len(teacher.queue))
	}

	labels, err := db.Labels(anna)
	if err != nil {
		t.Fatal(err)
	}
	if labels.Ham != 1 || labels.Spam != 2 {
		t.Errorf("%d ham and %d spam, want the person's and two of the rule", labels.Ham, labels.Spam)
	}
	if site, err := db.Labels(""); err != nil || site.Ham+site.Spam > 0 {
		t.Errorf("the site has %+v, %v", site, err)
	}
	if by, _, err := db.LabelsBy(t.Context(), anna, ruleSource); err != nil || by.Spam != 2 {
		t.Errorf("%+v by rules, %v", by, err)
	}
	checkRebuild(t, db)

	list, err := db.Undoables(t.Context(), query.Selection{Source: ruleSource}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Undo(t.Context(), db, list, store.Origin{Actor: "anna"}, nil); err != nil || n != 2 {
		t.Errorf("%d taken back, %v", n, err)
	}
	if labels, _ := db.Labels(anna); labels.Ham != 1 || labels.Spam != 0 {
		t.Errorf("after undo %+v", labels)
	}
	if export(t, db) != before {
		t.Error("the model is not what it was before the rule taught")
	}
}

// What comes faster than the ledger learns is dropped, not waited for.
func TestTeacherDoesNotWait(t *testing.T) {
	teacher := NewTeacher(open(t, t.TempDir()), func(string) Options { return Options{} }, slog.New(slog.DiscardHandler))
	m := classify.Extract(classify.DefaultOptions(), []byte(mail(true, 1)))
	for range teachQueue + 5 {
		teacher.Teach(m, "", true, "x")
	}
	if n := teacher.dropped.Load(); n != 5 || len(teacher.queue) != teachQueue {
		t.Errorf("%d dropped, %d wait", n, len(teacher.queue))
	}
}
