package store

import (
	"os"
	"testing"
	"time"

	"fanmill/store/storetest"
)

// TestShrink: the room of what is removed is given back, and the rest is as it was.
func TestShrink(t *testing.T) {
	db := openAt(t, t.TempDir())
	for n := range 200 {
		row := message(n+1, Ham, n%2)
		row.Message = noise(n, 20<<10)
		learn(t, db, row)
	}
	var ids []int64
	for n := range 150 {
		forget(t, db, "", storetest.Digest(n+1))
		ids = append(ids, int64(n+1))
	}
	size := func() int64 {
		if err := db.w.Run("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(db.path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	want, whole := export(t, db), size()
	if err := db.Shrink(t.Context(), 0); err != nil || size() != whole {
		t.Errorf("%d bytes of %d, where nothing is free (%v)", size(), whole, err)
	}
	update(t, db, func(tx *Tx) error { _, err := tx.Sweep(ids); return err })
	if err := db.Shrink(t.Context(), time.Millisecond); err != nil || size() > whole/3 {
		t.Errorf("%d bytes of %d, of which a quarter is left (%v)", size(), whole, err)
	}
	if got := export(t, db); got != want {
		t.Errorf("the model:\n%s\nwant\n%s", head(got), head(want))
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	sameAsRebuilt(t, db)
}
