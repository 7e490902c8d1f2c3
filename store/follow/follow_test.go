package follow_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"fanmill/store"
	"fanmill/store/follow"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// begun returns a Follower that reads the ledger in a directory, and its models.
func begun(t *testing.T, dir string) (*follow.Follower, *model.Models) {
	t.Helper()
	c, err := sqlite.ConnectToRead(filepath.Join(dir, ledger.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	uuid, err := c.Text(sqlite.MetaValue, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	models := model.NewModels()
	f := follow.New(models, dir, false, slog.New(slog.DiscardHandler))
	f.Use(c, uuid)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f, models
}

// TestFollower: from the rows, from the ops and from the snapshot it comes to the same labels
// and counts, and to the same op.
func TestFollower(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	learn := func(first, n int) {
		for i := first; i < first+n; i++ {
			storetest.Learn(t, db.Update, storetest.Message(i, model.Ham+model.Class(i%2), i%3))
		}
	}
	same := func(what string, f *follow.Follower, models *model.Models) {
		t.Helper()
		want, err := db.Model("")
		if err != nil {
			t.Fatal(err)
		}
		row := storetest.Message(7, model.Ham, 0)
		got := models.Model("")
		if f.Seq() != db.Seq() || got.Labels() != want.Labels() || got.Fit() != want.Fit() || got.Weigh(row.Grams) != want.Weigh(row.Grams) {
			t.Errorf("%s: op %d of %d, labels %+v, want %+v", what, f.Seq(), db.Seq(), got.Labels(), want.Labels())
		}
	}
	learn(0, 30)
	f, models := begun(t, dir)
	same("from the rows", f, models)
	learn(30, 30)
	if n, err := f.CatchUp(t.Context()); n != 30 || err != nil || !f.Due() { // what was built from the rows is worth saving
		t.Errorf("%d ops, %v", n, err)
	}
	same("from the ops", f, models)
	if err := f.Save(); err != nil || f.Unsaved() {
		t.Error(err)
	}
	if stamp, ok := f.Saved(); !ok || stamp.Seq != 60 {
		t.Errorf("saved op %d", stamp.Seq)
	}
	storetest.SQL(t, filepath.Join(dir, ledger.FileName), "DELETE FROM lists") // the rows alone do not suffice now
	f, models = begun(t, dir)
	same("from the snapshot", f, models)
}
