package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"fanmill/store/ledger"
	"fanmill/store/storetest"
)

// TestScopesAreBounded: scopes that were not asked for longest leave memory, and come
// back with what they had and have learned since.
func TestScopesAreBounded(t *testing.T) {
	dir := t.TempDir()
	db, small := openAt(t, dir), openAt(t, dir, func(o *Options) { o.ScopeMemory = 64 << 10 })
	name := func(n int) string { return fmt.Sprintf("user%03d", n) }
	for n := range 100 {
		row := message(n, Ham+Class(n%2), 1)
		row.Scope = name(n)
		learn(t, db, row)
		if got := mustModel(t, small, row.Scope).Labels(); got.Ham+got.Spam != 1 {
			t.Fatalf("%s has labels %+v", row.Scope, got)
		}
	}
	if size := small.models.Size(); size > 64<<10 || size < 16<<10 {
		t.Errorf("scopes take %d bytes, the limit is 64 KiB", size)
	}
	if _, ok := small.Loaded(name(0)); ok {
		t.Error("the scope that was asked for first is still in memory")
	}
	if _, ok := small.Loaded(name(99)); !ok {
		t.Error("the scope that was asked for last is not in memory")
	}
	again := message(1000, Spam, 1)
	again.Scope = name(0)
	learn(t, db, again)
	catchUp(t, small)
	if got := mustModel(t, small, name(0)).Labels(); got.Ham != 1 || got.Spam != 1 {
		t.Errorf("labels %+v after its return", got)
	}
	if export(t, small) != export(t, db) {
		t.Error("the models differ")
	}
}

// TestRollbackOfManyScopes: a transaction may touch more scopes than fit, and its
// failure takes all of it back.
func TestRollbackOfManyScopes(t *testing.T) {
	db := openAt(t, t.TempDir(), func(o *Options) { o.ScopeMemory = 1 << 12 })
	for n := range 40 {
		row := message(n, Ham, 1)
		row.Scope = fmt.Sprint("user", n%20)
		learn(t, db, row)
	}
	was := export(t, db)
	err := db.Update(t.Context(), func(tx *Tx) error {
		for n := range 60 {
			row := message(100+n, Spam, 1)
			row.Scope = fmt.Sprint("user", n%20)
			if err := tx.Learn(row, Origin{}); err != nil {
				return err
			}
		}
		return errOnPurpose
	})
	if err != errOnPurpose {
		t.Fatalf("error %v", err)
	}
	if export(t, db) != was {
		t.Error("the model is not as before")
	}
	sameAsRebuilt(t, db)
}

// TestOldStepsOfAScope: rows and ops that have steps in a user's scope, from before
// scopes held counts only, are as if they had none, also when they change.
func TestOldStepsOfAScope(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	row, other := message(1, Ham, 1), message(2, Spam, 0)
	row.Scope, other.Scope = "anna", "anna"
	learn(t, db, row, other)
	want := export(t, db)
	storetest.SQL(t, filepath.Join(dir, ledger.FileName), "UPDATE msg SET step = 7; UPDATE op SET step_after = 7")
	old := openAt(t, dir)
	if got := export(t, old); got != want {
		t.Errorf("model\n%s\nwant\n%s", head(got), head(want))
	}
	row.Class = Spam
	learn(t, old, row)
	ops, err := old.Ops(t.Context(), 0, 10)
	if err != nil || len(ops) != 3 {
		t.Fatalf("%d ops, error %v", len(ops), err)
	}
	catchUp(t, db)
	if export(t, db) != export(t, old) {
		t.Error("who follows has another model")
	}
	err = old.Update(t.Context(), func(tx *Tx) error {
		_, err := tx.Undo(ops[2], Origin{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := export(t, old); got != want {
		t.Errorf("undone: model\n%s\nwant\n%s", head(got), head(want))
	}
	forget(t, old, "anna", other.Digest)
	sameAsRebuilt(t, old)
}
