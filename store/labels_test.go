package store

import (
	"errors"
	"testing"

	"fanmill/store/ledger"
)

// TestSourceOfLabels: a row says who gave its class, not who changed how often it
// counts; confirming a label changes its source alone.
func TestSourceOfLabels(t *testing.T) {
	db := openAt(t, t.TempDir())
	row := message(1, Ham, 1)
	source := func() string {
		t.Helper()
		got, found, err := db.Find(t.Context(), "", row.Digest)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		return got.Source
	}
	change := func(class Class, adds int, by string) func(*Tx) error {
		row := row
		row.Class, row.Adds = class, adds
		return func(tx *Tx) error { return tx.Learn(row, Origin{Source: by}) }
	}
	for i, step := range []struct {
		do   func(*Tx) error
		want string
	}{
		{change(Ham, 1, "auto"), "auto"},
		{change(Ham, 0, "train"), "auto"},
		{change(Ham, 1, "train"), "auto"},
		{func(tx *Tx) error { return tx.Confirm("", row.Digest, Origin{Source: "held"}) }, "held"},
		{change(Spam, 1, "train"), "train"},
		{func(tx *Tx) error { _, err := tx.Forget("", row.Digest, Origin{Source: "learn"}); return err }, "learn"},
	} {
		before := export(t, db)
		if err := db.Update(t.Context(), step.do); err != nil {
			t.Fatal(err)
		}
		if got := source(); got != step.want {
			t.Errorf("step %d: source %q, want %q", i, got, step.want)
		}
		if i == 3 && export(t, db) != before {
			t.Error("confirming a label has changed what counts")
		}
	}
	ops, err := db.Ops(t.Context(), 0, 10)
	if err != nil || len(ops) != 6 || ops[3].Kind != ledger.KindLearn || ops[3].Origin.Source != "held" || ops[3].Before != ops[3].After {
		t.Errorf("%+v, %v", ops, err)
	}
}

// TestInsist: a label becomes sure once, by one op that other processes follow; another
// label is as sure as it is said to be.
func TestInsist(t *testing.T) {
	dir := t.TempDir()
	db, other := openAt(t, dir), openAt(t, dir)
	row := message(1, Ham, 1)
	learn(t, db, row)
	by := Origin{Actor: "anna", Source: "held"}
	insist := func(tx *Tx) error { return tx.Insist("", row.Digest, by) }
	confirm := func(tx *Tx) error { return tx.Confirm("", row.Digest, by) }
	flip := row
	flip.Class = Spam
	for i, step := range []struct {
		do   func(*Tx) error
		sure bool
		ops  int64
	}{
		{confirm, false, 2},
		{confirm, false, 2},
		{insist, true, 3},
		{insist, true, 3},
		{confirm, true, 3},
		{func(tx *Tx) error { return tx.Learn(flip, by) }, false, 4},
		{insist, true, 5},
		{func(tx *Tx) error { _, err := tx.Forget("", row.Digest, by); return err }, false, 6},
	} {
		update(t, db, step.do)
		got, _, err := db.Find(t.Context(), "", row.Digest)
		if err != nil || got.Sure != step.sure || got.Source != "held" || db.Seq() != step.ops {
			t.Errorf("step %d: sure %v, source %q, %d ops (%v)", i, got.Sure, got.Source, db.Seq(), err)
		}
		catchUp(t, other)
		if export(t, other) != export(t, db) {
			t.Errorf("step %d: the follower has\n%s", i, head(export(t, other)))
		}
	}
	ops, err := db.Ops(t.Context(), 2, 1)
	want := ledger.Op{Seq: 3, Kind: ledger.KindLearn, Origin: by, Row: 1, Before: row.Mark(), After: Mark{Class: Ham, Adds: 1, Step: row.Step, Sure: true}}
	if err != nil || len(ops) != 1 {
		t.Fatal(ops, err)
	}
	want.Time = ops[0].Time
	if ops[0] != want {
		t.Errorf("op %+v\nwant %+v", ops[0], want)
	}
	for _, do := range []func(*Tx) error{insist, confirm} {
		if err := db.Update(t.Context(), do); !errors.Is(err, ledger.ErrNoRow) {
			t.Errorf("of no label: %v", err)
		}
	}
}
