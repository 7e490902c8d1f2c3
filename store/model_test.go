package store

import (
	"testing"

	"fanmill/classify"
)

func TestLookupAllocatesNothing(t *testing.T) {
	db := openAt(t, t.TempDir())
	rows := []Row{message(1, Ham, 1), message(2, Spam, 1)}
	rows[1].Scope = "anna@example.org"
	learn(t, db, rows...)
	out := make([]classify.Count, len(rows[0].Features))
	for _, scope := range []string{"", "anna@example.org"} {
		m := mustModel(t, db, scope)
		look := func() { m.Lookup(rows[0].Features, out); m.Totals(); m.Weigh(rows[0].Grams); m.Fit(); m.Base() }
		if n := testing.AllocsPerRun(100, look); n != 0 {
			t.Errorf("scope %q: %v allocations", scope, n)
		}
		if out[0].Ham != 1 {
			t.Errorf("scope %q: first feature has %v", scope, out[0])
		}
	}
	if n := testing.AllocsPerRun(100, func() { db.Model("") }); n != 0 {
		t.Errorf("Model: %v allocations", n)
	}
}

func TestLookupOfAnEmptyModelClearsOut(t *testing.T) {
	db := openAt(t, t.TempDir())
	out := []classify.Count{{Ham: 7, Spam: 9}}
	m := mustModel(t, db, "")
	m.Lookup([]uint64{5}, out)
	if out[0] != (classify.Count{}) {
		t.Errorf("got %v", out[0])
	}
	if sum := m.Weigh([]uint32{0, classify.Buckets - 1}); sum != 0 || m.Fit() != classify.PriorFit() {
		t.Errorf("weights %d, fit %+v", sum, m.Fit())
	}
}
