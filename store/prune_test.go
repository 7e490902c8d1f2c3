package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fanmill/store/dump"
	"fanmill/store/query"
	"fanmill/store/storetest"
)

// age makes the ops up to seq, and the rows, so much older.
func age(t testing.TB, db *DB, seq int64, by time.Duration) {
	t.Helper()
	if _, err := db.w.Exec("UPDATE op SET time = time - ? WHERE seq <= ?", by.Microseconds(), seq); err != nil {
		t.Fatal(err)
	}
	if _, err := db.w.Exec("UPDATE msg SET time = time - ?", by.Microseconds()); err != nil {
		t.Fatal(err)
	}
}

// prune removes all that is to go, in steps of so many ops.
func prune(t testing.TB, db *DB, keep query.Memory, step int64) (ops int64, messages int) {
	t.Helper()
	old, err := db.Stale(t.Context(), keep, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error {
		messages, err = tx.Sweep(old.Messages)
		return err
	})
	for ops < old.Ops {
		n, err := db.Prune(t.Context(), old, step)
		if err != nil || n < 1 || n > step {
			t.Fatalf("%d pruned at once, %v", n, err)
		}
		ops += n
	}
	if n, err := db.Prune(t.Context(), old, step); n != 0 || err != nil {
		t.Errorf("again: %d pruned, %v", n, err)
	}
	return ops, messages
}

const month = 30 * 24 * time.Hour

// TestPrune: ops that are too old go together with what undo keeps of them, but the
// newest stay; so do messages without a label about which something was decided since.
func TestPrune(t *testing.T) {
	db := openAt(t, t.TempDir())
	for n := 1; n <= 20; n++ {
		learn(t, db, message(n, Ham+Class(n%2), 1))
	}
	forget(t, db, "", storetest.Digest(3))
	forget(t, db, "", storetest.Digest(4))
	learn(t, db, message(5, Ham, 1)) // a flip
	model := export(t, db)
	age(t, db, db.Seq(), 2*month)
	undoAll(t, db, query.Selection{}, 1) // ops 24: message 5 is spam again
	forget(t, db, "", storetest.Digest(6))
	learn(t, db, message(4, Ham, 1))
	forget(t, db, "", storetest.Digest(4)) // op 27

	for name, c := range map[string]struct {
		keep     query.Memory
		ops      int64
		messages []int64
	}{
		"all is kept":       {query.Memory{Least: 3}, 0, nil},
		"nothing is so old": {query.Memory{Age: 3 * month}, 0, nil},
		"by age":            {query.Memory{Age: month, Least: 3}, 23, []int64{3}},
		"the newest stay":   {query.Memory{Age: month, Least: 10}, 17, []int64{3}},
		"more than there":   {query.Memory{Age: month, Least: 100}, 0, []int64{3}},
	} {
		old, err := db.Stale(t.Context(), c.keep, time.Now())
		if err != nil || old.Ops != c.ops || !slices.Equal(slices.Sorted(slices.Values(old.Messages)), c.messages) {
			t.Errorf("%s: %+v, %v; want %d and %v", name, old, err, c.ops, c.messages)
		}
	}
	if begin, pruned, err := db.LogBegin(t.Context()); pruned || err != nil || time.Since(begin) < month {
		t.Errorf("the log begins at %v, pruned: %v, %v", begin, pruned, err)
	}
	if ops, messages := prune(t, db, query.Memory{Age: month, Least: 3}, 10); ops != 23 || messages != 1 {
		t.Errorf("%d ops and %d messages went", ops, messages)
	}
	for what, want := range map[string]int64{
		"SELECT count(*) FROM op": 4, "SELECT min(seq) FROM op": 24, "SELECT min(op) FROM was": 24,
		"SELECT count(*) FROM msg": 19, "SELECT count(*) FROM body": 19,
	} {
		if n, err := db.w.Integer(what); n != want || err != nil {
			t.Errorf("%s: %d, %v; want %d", what, n, err, want)
		}
	}
	if begin, pruned, err := db.LogBegin(t.Context()); !pruned || err != nil || time.Since(begin) > month {
		t.Errorf("the log begins at %v, pruned: %v, %v", begin, pruned, err)
	}
	// What is left of the log is taken back as ever.
	undoAll(t, db, query.Selection{Source: "train"}, 0)
	undoAll(t, db, query.Selection{Source: "undo"}, 2)
	undoAll(t, db, query.Selection{Source: "train"}, 0)
	learn(t, db, message(5, Ham, 1))
	if got := export(t, db); got != model {
		t.Errorf("taken back:\n%s\nwant\n%s", head(got), head(model))
	}
	sameAsRebuilt(t, db)
	// All is too old: one op stays, by which a snapshot knows the ledger.
	age(t, db, db.Seq(), 2*month)
	prune(t, db, query.Memory{Age: month}, 100)
	if n, err := db.w.Integer("SELECT count(*) FROM op WHERE seq = ?", db.Seq()); n != 1 || err != nil {
		t.Errorf("%d ops left, %v", n, err)
	}
}

// A message that is swept never gives its number to another one.
func TestSweptNumberIsNotReused(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1), message(2, Spam, 1), message(3, Ham, 1))
	for n := 1; n <= 3; n++ {
		forget(t, db, "", storetest.Digest(n))
	}
	age(t, db, db.Seq(), 2*month)
	if _, messages := prune(t, db, query.Memory{Age: month, Least: 100}, 1); messages != 2 {
		t.Errorf("%d messages went", messages)
	}
	learn(t, db, message(4, Ham, 1))
	row, _, err := db.Find(t.Context(), "", storetest.Digest(4))
	if err != nil || row.ID != 4 {
		t.Errorf("the new message has number %d, %v", row.ID, err)
	}
}

