package classify

import (
	"math"
	"math/big"
	"math/rand"
	"slices"
	"testing"
)

// bigTail is Q, the chi-squared tail, and 1-Q by exact summation.
func bigTail(m float64, n int) (q, p float64) {
	const prec = 4000
	mb := new(big.Float).SetPrec(prec).SetFloat64(m)
	term := new(big.Float).SetPrec(prec).SetInt64(1)
	head, all := new(big.Float).SetPrec(prec), new(big.Float).SetPrec(prec)
	for i := 0; i < 6000; i++ {
		if i < n {
			head.Add(head, term)
		}
		all.Add(all, term)
		term.Mul(term, mb)
		term.Quo(term, new(big.Float).SetInt64(int64(i+1)))
	}
	ratio := new(big.Float).SetPrec(prec).Quo(head, all) // e^m is the whole sum
	rest := new(big.Float).SetPrec(prec).Sub(big.NewFloat(1).SetPrec(prec), ratio)
	q, p = bigLn(ratio), bigLn(rest)
	if q > -0.5 { // near 1 the complement has the digits
		q = math.Log1p(-math.Exp(p))
	}
	if p > -0.5 {
		p = math.Log1p(-math.Exp(q))
	}
	return q, p
}

func bigLn(x *big.Float) float64 {
	if x.Sign() <= 0 {
		return math.Inf(-1)
	}
	mant := new(big.Float)
	exp := x.MantExp(mant)
	f, _ := mant.Float64()
	return math.Log(f) + float64(exp)*math.Ln2
}

func TestChi2Tails(t *testing.T) {
	for _, n := range []int{1, 2, 10, 75, 150} {
		for _, m := range []float64{0.001, 0.5, 1, 5, 9.9, 10, 74, 75, 76, 150, 400, 1100} {
			q, p := chi2Tails(m, n)
			wantQ, wantP := bigTail(m, n)
			if !near(q, wantQ) || !near(p, wantP) {
				t.Errorf("chi2Tails(%v, %d) = %v, %v; want %v, %v", m, n, q, p, wantQ, wantP)
			}
		}
	}
	if q, p := chi2Tails(0, 5); q != 0 || !math.IsInf(p, -1) {
		t.Errorf("chi2Tails(0, 5) = %v, %v", q, p)
	}
}

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-10*math.Max(math.Abs(a), math.Abs(b)) || math.Abs(a-b) < 1e-300
}

func TestExactFunctions(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	ulps := func(a, b float64) float64 { return math.Abs(a-b) / math.Max(math.Abs(b)*0x1p-52, 5e-324) }
	for range 100_000 {
		x := math.Exp(max(r.NormFloat64()*200, -700))
		if d := ulps(ln(x), math.Log(x)); d > 2 {
			t.Fatalf("ln(%v) = %v, want %v", x, ln(x), math.Log(x))
		}
		y := r.NormFloat64() * 100
		if d := ulps(exp(y), math.Exp(y)); d > 2 && math.Exp(y) > 1e-300 {
			t.Fatalf("exp(%v) = %v, want %v", y, exp(y), math.Exp(y))
		}
		z := r.NormFloat64() * math.Exp(-30*r.Float64())
		if d := ulps(expm1(z), math.Expm1(z)); d > 6 {
			t.Fatalf("expm1(%v) = %v, want %v", z, expm1(z), math.Expm1(z))
		}
		if z > -1 && ulps(ln1p(z), math.Log1p(z)) > 6 {
			t.Fatalf("ln1p(%v) = %v, want %v", z, ln1p(z), math.Log1p(z))
		}
	}
	for _, x := range []float64{-745.2, -1000, math.Inf(-1)} {
		if exp(x) != 0 {
			t.Errorf("exp(%v) = %v", x, exp(x))
		}
	}
	if !math.IsInf(ln(0), -1) {
		t.Error("ln(0) is not -Inf")
	}
}

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
			p := sigma(squeeze(z))
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
