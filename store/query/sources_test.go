package query_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"fanmill/store"
	"fanmill/store/query"
	"fanmill/store/storetest"
)

// TestSources: of each feature the newest rows are found that count in the scope's
// model and hold it, also behind more rows than are read at a time.
func TestSources(t *testing.T) {
	const common, rare, gone, own, nobody = 7, 1 << 40, 1<<40 + 1, 1<<63 + 5, 9
	db := open(t)
	rows := make([]store.Row, 2*query.SourceBatch+10)
	for n := range rows {
		rows[n] = storetest.Message(n, store.Ham+store.Class(n%2), 1)
		rows[n].Features = []uint64{uint64(n) + 100, 1 << 50}
	}
	for _, n := range []int{3, 40, 700, 800, 900, 1000} {
		rows[n].Features = []uint64{common, uint64(n) + 100, 1 << 62}
	}
	rows[3].Features = []uint64{common, rare}
	rows[40].Features = []uint64{common, gone}
	rows[700].Complete, rows[700].Message = false, nil
	rows[900].Adds = 0 // recorded, but counts for nothing
	rows[1001].Scope, rows[1001].Features = "anna", []uint64{common, own}
	storetest.Learn(t, db.Update, rows...)
	storetest.Forget(t, db.Update, "", rows[40].Digest)

	tests := []struct {
		scope string
		limit int
		want  [][]int // of the features below: rows
	}{
		{"", 3, [][]int{{1000, 800, 700}, {3}, nil, nil, nil}},
		{"", 1, [][]int{{1000}, {3}, nil, nil, nil}},
		{"", 0, [][]int{nil, nil, nil, nil, nil}},
		{"", 100, [][]int{{1000, 800, 700, 3}, {3}, nil, nil, nil}},
		{"anna", 2, [][]int{{1001, 1000}, {3}, nil, {1001}, nil}},
		{"bob", 2, [][]int{{1000, 800}, {3}, nil, nil, nil}},
	}
	for _, tt := range tests {
		got, err := db.Sources(t.Context(), tt.scope, []uint64{common, rare, gone, own, nobody}, tt.limit)
		if err != nil || len(got) != len(tt.want) {
			t.Fatalf("scope %q: %d lists, %v", tt.scope, len(got), err)
		}
		for i, want := range tt.want {
			if len(got[i]) != len(want) {
				t.Fatalf("scope %q, limit %d, feature %d: %+v, want %v", tt.scope, tt.limit, i, got[i], want)
			}
			for k, n := range want {
				subject := fmt.Sprint("message ", n)
				if n == 700 || rows[n].Scope != "" { // of users' mail no text is kept
					subject = ""
				}
				s := got[i][k]
				if s.Digest != rows[n].Digest || s.Class != rows[n].Class || s.Scope != rows[n].Scope || s.Subject != subject || s.Time.IsZero() {
					t.Errorf("scope %q, feature %d, place %d: %+v, want row %d", tt.scope, i, k, s, n)
				}
				if s.Features != nil || s.Grams != nil || s.Message != nil {
					t.Errorf("row %d comes with its lists", n)
				}
			}
		}
	}
	if got, err := db.Sources(t.Context(), "", nil, 5); err != nil || len(got) != 0 {
		t.Errorf("of no features: %v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Sources(ctx, "", []uint64{nobody}, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
