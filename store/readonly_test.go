package store

import (
	"errors"
	"io/fs"
	"testing"

	"fanmill/store/storetest"
)

// TestOnlyReading: a ledger at rest is read where nothing may be written, not even
// the index of a write-ahead log; writing is refused as not permitted.
func TestOnlyReading(t *testing.T) {
	dir, model := ledgerOf(t)
	storetest.OnlyReading(t, dir, func() {
		db, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if got := export(t, db); got != model {
			t.Errorf("got\n%s\nwant\n%s", head(got), head(model))
		}
		if _, found, err := db.Find(t.Context(), "", storetest.Digest(3)); err != nil || !found {
			t.Errorf("found: %v, %v", found, err)
		}
		if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("opened for writing: %v", err)
		}
	})
}
