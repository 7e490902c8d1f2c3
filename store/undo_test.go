package store

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fanmill/store/ledger"
	"fanmill/store/query"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

var eve = Origin{Actor: "eve", Source: "x"}

// undoAll takes back all that a selection may take back, in one transaction.
func undoAll(t testing.TB, db *DB, sel query.Selection, n int) (done int) {
	t.Helper()
	list, err := db.Undoables(t.Context(), sel, n)
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error {
		for _, u := range list {
			if u.Later != nil {
				continue
			}
			ok, err := tx.Undo(u.Op, Origin{Actor: "test"})
			if err != nil {
				return err
			}
			if !ok {
				t.Errorf("%+v was not taken back", u.Op)
			}
			done++
		}
		return nil
	})
	return done
}

// carryOutAs is carryOut by somebody else. What only changes how much a label adds is
// the trainer's, as when what waited is learned, and comes after a decision.
func (s step) carryOutAs(tx *Tx, by Origin, decided map[step]bool) error {
	message := step{scope: s.scope, n: s.n}
	switch s.do {
	case "forget":
		_, err := tx.Forget(s.scope, storetest.Digest(s.n), by)
		return err
	case "insist":
		return unlessNoRow(tx.Insist(s.scope, storetest.Digest(s.n), by))
	case "confirm":
		return unlessNoRow(tx.Confirm(s.scope, storetest.Digest(s.n), by))
	case "ham", "spam":
		class := Ham
		if s.do == "spam" {
			class = Spam
		}
		row := s.row(class)
		old, found, err := tx.Find(s.scope, row.Digest)
		if err != nil {
			return err
		}
		if found && old.Class == class && old.Sure == row.Sure {
			if by = (Origin{Source: "train"}); !decided[message] {
				return nil
			}
		}
		// Of a label that only became sure, training does not change what it adds.
		row.Step = ledger.StepOf(row.Scope, row.Step)
		given := !found || old.Class != class || effect(old.Mark()) != effect(row.Mark())
		decided[message] = decided[message] || given
		return tx.Learn(row, by)
	}
	return s.carryOut(tx)
}

// TestUndo: after random training, whatever somebody decides and takes back leaves the
// model, its Fit included, as it was, for every process and for a rebuild; and taking
// that back again brings all of it back.
func TestUndo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		db, other := openAt(t, dir), openAt(t, dir)
		o := oracle{}
		for _, scope := range []string{"", "anna"} {
			o.learn(t, db, scope, rapid.IntRange(30, 45).Draw(rt, "labels"))
		}
		carry := func(label string, by Origin) {
			list := rapid.SliceOfN(steps, 1, 40).Draw(rt, label)
			decided := map[step]bool{}
			update(t, db, func(tx *Tx) error {
				for _, s := range list {
					if err := s.carryOutAs(tx, by, decided); err != nil {
						return err
					}
				}
				return nil
			})
		}
		same := func(what, want string) {
			t.Helper()
			catchUp(t, other)
			for i, h := range []*DB{db, other} {
				if got := export(t, h); got != want {
					rt.Fatalf("%s, handle %d:\n%s\nwant\n%s", what, i, head(got), head(want))
				}
			}
			sameAsRebuilt(t, other)
		}
		carry("before", Origin{Source: "train"})
		before := export(t, db)
		carry("by eve", eve)
		after := export(t, db)
		catchUp(t, other)
		undoAll(t, db, query.Selection{Actor: "eve"}, 0)
		same("taken back", before)
		if n := undoAll(t, db, query.Selection{Actor: "eve"}, 0); n != 0 {
			rt.Fatalf("%d decisions were taken back twice", n)
		}
		undoAll(t, other, query.Selection{Source: "undo"}, 0)
		catchUp(t, db)
		same("brought back", after)
	})
}

