package renew

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/query"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// TestRenew: a ledger with features of an older version comes to the very model that the
// present features give, for what is kept whole; the rest has no label any more, and can be trained again.
func TestRenew(t *testing.T) {
	dir := t.TempDir()
	db, want := open(t, dir), open(t, t.TempDir())
	byText := map[string]ledger.Row{}
	for n := 1; n <= 150; n++ {
		row := storetest.Message(n, model.Ham+model.Class(n%2), n%3)
		row.Waits = n%10 == 0
		if row.Waits {
			row.Adds, row.Step = 0, 0
		}
		byText[string(row.Message)] = row
		old := row // as an older version saw it
		old.Features = []uint64{uint64(n) << 8, uint64(n)<<8 + 1}
		old.Grams = []uint32{uint32(n), uint32(n) + 5}
		if n > 100 {
			old.Complete, row.Complete = n > 120, n > 120
		}
		storetest.Learn(t, db.Update, old)
		if row.Complete {
			storetest.Learn(t, want.Update, row)
		}
	}
	seq := db.Seq()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.SQL(t, filepath.Join(dir, ledger.FileName), fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'features'", classify.FeatureVersion-1))
	if _, err := store.Open(t.Context(), store.Options{Dir: dir}); !errors.Is(err, sqlite.ErrFeatureVersion) {
		t.Fatalf("opened: %v", err)
	}
	extract := func(text []byte) ([]uint64, []uint32) {
		row, ok := byText[string(text)]
		if !ok {
			t.Errorf("no message has the text %q", text)
		}
		return row.Features, slices.Sorted(slices.Values(row.Grams))
	}
	sum, err := Run(t.Context(), Options{Dir: dir}, extract, nil)
	if err != nil || sum.From != classify.FeatureVersion-1 || sum.Messages == 0 || sum.Left != 20 {
		t.Fatalf("%+v, %v", sum, err)
	}
	db = open(t, dir)
	if got, want := storetest.Export(t, db), storetest.Export(t, want); got != want {
		t.Errorf("renewed:\n%s\nwant\n%s", storetest.Head(got), storetest.Head(want))
	}
	storetest.SameAsRebuilt(t, db)
	if db.Seq() != seq+int64(sum.Left) {
		t.Errorf("%d ops for %d labels taken away", db.Seq()-seq, sum.Left)
	}
	if n, err := db.Left(t.Context()); n != int64(sum.Left) || err != nil {
		t.Errorf("%d labels are known to be taken away, %v", n, err)
	}
	// Taken back, these labels add nothing, since nothing is known of what they added.
	list, err := db.Undoables(t.Context(), query.Selection{Source: ledger.Renewed}, 0)
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *store.Tx) error {
		for _, u := range list {
			if ok, err := tx.Undo(u.Op, store.Origin{Actor: "test"}); !ok || err != nil {
				return fmt.Errorf("%+v was not taken back: %w", u.Op, err)
			}
		}
		return nil
	})
	storetest.SameAsRebuilt(t, db)
	if l, err := db.Labels(""); err != nil || l.Ham+l.Spam != 150 {
		t.Errorf("labels %+v, %v", l, err)
	}
	if n, err := db.Left(t.Context()); n != 0 || err != nil {
		t.Errorf("%d labels are known to be taken away, %v", n, err)
	}
	storetest.Learn(t, db.Update, storetest.Message(105, model.Spam, 1))
	storetest.SameAsRebuilt(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Run(t.Context(), Options{Dir: dir}, nil, nil)
	if err != nil || again != (Renewed{From: classify.FeatureVersion}) {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := Run(t.Context(), Options{Dir: t.TempDir()}, nil, nil); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}

// A renewal that fails changes nothing.
func TestRenewFails(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	storetest.Learn(t, db.Update, storetest.Message(1, model.Ham, 1), storetest.Message(2, model.Spam, 1))
	want := storetest.Export(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	version := func(v int) {
		t.Helper()
		storetest.SQL(t, filepath.Join(dir, ledger.FileName), fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'features'", v))
	}
	version(classify.FeatureVersion - 1)
	n := 0
	_, err := Run(t.Context(), Options{Dir: dir}, func([]byte) ([]uint64, []uint32) {
		if n++; n == 2 {
			return nil, []uint32{1 << 31} // there is no such bucket
		}
		return []uint64{1}, []uint32{1}
	}, nil)
	if err == nil {
		t.Fatal("a bucket that there is not was taken")
	}
	version(classify.FeatureVersion)
	db = open(t, dir)
	if got := storetest.Export(t, db); got != want {
		t.Errorf("after a failure:\n%s\nwant\n%s", got, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	version(classify.FeatureVersion + 1)
	if _, err := Run(t.Context(), Options{Dir: dir}, nil, nil); !errors.Is(err, sqlite.ErrNewer) {
		t.Errorf("a newer one: %v", err)
	}
}
