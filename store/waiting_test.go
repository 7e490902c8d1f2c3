package store

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/store/ledger"
)

// waitingDigests lists what waits in a scope.
func waitingDigests(t *testing.T, db *DB, scope string) (list []classify.Digest) {
	t.Helper()
	update(t, db, func(tx *Tx) error {
		_, err := tx.Waiting(scope, classify.Digest{}, 1000, func(r *Row) error {
			list = append(list, r.Digest)
			return nil
		})
		return err
	})
	return list
}

// TestWaitingRows: what waits is labelled and adds nothing, until it is learned or
// forgotten; other processes see the same.
func TestWaitingRows(t *testing.T) {
	dir := t.TempDir()
	db, other := openAt(t, dir), openAt(t, dir)
	var rows []Row
	for n := 1; n <= 30; n++ {
		row := message(n, Ham+Class(n%2), 0)
		row.Step, row.Waits = 0, true
		row.Scope = []string{"", "anna"}[n%5/4]
		rows = append(rows, row)
	}
	learn(t, db, rows...)
	check := func(what string, want Labels, waiting ...classify.Digest) {
		t.Helper()
		catchUp(t, other)
		for _, h := range []*DB{db, other} {
			if l, err := h.Labels(""); err != nil || l != want {
				t.Errorf("%s: %+v, want %+v (%v)", what, l, want, err)
			}
		}
		if got := waitingDigests(t, db, ""); !slices.Equal(got, waiting) {
			t.Errorf("%s: %d wait, want %d", what, len(got), len(waiting))
		}
		sameAsRebuilt(t, db)
	}
	var all []classify.Digest
	for _, r := range rows {
		if r.Scope == "" {
			all = append(all, r.Digest)
		}
	}
	slices.SortFunc(all, func(a, b classify.Digest) int { return bytes.Compare(a[:], b[:]) })
	check("recorded", Labels{Ham: 12, Spam: 12, Waiting: 24}, all...)
	if n := len(waitingDigests(t, db, "anna")); n != 6 {
		t.Errorf("anna has %d", n)
	}
	wantFit(t, "nothing learned", db, "", classify.PriorFit())
	row := rows[0]
	row.Waits, row.Adds, row.Step = false, 1, 7
	learn(t, db, row)
	forget(t, db, "", rows[1].Digest)
	check("one learned, one forgotten", Labels{Ham: 11, Spam: 12, SpamAdds: 1, Waiting: 22}, slices.DeleteFunc(all, func(d classify.Digest) bool { return d == rows[0].Digest || d == rows[1].Digest })...)
	ops, err := db.Ops(t.Context(), 30, 9)
	if err != nil || len(ops) != 2 || ops[0].Kind != ledger.KindLearn || !ops[0].Before.Waits || ops[0].After != row.Mark() || ops[1].After.Waits {
		t.Errorf("ops %+v, %v", ops, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := export(t, openAt(t, dir)), export(t, other); got != want {
		t.Errorf("opened again:\n%s\nwant\n%s", head(got), head(want))
	}
}

// TestListsOfWhatWaits: features and grams that were kept while a row waited go when it
// is learned and adds nothing, but not if they may have counted before: then ops speak of
// them, and a message that is read with other limits later would come back with others.
func TestListsOfWhatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		before, then func(*Row)
		kept         bool
	}{
		"adds nothing":        {nil, func(*Row) {}, false},
		"counts":              {nil, func(r *Row) { r.Adds = 1 }, true},
		"steps":               {nil, func(r *Row) { r.Step = 1 }, true},
		"goes on waiting":     {nil, func(r *Row) { r.Waits, r.Sure = true, true }, true},
		"cut message":         {func(r *Row) { r.Complete, r.Waits = false, true }, func(*Row) {}, true},
		"counted once":        {func(r *Row) { r.Adds = 1 }, func(*Row) {}, true},
		"counted, and cut":    {func(r *Row) { r.Adds, r.Complete = 1, false }, func(*Row) {}, true},
		"waited without them": {func(r *Row) { r.Waits, r.Features, r.Grams = true, nil, nil }, func(*Row) {}, false},
	} {
		db := openAt(t, t.TempDir())
		row := message(1, Ham, 0)
		row.Step = 0
		if c.before != nil {
			first := row
			c.before(&first)
			row.Complete = first.Complete
			learn(t, db, first)
			if !first.Waits {
				forget(t, db, "", row.Digest)
			}
		}
		waits := row
		waits.Waits = true
		learn(t, db, waits)
		c.then(&row)
		learn(t, db, row)
		got, err := db.Load(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if has := got.Features != nil || got.Grams != nil; has != c.kept {
			t.Errorf("%s: lists are kept: %v, want %v (%s)", name, has, c.kept, fmt.Sprintf("%d %d", len(got.Features), len(got.Grams)))
		}
		sameAsRebuilt(t, db)
	}
}