// A snapshot from before what is pruned is made anew first, so that the next start need
// not read the rows.
func TestPruneRenewsSnapshot(t *testing.T) {
	dir := t.TempDir()
	var log storetest.Log
	db := openAt(t, dir, withLog(&log))
	learn(t, db, message(1, Ham, 1), message(2, Spam, 1))
	if err := db.WriteSnapshot(); err != nil {
		t.Fatal(err)
	}
	learn(t, db, message(3, Ham, 1), message(4, Spam, 1))
	age(t, db, db.Seq(), 2*month)
	prune(t, db, query.Memory{Age: month}, 100)
	if saved, ok := db.follower.Saved(); saved.Seq != 4 || !ok {
		t.Errorf("the snapshot is of op %d", saved.Seq)
	}
	again := openAt(t, dir, withLog(&log))
	if got, want := export(t, again), export(t, db); got != want || log.Count("ignoring") > 0 {
		t.Errorf("opened again:\n%s\nwant\n%s\n%s", head(got), head(want), log.String())
	}
}

// TestPruneAnyTime: after any training, with the log pruned at any point, a process that
// prunes, one that follows, however far behind, one that starts, and a rebuild have the
// same model bit for bit.
func TestPruneAnyTime(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		db, other := openAt(t, dir), openAt(t, dir)
		o := oracle{}
		for _, scope := range []string{"", "anna"} {
			o.learn(t, db, scope, rapid.IntRange(20, 45).Draw(rt, "labels"))
		}
		for range rapid.IntRange(1, 2).Draw(rt, "rounds") {
			list := rapid.SliceOfN(steps, 1, 30).Draw(rt, "steps")
			update(t, db, func(tx *Tx) error {
				for _, s := range list {
					if err := s.carryOut(tx); err != nil {
						return err
					}
				}
				return nil
			})
			if rapid.Bool().Draw(rt, "saved") {
				if err := db.WriteSnapshot(); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.Bool().Draw(rt, "follows") {
				catchUp(t, other)
			}
			age(t, db, rapid.Int64Range(0, db.Seq()).Draw(rt, "old"), 2*month)
			prune(t, db, query.Memory{Age: month, Least: rapid.Int64Range(0, 20).Draw(rt, "least")}, rapid.Int64Range(10, 90).Draw(rt, "step"))
		}
		catchUp(t, other)
		want := export(t, db)
		for i, h := range []*DB{other, openAt(t, dir)} {
			if got := export(t, h); got != want {
				rt.Fatalf("handle %d:\n%s\nwant\n%s", i, head(got), head(want))
			}
			if err := h.Close(); err != nil {
				rt.Fatal(err)
			}
		}
		sameAsRebuilt(t, db)
		if err := db.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestPrunedDump: a ledger made of the dump of one whose log was pruned is the same.
func TestPrunedDump(t *testing.T) {
	db, loaded := openAt(t, t.TempDir()), openAt(t, t.TempDir())
	oracle{}.learn(t, db, "", 40)
	learn(t, db, message(7, Ham, 2))
	forget(t, db, "", storetest.Digest(8))
	age(t, db, db.Seq(), 2*month)
	prune(t, db, query.Memory{Age: month, Least: 5}, 100)
	var first, second bytes.Buffer
	if _, err := db.Dump(t.Context(), &first, true, nil); err != nil {
		t.Fatal(err)
	}
	r, err := dump.NewReader(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := loaded.LoadDump(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := export(t, loaded), export(t, db); got != want {
		t.Errorf("loaded:\n%s\nwant\n%s", head(got), head(want))
	}
	if _, err := loaded.Dump(t.Context(), &second, true, nil); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("dumped again it is another dump, %v", err)
	}
	if n, err := loaded.w.Integer("SELECT count(*) FROM op"); n != 5 || err != nil {
		t.Errorf("%d ops, %v", n, err)
	}
}

// childPrune learns, and prunes all but the last entry of the log.
func childPrune(dir string) error {
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	if err := learnSome(db, 1000, 20); err != nil {
		return err
	}
	old, err := db.Stale(background(), query.Memory{Age: month}, time.Now().Add(2*month))
	if err != nil {
		return err
	}
	n, err := db.Prune(background(), old, 1000)
	fmt.Println("pruned", n)
	return errors.Join(err, db.Close())
}

// TestPrunedByOtherProcess: a process that has not yet read what another one prunes builds
// its model from the rows, and goes on following.
func TestPrunedByOtherProcess(t *testing.T) {
	dir := t.TempDir()
	var log storetest.Log
	db := openAt(t, dir, withLog(&log))
	learn(t, db, message(1, Ham, 1), message(2, Spam, 1))
	c := storetest.StartChild(t, "prune", dir)
	c.Expect(t, "pruned 21")
	c.Rest(t)
	catchUp(t, db)
	if n := log.Count("building the model from the rows"); n != 1 || db.Seq() != 22 {
		t.Errorf("built %d times, at op %d", n, db.Seq())
	}
	sameAsRebuilt(t, db)
	c = storetest.StartChild(t, "learn", dir)
	c.Expect(t, "ready")
	c.Proceed(t)
	c.Expect(t, "learned")
	if catchUp(t, db); log.Count("building the model from the rows") != 1 {
		t.Error("it does not follow any more")
	}
	if got := export(t, openAt(t, dir)); got != export(t, db) {
		t.Error("opened anew it is another model")
	}
}
