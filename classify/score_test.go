package classify

import (
	"math"
	"math/rand"
	"slices"
	"testing"

	"fanmill/classify/exact"
)

// table is a model for tests.
type table struct {
	Untrained
	total  Count
	counts map[uint64]Count
}

func (m table) Totals() Count { return m.total }
func (m table) Lookup(f []uint64, out []Count) {
	for i, h := range f {
		out[i] = m.counts[h]
	}
}

func TestScoreOfNothing(t *testing.T) {
	var sc Scorer
	for _, m := range []table{{}, {total: Count{Ham: 100, Spam: 100}}} {
		if s := sc.Score([]uint64{1, 2, 3}, nil, m); s.P != 0.5 || s.C != 0 || s.Clues != 0 {
			t.Errorf("score of unknown features: %+v", s)
		}
		if s := sc.Score(nil, nil, m); s.P != 0.5 {
			t.Errorf("score of no features: %+v", s)
		}
	}
}

func TestScoreIsSymmetric(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	var sc Scorer
	for range 200 {
		m := table{total: Count{Ham: 400, Spam: 400}, counts: map[uint64]Count{}}
		mirror := table{total: m.total, counts: map[uint64]Count{}}
		var features []uint64
		for range 1 + r.Intn(maxClues) { // beyond that ties are cut by their place
			h := r.Uint64()
			c := Count{Ham: uint32(r.Intn(40)), Spam: uint32(r.Intn(40))}
			m.counts[h], mirror.counts[h] = c, Count{Ham: c.Spam, Spam: c.Ham}
			features = append(features, h)
		}
		slices.Sort(features)
		a, b := sc.Score(features, nil, m), sc.Score(features, nil, mirror)
		if math.Abs(a.C+b.C) > 1e-6*math.Abs(a.C)+1e-9 || a.P < 0 || a.P > 1 {
			t.Fatalf("scores %+v and %+v of a model and its mirror", a, b)
		}
	}
}

func TestStrongestAreTheStrongest(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 300 {
		var sc Scorer
		for i := range 100 + r.Intn(500) {
			sc.clues = append(sc.clues, clue{f: float64(r.Intn(40)) / 40, index: int32(i)})
		}
		want := slices.Clone(sc.clues)
		slices.SortFunc(want, stronger)
		want = want[:min(len(want), maxClues)]
		sc.strongest(maxClues)
		got := slices.Clone(sc.clues)
		slices.SortFunc(got, stronger)
		if !slices.Equal(got, want) {
			t.Fatal("not the strongest clues")
		}
	}
}

// borrowed is a table that another filter has counted.
type borrowed struct{ table }

func (borrowed) Borrowed() bool { return true }

func TestThinEvidenceStaysUnsure(t *testing.T) {
	for _, total := range []Count{{}, {Spam: 500}, {Ham: 19, Spam: 500}, {Ham: 500, Spam: 19}} {
		last := -1.0
		for z := -800.0; z <= 800; z += 0.5 {
			if !Thin(table{total: total}) {
				t.Fatalf("totals %+v suffice", total)
			}
			p := exact.Sigma(squeeze(z))
			if DefaultCutoffs().Verdict(p) != Unsure || p < last {
				t.Fatalf("totals %+v, log-odds %v: score %v after %v", total, z, p, last)
			}
			last = p
		}
	}
	if enough := (table{total: Count{Ham: 20, Spam: 20}}); Thin(enough) || !Thin(borrowed{enough}) {
		t.Error("20 of each do not suffice, or do where another filter has counted them")
	}
}

func TestVerdictEdges(t *testing.T) {
	c := DefaultCutoffs()
	below := func(x float64) float64 { return math.Nextafter(x, 0) }
	tests := []struct {
		score float64
		want  Verdict
	}{
		{0, Ham}, {below(0.15), Ham}, {0.15, Unsure}, {below(0.90), Unsure}, {0.90, Spam}, {1, Spam}, {math.NaN(), Unsure},
	}
	for _, tt := range tests {
		if got := c.Verdict(tt.score); got != tt.want {
			t.Errorf("Verdict(%v) = %v, want %v", tt.score, got, tt.want)
		}
	}
}

func TestScoreAllocatesNothing(t *testing.T) {
	m := table{total: Count{Ham: 50, Spam: 50}, counts: map[uint64]Count{}}
	var features []uint64
	for i := range uint64(1000) {
		m.counts[i] = Count{Ham: uint32(i % 7), Spam: uint32(i % 11)}
		features = append(features, i)
	}
	var sc Scorer
	var model Model = m
	if n := testing.AllocsPerRun(100, func() { sc.Score(features, nil, model) }); n > 0 {
		t.Errorf("%v allocations a score", n)
	}
}
