package store

import (
	"slices"
	"testing"
	"time"

	"fanmill/store/query"
	"fanmill/store/storetest"
)

// expireAll takes away what a Keep does not keep.
func expireAll(t *testing.T, db *DB, scope string, keep query.Keep, now time.Time) (gone []int64) {
	t.Helper()
	list, err := db.Expirables(t.Context(), scope, keep, now)
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error {
		for _, x := range list {
			if ok, err := tx.Expire(x, "test"); err != nil || !ok {
				t.Errorf("expire %d: %v, %v", x.ID, ok, err)
			}
			gone = append(gone, x.ID)
		}
		return nil
	})
	return gone
}

// TestExpirables: by age all that is older goes, by number the surplus; of each class
// what does not count goes first, then the oldest, some stay in any case, and other
// scopes are left alone.
func TestExpirables(t *testing.T) {
	now := time.Now()
	db := openAt(t, t.TempDir())
	for n := 1; n <= 6; n++ { // message n is n days old
		row := message(n, Ham+Class(n%2), 1)
		row.Time = now.AddDate(0, 0, -n)
		learn(t, db, row)
	}
	spare := message(8, Ham, 0) // the youngest does not count
	spare.Time = now
	learn(t, db, spare)
	list, err := db.Expirables(t.Context(), "", query.Keep{Rows: 5}, now)
	if err != nil || len(list) < 2 || list[1].ID != 7 || list[1].Needed {
		t.Errorf("what does not count goes first: %+v, %v", list, err)
	}
	forget(t, db, "", spare.Digest)
	other := message(7, Spam, 1)
	other.Scope, other.Time = "anna", now.AddDate(-1, 0, 0)
	learn(t, db, other)
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		keep query.Keep
		want []int64
	}{
		"everything":       {query.Keep{}, nil},
		"young":            {query.Keep{Age: 100 * day}, nil},
		"by age":           {query.Keep{Age: 3*day + time.Hour}, []int64{5, 6, 4}},
		"by number":        {query.Keep{Rows: 4}, []int64{5, 6}},
		"enough":           {query.Keep{Rows: 6}, nil},
		"one is left":      {query.Keep{Rows: 2}, []int64{5, 6, 3, 4}},
		"both, more old":   {query.Keep{Age: 3*day + time.Hour, Rows: 5}, []int64{5, 6, 4}},
		"both, more spare": {query.Keep{Age: 5*day + time.Hour, Rows: 2}, []int64{5, 6, 3, 4}},
		"at least":         {query.Keep{Age: time.Hour, Least: 2}, []int64{5, 6}},
		"at least, number": {query.Keep{Rows: 1, Least: 3}, nil},
	} {
		list, err := db.Expirables(t.Context(), "", c.keep, now)
		var got []int64
		for _, x := range list {
			if got = append(got, x.ID); !x.Needed || x.Class != Ham+Class(x.ID%2) {
				t.Errorf("%s: %+v", name, x)
			}
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}

// TestExpiredIsGone: the model is as if what expired had never been there, for every
// process; for an hour it can be brought back, then it leaves the file.
func TestExpiredIsGone(t *testing.T) {
	dir := t.TempDir()
	db, other := openAt(t, dir), openAt(t, dir)
	now := time.Now()
	never := openAt(t, t.TempDir())
	for n := 1; n <= 60; n++ {
		row := message(n, Ham+Class(n%2), n%3)
		row.Time = now.AddDate(0, 0, -(n - 20))
		if learn(t, db, row); n <= 30 {
			learn(t, never, row)
		}
	}
	before := export(t, db)
	if gone := expireAll(t, db, "", query.Keep{Age: 10*24*time.Hour + time.Hour}, now); len(gone) != 30 {
		t.Fatalf("%d expired", len(gone))
	}
	catchUp(t, other)
	for i, h := range []*DB{db, other} {
		if got, want := export(t, h), export(t, never); got != want {
			t.Errorf("handle %d:\n%s\nwant\n%s", i, head(got), head(want))
		}
	}
	sameAsRebuilt(t, db)
	if gone := expireAll(t, db, "", query.Keep{Age: 10*24*time.Hour + time.Hour}, now); gone != nil {
		t.Errorf("expired twice: %v", gone)
	}
	undoAll(t, db, query.Selection{Source: "expire"}, 0)
	if got := export(t, db); got != before {
		t.Errorf("brought back:\n%s\nwant\n%s", head(got), head(before))
	}
	expireAll(t, db, "", query.Keep{Age: 10*24*time.Hour + time.Hour}, now)
	sweep := func(later time.Duration) (n int) {
		old, err := db.Stale(t.Context(), query.Memory{}, time.Now().Add(later))
		if err != nil || old.Ops != 0 {
			t.Errorf("%+v, %v", old, err)
		}
		update(t, db, func(tx *Tx) (err error) {
			n, err = tx.Sweep(old.Messages)
			return err
		})
		return n
	}
	forget(t, db, "", storetest.Digest(1)) // by a person: its row stays
	if n := sweep(59 * time.Minute); n != 0 {
		t.Errorf("%d removed within the hour", n)
	}
	if n := sweep(2 * time.Hour); n != 29 { // the newest row stays
		t.Errorf("%d removed", n)
	}
	rows, err := db.Recent(t.Context(), "", 100)
	if err != nil || len(rows) != 31 {
		t.Errorf("%d rows left, %v", len(rows), err)
	}
	if n, err := db.w.Integer("SELECT count(*) FROM body"); n != 31 || err != nil {
		t.Errorf("%d messages left, %v", n, err)
	}
	if n := undoWhatIsThere(t, db, query.Selection{Source: "expire"}); n != 1 {
		t.Errorf("%d brought back, want the newest, which stayed", n)
	}
	catchUp(t, other)
	sameAsRebuilt(t, other)
	if got := export(t, openAt(t, dir)); got != export(t, db) {
		t.Error("opened again it is another model")
	}
}

// undoWhatIsThere takes back what it can, rows that are gone among it.
func undoWhatIsThere(t *testing.T, db *DB, sel query.Selection) (done int) {
	t.Helper()
	list, err := db.Undoables(t.Context(), sel, 0)
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error {
		for _, u := range list {
			if ok, err := tx.Undo(u.Op, Origin{}); err != nil {
				return err
			} else if ok {
				done++
			}
		}
		return nil
	})
	return done
}

// TestSpare: the newest labels of a class that do not count.
func TestSpare(t *testing.T) {
	db := openAt(t, t.TempDir())
	for n := 1; n <= 8; n++ {
		row := message(n, Ham+Class(n%2), 0)
		if n == 7 {
			row.Adds = 1
		}
		learn(t, db, row)
	}
	update(t, db, func(tx *Tx) error {
		rows, err := tx.Spare("", Spam, 2)
		if err != nil || len(rows) != 2 || rows[0].Digest != storetest.Digest(5) || rows[1].Digest != storetest.Digest(3) {
			t.Errorf("%+v, %v", rows, err)
		}
		if rows, err = tx.Spare("anna", Spam, 2); err != nil || rows != nil {
			t.Errorf("%+v, %v", rows, err)
		}
		return nil
	})
}