// TestUndoOfTheLast: decisions go from the newest on; those about a message that
// somebody else decided since stay, and say whose they are.
func TestUndoOfTheLast(t *testing.T) {
	db := openAt(t, t.TempDir())
	decide := func(by Origin, rows ...Row) {
		update(t, db, func(tx *Tx) error {
			for _, r := range rows {
				if err := tx.Learn(r, by); err != nil {
					return err
				}
			}
			return nil
		})
	}
	decide(eve, message(1, Ham, 1), message(2, Ham, 1), message(3, Ham, 1))
	decide(Origin{Actor: "bob", Source: "learn"}, message(3, Spam, 1))
	decide(Origin{Actor: "bob", Source: "train"}, message(2, Ham, 2)) // counts more: no decision
	list, err := db.Undoables(t.Context(), query.Selection{Actor: "eve"}, 1)
	if err != nil || len(list) != 2 || list[0].Later == nil || list[0].Later.Origin.Actor != "bob" || list[1].Later != nil || list[1].Row != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if n := undoAll(t, db, query.Selection{Actor: "eve"}, 1); n != 1 {
		t.Fatalf("%d taken back", n)
	}
	want := openAt(t, t.TempDir())
	learn(t, want, message(1, Ham, 1), message(3, Spam, 1))
	if got, want := export(t, db), export(t, want); got != want {
		t.Errorf("the last:\n%s\nwant\n%s", head(got), head(want))
	}
	// Of a decision that is taken back nothing stands in the way of older ones.
	undoAll(t, db, query.Selection{Actor: "bob"}, 0)
	if n := undoAll(t, db, query.Selection{Actor: "eve"}, 0); n != 2 || export(t, db) != export(t, openAt(t, t.TempDir())) {
		t.Errorf("%d taken back, left:\n%s", n, export(t, db))
	}
	sameAsRebuilt(t, db)
}

// TestOlderLedger: a ledger of an older fanmill goes on, with all that it has, and what is
// decided from now on can be taken back.
func TestOlderLedger(t *testing.T) {
	t.Run("2", func(t *testing.T) { testOlderLedger(t, "2", storetest.Older[2]) })
	t.Run("1", func(t *testing.T) { testOlderLedger(t, "1", storetest.Older[2]+storetest.Older[1]) })
}

func testOlderLedger(t *testing.T, version, back string) {
	dir := t.TempDir()
	db := openAt(t, dir)
	waiting, user, byID := message(2, Spam, 0), message(3, Spam, 2), message(4, Ham, 1)
	waiting.Step, waiting.Waits = 0, true
	user.Scope = "anna"
	byID.Message, byID.Complete = nil, false
	learn(t, db, message(1, Ham, 1), waiting, user, byID, message(6, Ham, 0))
	want, rows := export(t, db), dumped(t, db, true)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.SQL(t, db.path, back)
	if _, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true}); !errors.Is(err, sqlite.ErrOlder) {
		t.Errorf("read only: %v", err)
	}
	db = openAt(t, dir)
	if got := export(t, db); got != want {
		t.Errorf("opened:\n%s\nwant\n%s", got, want)
	}
	kept, err := filepath.Glob(db.path + ".*-schema" + version)
	if err != nil || len(kept) != 1 {
		t.Fatalf("the old ledger is kept as %q (%v)", kept, err)
	}
	for path, want := range map[string]int64{db.path: 3, kept[0]: int64(version[0] - '0')} {
		c, err := sqlite.ConnectToRead(path)
		if err != nil {
			t.Fatal(err)
		}
		schema, err := c.Integer(sqlite.MetaValue, "schema")
		rows, rowsErr := c.Integer("SELECT count(*) FROM msg")
		if err := errors.Join(err, rowsErr, c.Close()); schema != want || rows != 5 || err != nil {
			t.Errorf("%s has schema %d and %d rows, want %d and 5 (%v)", path, schema, rows, want, err)
		}
	}
	if got := dumped(t, db, true); got != rows {
		t.Errorf("opened:\n%s\nwant\n%s", got, rows)
	}
	waiting.Waits = false // and adds nothing: its lists go
	learn(t, db, waiting)
	if n, err := db.w.Integer("SELECT count(*) FROM lists"); n != 3 || err != nil {
		t.Errorf("%d rows have lists, want the two that count and the one without its message (%v)", n, err)
	}
	want = export(t, db)
	learn(t, db, message(1, Spam, 1))
	if n := undoAll(t, db, query.Selection{}, 1); n != 1 || export(t, db) != want {
		t.Errorf("%d taken back, left:\n%s", n, export(t, db))
	}
}

