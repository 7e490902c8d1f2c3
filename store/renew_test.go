package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// TestRenew: a ledger with features of an older version comes to the very model that the
// present features give, for what is kept whole; the rest has no label any more, and can be trained again.
func TestRenew(t *testing.T) {
	dir := t.TempDir()
	db, want := openAt(t, dir), openAt(t, t.TempDir())
	byText := map[string]Row{}
	for n := 1; n <= 150; n++ {
		row := message(n, Ham+Class(n%2), n%3)
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
		learn(t, db, old)
		if row.Complete {
			learn(t, want, row)
		}
	}
	seq := db.Seq()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.SQL(t, db.path, fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'features'", classify.FeatureVersion-1))
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, sqlite.ErrFeatureVersion) {
		t.Fatalf("opened: %v", err)
	}
	extract := func(text []byte) ([]uint64, []uint32) {
		row, ok := byText[string(text)]
		if !ok {
			t.Errorf("no message has the text %q", text)
		}
		return row.Features, slices.Sorted(slices.Values(row.Grams))
	}
	sum, err := Renew(t.Context(), Options{Dir: dir}, extract, nil)
	if err != nil || sum.From != classify.FeatureVersion-1 || sum.Messages == 0 || sum.Left != 20 {
		t.Fatalf("%+v, %v", sum, err)
	}
	db = openAt(t, dir)
	if got, want := export(t, db), export(t, want); got != want {
		t.Errorf("renewed:\n%s\nwant\n%s", head(got), head(want))
	}
	sameAsRebuilt(t, db)
	if db.Seq() != seq+int64(sum.Left) {
		t.Errorf("%d ops for %d labels taken away", db.Seq()-seq, sum.Left)
	}
	if n, err := db.Left(t.Context()); n != int64(sum.Left) || err != nil {
		t.Errorf("%d labels are known to be taken away, %v", n, err)
	}
	// Taken back, these labels add nothing, since nothing is known of what they added.
	undoAll(t, db, Selection{Source: "rebuild"}, 0)
	sameAsRebuilt(t, db)
	if l, err := db.Labels(""); err != nil || l.Ham+l.Spam != 150 {
		t.Errorf("labels %+v, %v", l, err)
	}
	if n, err := db.Left(t.Context()); n != 0 || err != nil {
		t.Errorf("%d labels are known to be taken away, %v", n, err)
	}
	learn(t, db, message(105, Spam, 1))
	sameAsRebuilt(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Renew(t.Context(), Options{Dir: dir}, nil, nil)
	if err != nil || again != (Renewed{From: classify.FeatureVersion}) {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := Renew(t.Context(), Options{Dir: t.TempDir()}, nil, nil); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}

// A renewal that fails changes nothing.
func TestRenewFails(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	learn(t, db, message(1, Ham, 1), message(2, Spam, 1))
	want := export(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	version := func(v int) {
		t.Helper()
		storetest.SQL(t, db.path, fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'features'", v))
	}
	version(classify.FeatureVersion - 1)
	n := 0
	_, err := Renew(t.Context(), Options{Dir: dir}, func([]byte) ([]uint64, []uint32) {
		if n++; n == 2 {
			return nil, []uint32{1 << 31} // there is no such bucket
		}
		return []uint64{1}, []uint32{1}
	}, nil)
	if err == nil {
		t.Fatal("a bucket that there is not was taken")
	}
	version(classify.FeatureVersion)
	db = openAt(t, dir)
	if got := export(t, db); got != want {
		t.Errorf("after a failure:\n%s\nwant\n%s", got, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	version(classify.FeatureVersion + 1)
	if _, err := Renew(t.Context(), Options{Dir: dir}, nil, nil); !errors.Is(err, sqlite.ErrNewer) {
		t.Errorf("a newer one: %v", err)
	}
}
