package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"fanmill/classify"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// TestPanicRollsBack: nothing is left of a transaction whose function panics, and the
// ledger can be used again.
func TestPanicRollsBack(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1))
	was := export(t, db)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		db.Update(t.Context(), func(tx *Tx) error {
			tx.Learn(message(2, Spam, 1), Origin{})
			panic("on purpose")
		})
	}()
	if export(t, db) != was {
		t.Error("the model kept what was rolled back")
	}
	learn(t, db, message(3, Spam, 1))
	sameAsRebuilt(t, db)
}

// TestFullDatabaseRollsBack: when pages run out in the midst of a transaction nothing
// of it remains, and whatever its function does about the error it cannot commit.
func TestFullDatabaseRollsBack(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1))
	was, seq := export(t, db), db.Seq()
	if err := db.w.Run("PRAGMA max_page_count = 30"); err != nil {
		t.Fatal(err)
	}
	failed := 0
	err := db.Update(t.Context(), func(tx *Tx) error {
		for n := 2; n < 1000; n++ {
			if tx.Learn(message(n, Spam, 1), Origin{}) != nil {
				failed++
			}
		}
		return nil // as if nothing had happened
	})
	if err == nil || failed == 0 {
		t.Fatalf("error %v after %d failed messages", err, failed)
	}
	if db.Seq() != seq || export(t, db) != was {
		t.Fatalf("seq %d, want %d; model\n%s", db.Seq(), seq, head(export(t, db)))
	}
	if err := db.w.Run("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	learn(t, db, message(2, Spam, 1))
	sameAsRebuilt(t, db)
}

// TestFaultEndsTransaction: after a fault of the database a transaction cannot commit,
// even if its function did not notice.
func TestFaultEndsTransaction(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	row := message(1, Ham, 1)
	row.Scope = "anna"
	learn(t, db, row)
	if err := db.w.Run("UPDATE lists SET features = x'0102'"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = openAt(t, dir)
	err := db.Update(t.Context(), func(tx *Tx) error {
		if err := tx.Learn(message(2, Spam, 1), Origin{}); err != nil {
			return err
		}
		if n := tx.Model("anna").Totals(); n.Spam != 1 {
			t.Errorf("the site's model has %v", n)
		}
		if err := tx.Learn(message(3, Spam, 1), Origin{}); err == nil {
			t.Error("learned after a fault")
		}
		return nil
	})
	if !errors.Is(err, sqlite.ErrDamaged) || db.Seq() != 1 || mustModel(t, db, "").Labels() != (Labels{}) {
		t.Errorf("update: %v; seq %d, labels %+v", err, db.Seq(), mustModel(t, db, "").Labels())
	}
}

// TestKeptFeaturesStand: the features of a row are those it was first counted with,
// or its ops would not add up.
func TestKeptFeaturesStand(t *testing.T) {
	db := openAt(t, t.TempDir())
	first, other := message(1, Ham, 1), message(1, Spam, 1)
	other.Features = message(2, Spam, 1).Features
	learn(t, db, first)
	forget(t, db, "", first.Digest)
	learn(t, db, other)
	out := make([]classify.Count, len(first.Features))
	mustModel(t, db, "").Lookup(first.Features, out)
	if out[0] != (classify.Count{Spam: 1}) {
		t.Errorf("a feature kept counts %v", out[0])
	}
	sameAsRebuilt(t, db)
}

// TestForgetWhatIsLost: a message whose features or grams are gone cannot be taken out of
// the model, and says so instead of leaving half of it there.
func TestForgetWhatIsLost(t *testing.T) {
	for _, column := range []string{"features", "grams"} {
		db := openAt(t, t.TempDir())
		learn(t, db, message(1, Ham, 1))
		was := export(t, db)
		if err := db.w.Run("UPDATE lists SET " + column + " = NULL"); err != nil {
			t.Fatal(err)
		}
		err := db.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.Forget("", storetest.Digest(1), Origin{})
			return err
		})
		if !errors.Is(err, sqlite.ErrDamaged) || export(t, db) != was {
			t.Errorf("without %s: %v, model\n%s", column, err, head(export(t, db)))
		}
	}
}

func TestUpdateEndsWithContext(t *testing.T) {
	db := openAt(t, t.TempDir())
	err := db.Update(t.Context(), func(*Tx) error {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := db.Update(ctx, func(*Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("second update: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClosed(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1))
	m := mustModel(t, db, "")
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("update: %v", err)
	}
	if _, err := db.CatchUp(t.Context()); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("catch up: %v", err)
	}
	if _, _, err := db.Find(t.Context(), "", storetest.Digest(1)); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("find: %v", err)
	}
	if err := db.Follow(t.Context()); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("follow: %v", err)
	}
	if m.Totals().Ham != 1 {
		t.Error("the model went with the ledger")
	}
}

// TestConcurrentUse is for the race detector: look-ups, updates, catching up, queries
// and scope loading at once, on two handles.
func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	handles := []*DB{openAt(t, dir), openAt(t, dir)}
	var wg sync.WaitGroup
	work := func(fn func(i int) error) {
		wg.Go(func() {
			for i := range 40 {
				if err := fn(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for h, db := range handles {
		work(func(i int) error {
			return db.Update(t.Context(), func(tx *Tx) error {
				row := message(2*i+h, Ham+Class(i%2), 1)
				row.Scope = fmt.Sprint([]string{"", "anna", "ben"}[i%3])
				return tx.Learn(row, Origin{})
			})
		})
		work(func(int) error { _, err := db.CatchUp(t.Context()); return err })
		work(func(i int) error {
			m, err := db.Model([]string{"", "anna", "ben"}[i%3])
			if err == nil {
				m.Lookup(message(i, Ham, 1).Features, make([]classify.Count, 30))
				m.Labels()
			}
			return err
		})
		work(func(i int) error { _, _, err := db.Find(t.Context(), "", storetest.Digest(i)); return err })
		work(func(i int) error {
			if i%10 == 0 {
				return errors.Join(db.Rebuild(t.Context()), db.WriteSnapshot())
			}
			return nil
		})
	}
	wg.Wait()
	for _, db := range handles {
		catchUp(t, db)
	}
	if a, b := export(t, handles[0]), export(t, handles[1]); a != b || a == "" {
		t.Fatalf("the handles differ:\n%s\n%s", head(a), head(b))
	}
	sameAsRebuilt(t, handles[0])
}
