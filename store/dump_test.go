package store

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanmill/store/dump"
	"fanmill/store/query"
	"fanmill/store/storetest"
)

func dumped(t testing.TB, db *DB, log bool) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := db.Dump(t.Context(), &b, log, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// load fills the ledger in dir, or says why not.
func load(t testing.TB, db *DB, text string) error {
	t.Helper()
	d, err := dump.NewReader(strings.NewReader(text))
	if err != nil {
		return err
	}
	return db.LoadDump(t.Context(), d, nil)
}

// variedly trains a ledger at random: in scopes, with labels that change, wait, are
// confirmed, forgotten and taken back.
func variedly(t *testing.T, rt *rapid.T, db *DB) {
	o := oracle{}
	for _, scope := range []string{"", "anna"} {
		o.learn(t, db, scope, rapid.IntRange(30, 45).Draw(rt, "labels"))
	}
	for i, by := range []Origin{{Source: "train"}, eve, {Actor: "bob", Source: "held"}} {
		list, decided := rapid.SliceOfN(steps, 1, 30).Draw(rt, fmt.Sprint("part", i)), map[step]bool{}
		update(t, db, func(tx *Tx) error {
			for _, s := range list {
				if err := s.carryOutAs(tx, by, decided); err != nil {
					return err
				}
			}
			return nil
		})
	}
	undoAll(t, db, query.Selection{Actor: "bob"}, 2)
}

// TestDumpRoundTrip: a ledger that is loaded from a dump dumps the same bytes and has
// the same model, bit for bit, for who loads and who follows; what is learned, forgotten
// and taken back afterwards has the same effect in both.
func TestDumpRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		log := rapid.Bool().Draw(rt, "log")
		db := openAt(t, t.TempDir())
		variedly(t, rt, db)
		dir := t.TempDir()
		moved, follower := openAt(t, dir), openAt(t, dir)
		text := dumped(t, db, log)
		if err := load(t, moved, text); err != nil {
			rt.Fatal(err)
		}
		same := func(what string) {
			t.Helper()
			want := export(t, db)
			catchUp(t, follower)
			for i, h := range []*DB{moved, follower} {
				if got := export(t, h); got != want {
					rt.Fatalf("%s, handle %d:\n%s\nwant\n%s", what, i, head(got), head(want))
				}
			}
			sameAsRebuilt(t, moved)
		}
		same("loaded")
		if got := dumped(t, moved, log); got != text {
			rt.Fatalf("dumped again:\n%s\nwant\n%s", head(got), head(text))
		}
		for _, h := range []*DB{db, moved} {
			if log {
				undoAll(t, h, query.Selection{Actor: "eve"}, 0)
			}
			learn(t, h, message(200, Spam, 1), message(201, Ham, 1))
			forget(t, h, "", storetest.Digest(3))
		}
		same("after more")
	})
}
