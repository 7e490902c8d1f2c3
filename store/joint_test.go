package store

import (
	"testing"

	"fanmill/classify"
	"fanmill/store/model"
)

// TestJointCounts: own labels count once beside a small site, more often beside a large
// one, a draft says the same as the ledger, and a user without labels has the site's counts.
func TestJointCounts(t *testing.T) {
	db := openAt(t, t.TempDir())
	own := message(5000, Spam, 2)
	own.Scope = "anna"
	learn(t, db, own)
	anna, site, ben := mustModel(t, db, "anna"), mustModel(t, db, ""), mustModel(t, db, "ben")
	draft := model.NewDraft(site)
	draft.Change(Mark{}, Mark{Class: Spam, Adds: 2}, own.Features, own.Grams, classify.Label{})
	for n := 1; n <= 250; n++ {
		learn(t, db, message(2*n, Ham, 1), message(2*n+1, Spam, 1))
		times := uint32(1 + n/100)
		for _, m := range []classify.Model{anna, draft} {
			if base, got := m.Base(); base != site || got != times {
				t.Fatalf("%d of each class: own labels count %d times, want %d, beside %v", n, got, times, base)
			}
			if got, want := m.Totals(), (classify.Count{Ham: uint32(n), Spam: uint32(n) + 2*times}); got != want {
				t.Fatalf("totals %+v, want %+v", got, want)
			}
			if n%50 == 0 {
				checkJoint(t, m, site, own.Features, 2*times)
			}
		}
		if base, _ := ben.Base(); base != nil || ben.Totals() != site.Totals() {
			t.Fatalf("a user without labels: %+v beside %v", ben.Totals(), base)
		}
	}
	if base, times := site.Base(); base != nil || times != 1 {
		t.Errorf("the site's labels count %d times beside %v", times, base)
	}
	forget(t, db, "anna", own.Digest)
	if base, _ := anna.Base(); base != nil {
		t.Error("after the last label there is still more than the site")
	}
	checkJoint(t, anna, site, own.Features, 0)
	sameAsRebuilt(t, db)
}

// checkJoint wants the site's counts and so much more spam in each feature.
func checkJoint(t *testing.T, m, site classify.Model, features []uint64, spam uint32) {
	t.Helper()
	got, want := make([]classify.Count, len(features)), make([]classify.Count, len(features))
	m.Lookup(features, got)
	site.Lookup(features, want)
	for i := range want {
		want[i].Spam += spam
		if got[i] != want[i] {
			t.Fatalf("a feature has %+v, want %+v", got[i], want[i])
		}
	}
}
