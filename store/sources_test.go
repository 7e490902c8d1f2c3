package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"fanmill/store/pack"
)

// TestSources: of each feature the newest rows are found that count in the scope's
// model and hold it, also behind more rows than are read at a time.
func TestSources(t *testing.T) {
	const common, rare, gone, own, nobody = 7, 1 << 40, 1<<40 + 1, 1<<63 + 5, 9
	db := openAt(t, t.TempDir())
	rows := make([]Row, 2*sourceBatch+10)
	for n := range rows {
		rows[n] = message(n, Ham+Class(n%2), 1)
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
	learn(t, db, rows...)
	forget(t, db, "", rows[40].Digest)

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

// TestSourcesReadNoFurther: the walk ends where all is found, and where its bound is.
func TestSourcesReadNoFurther(t *testing.T) {
	s := search{features: []uint64{5, 6}, limit: 1, found: make([][]int64, 2), next: 10}
	if !s.missing() {
		t.Error("nothing is missing though nothing is found")
	}
	s.look(9, pack.AppendFeatures(nil, []uint64{1, 5}))
	s.look(8, pack.AppendFeatures(nil, []uint64{5, 6, 7}))
	s.look(7, nil)
	if s.missing() || len(s.found[0]) != 1 || s.found[0][0] != 9 || s.found[1][0] != 8 {
		t.Errorf("found %v", s.found)
	}
	s.limit, s.next = 2, 0
	if s.missing() {
		t.Error("there is more to be read behind the oldest row")
	}
}
