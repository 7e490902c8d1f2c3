package query_test

import (
	"testing"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/storetest"
)

// TestDiffering: of a scope's labels those are listed that are the contrary of the site's
// verdict, the farthest first, and none where the site is unsure, or of anybody else.
func TestDiffering(t *testing.T) {
	db := open(t)
	for n := range 60 {
		storetest.Learn(t, db.Update, storetest.Message(2*n, store.Ham, 1), storetest.Message(2*n+1, store.Spam, 1))
	}
	site, cutoffs := modelOf(t, db, ""), classify.DefaultCutoffs()
	want, unsure := 0, 0
	var scorer classify.Scorer
	for n := range 40 { // what the site has learned, each a second time with both labels
		for scope, class := range map[string]store.Class{"anna": store.Ham, "ben": store.Spam} {
			row := storetest.Message(n, store.Ham+store.Class(n%2), 1)
			row.Scope, row.Class = scope, class
			storetest.Learn(t, db.Update, row)
		}
		switch cutoffs.Verdict(scorer.Score(storetest.Message(n, store.Ham, 1).Features, storetest.Message(n, store.Ham, 1).Grams, site).P) {
		case classify.Spam:
			want++
		case classify.Unsure:
			unsure++
		}
	}
	if want == 0 || want+unsure == 40 {
		t.Fatalf("%d spam and %d unsure of 40: this tests nothing", want, unsure)
	}
	for scope, want := range map[string]int{"anna": want, "ben": 40 - want - unsure, "carl": 0} {
		d, err := db.Differing(t.Context(), scope, site, cutoffs, 3)
		if err != nil || d.Total != want || len(d.Most) != min(3, want) {
			t.Fatalf("%s: %+v, %v, want %d", scope, d, err, want)
		}
		last := 1e9
		for _, x := range d.Most {
			s := x.Site.LogOdds
			if x.Class == store.Spam {
				s = -s
			}
			if x.Scope != scope || s <= 0 || s > last {
				t.Errorf("%s: %+v after %v", scope, x, last)
			}
			last = s
		}
	}
}