func TestUndoSelection(t *testing.T) {
	db := openAt(t, t.TempDir())
	scoped := message(4, Spam, 1)
	scoped.Scope = "anna"
	start := time.Now()
	for i, by := range []Origin{{Actor: "eve", Source: "train"}, {Actor: "eve", Source: "auto"}, {Actor: "bob", Source: "auto"}} {
		update(t, db, func(tx *Tx) error { return tx.Learn(message(i+1, Ham, 1), by) })
	}
	update(t, db, func(tx *Tx) error { return tx.Learn(scoped, eve) })
	anna := "anna"
	for name, c := range map[string]struct {
		sel  query.Selection
		n    int
		want []int64
	}{
		"all":         {query.Selection{}, 0, []int64{4, 3, 2, 1}},
		"two":         {query.Selection{}, 2, []int64{4, 3}},
		"actor":       {query.Selection{Actor: "eve"}, 0, []int64{4, 2, 1}},
		"source":      {query.Selection{Source: "auto"}, 0, []int64{3, 2}},
		"both":        {query.Selection{Actor: "eve", Source: "auto"}, 0, []int64{2}},
		"scope":       {query.Selection{Scope: &anna}, 0, []int64{4}},
		"since":       {query.Selection{Since: start}, 0, []int64{4, 3, 2, 1}},
		"since later": {query.Selection{Since: time.Now().Add(time.Hour)}, 0, nil},
		"nobody":      {query.Selection{Actor: "carl"}, 0, nil},
		"undone":      {query.Selection{Source: "undo"}, 0, nil},
	} {
		list, err := db.Undoables(t.Context(), c.sel, c.n)
		var got []int64
		for _, u := range list {
			got = append(got, u.Seq)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
	// A message that was decided anew meanwhile is left alone.
	list, err := db.Undoables(t.Context(), query.Selection{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	scoped.Class = Ham
	learn(t, db, scoped)
	was := export(t, db)
	update(t, db, func(tx *Tx) error {
		if ok, err := tx.Undo(list[0].Op, eve); ok || err != nil {
			t.Errorf("taken back: %v, %v", ok, err)
		}
		return nil
	})
	if export(t, db) != was {
		t.Error("the model changed")
	}
}

// exhaustions are what a run of training to exhaustion may set: for a message that has a
// label how often it counts, its step and its scores, for others a label too.
var exhaustions = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Row {
	row := message(rapid.IntRange(1, 60).Draw(t, "message"), rapid.SampledFrom([]Class{Ham, Spam}).Draw(t, "class"), rapid.IntRange(0, 3).Draw(t, "adds"))
	row.Step = rapid.SampledFrom([]int64{0, 9, -70000}).Draw(t, "step")
	row.ScoreC += float64(rapid.IntRange(0, 1).Draw(t, "scored"))
	row.Scope = rapid.SampledFrom([]string{"", "", "anna"}).Draw(t, "scope")
	return row
}), 1, 40, func(r Row) string { return r.Scope + r.Digest.String() })

// exhaust sets rows in one transaction. With flips of false labels stay.
func exhaust(t testing.TB, db *DB, rows []Row, flips bool) {
	t.Helper()
	update(t, db, func(tx *Tx) error {
		for _, row := range rows {
			old, found, err := tx.Find(row.Scope, row.Digest)
			if err != nil {
				return err
			}
			if !flips && (!found || old.Class == None) {
				continue
			}
			if !flips {
				row.Class = old.Class
			}
			row.Sure = old.Sure && row.Class == old.Class
			if err := tx.Learn(row, Origin{Actor: "root", Source: Exhaust}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestUndoBeforeExhaust: what somebody insisted on or confirmed before and after runs of
// training to exhaustion is taken back alone: the model is as if only the runs had been.
func TestUndoBeforeExhaust(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		db, other, want := openAt(t, dir), openAt(t, dir), openAt(t, t.TempDir())
		for _, h := range []*DB{db, want} {
			for n := range 50 {
				learn(t, h, message(n+1, Ham+Class(n%2), n%3))
			}
		}
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			eves := rapid.SliceOfN(rapid.IntRange(1, 50), 0, 20)
			insist := func() {
				for i, n := range eves.Draw(rt, "sure") {
					update(t, db, func(tx *Tx) error {
						if i%3 == 0 {
							return tx.Confirm("", storetest.Digest(n), eve)
						}
						return tx.Insist("", storetest.Digest(n), eve)
					})
				}
			}
			insist()
			rows := exhaustions.Draw(rt, "run")
			exhaust(t, db, rows, false)
			exhaust(t, want, rows, false)
			insist()
		}
		catchUp(t, other)
		undoAll(t, db, query.Selection{Actor: "eve"}, 0)
		catchUp(t, other)
		for i, h := range []*DB{db, other} {
			if got, want := export(t, h), export(t, want); got != want {
				rt.Fatalf("handle %d:\n%s\nwant\n%s", i, head(got), head(want))
			}
		}
		sameAsRebuilt(t, other)
	})
}

// TestUndoOfExhaust: the last run is taken back whole, for every process, then the one
// before; and brought back.
func TestUndoOfExhaust(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		db, other := openAt(t, dir), openAt(t, dir)
		update(t, db, func(tx *Tx) error {
			for _, s := range rapid.SliceOfN(steps, 1, 60).Draw(rt, "before") {
				if err := s.carryOut(tx); err != nil {
					return err
				}
			}
			return nil
		})
		states, seqs := []string{export(t, db)}, []int64{db.Seq()}
		for range 2 {
			exhaust(t, db, exhaustions.Draw(rt, "run"), true)
			states, seqs = append(states, export(t, db)), append(seqs, db.Seq())
		}
		catchUp(t, other)
		same := func(what, want string) {
			t.Helper()
			catchUp(t, other)
			for i, h := range []*DB{db, other} {
				if got := export(t, h); got != want {
					rt.Fatalf("%s, handle %d:\n%s\nwant\n%s", what, i, head(got), head(want))
				}
			}
			sameAsRebuilt(t, other)
		}
		if seqs[2] > seqs[1] { // a run that changes nothing is none
			undoAll(t, db, query.Selection{Source: Exhaust}, 0)
			same("the last run", states[1])
			undoAll(t, db, query.Selection{Source: "undo"}, 0)
			same("brought back", states[2])
			undoAll(t, db, query.Selection{Source: Exhaust}, 0)
			same("the last run again", states[1])
		}
		if seqs[1] > seqs[0] {
			undoAll(t, db, query.Selection{Source: Exhaust}, 0)
			same("the first run", states[0])
		}
	})
}

// TestDecidedSinceExhaust: what was decided about since a run keeps what it has, and says by whom.
func TestDecidedSinceExhaust(t *testing.T) {
	db := openAt(t, t.TempDir())
	learn(t, db, message(1, Ham, 1), message(2, Ham, 1), message(3, Spam, 1))
	exhaust(t, db, []Row{message(1, Ham, 0), message(2, Ham, 2), message(3, Spam, 0), message(4, Spam, 1)}, true)
	update(t, db, func(tx *Tx) error { return tx.Insist("", storetest.Digest(2), eve) })
	list, err := db.Undoables(t.Context(), query.Selection{Source: Exhaust}, 0)
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, u := range list {
		if kept := u.Later != nil; kept != (u.Row == 2) || kept && u.Later.Origin != eve {
			t.Errorf("message %d: later %+v", u.Row, u.Later)
		}
	}
	if n := undoAll(t, db, query.Selection{Source: Exhaust}, 0); n != 3 {
		t.Errorf("%d taken back", n)
	}
	insisted := message(2, Ham, 2)
	insisted.Sure = true
	want := openAt(t, t.TempDir())
	learn(t, want, message(1, Ham, 1), insisted, message(3, Spam, 1))
	if got, want := export(t, db), export(t, want); got != want {
		t.Errorf("got\n%s\nwant\n%s", head(got), head(want))
	}
	// Once that is taken back too, so is the rest of the run.
	undoAll(t, db, query.Selection{Actor: "eve"}, 0)
	if n := undoAll(t, db, query.Selection{Source: Exhaust}, 0); n != 1 {
		t.Errorf("%d of the rest taken back", n)
	}
	want = openAt(t, t.TempDir())
	learn(t, want, message(1, Ham, 1), message(2, Ham, 1), message(3, Spam, 1))
	if got, want := export(t, db), export(t, want); got != want {
		t.Errorf("all of it: got\n%s\nwant\n%s", head(got), head(want))
	}
}

// effect is what a label adds, or that it waits to add something.
func effect(m Mark) Mark { return Mark{Adds: m.Adds, Step: m.Step, Waits: m.Waits} }
