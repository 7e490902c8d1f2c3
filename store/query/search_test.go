package query

import (
	"testing"

	"fanmill/store/pack"
)

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
