package exact

import (
	"math"
	"math/big"
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
	for _, n := range []int{1, 2, 10, 75, 150, 300} {
		for _, m := range []float64{0.001, 0.5, 1, 5, 9.9, 10, 74, 75, 76, 150, 299, 301, 400, 1100} {
			q, p := Chi2Tails(m, n)
			wantQ, wantP := bigTail(m, n)
			if !near(q, wantQ) || !near(p, wantP) {
				t.Errorf("Chi2Tails(%v, %d) = %v, %v; want %v, %v", m, n, q, p, wantQ, wantP)
			}
		}
	}
	if q, p := Chi2Tails(0, 5); q != 0 || !math.IsInf(p, -1) {
		t.Errorf("Chi2Tails(0, 5) = %v, %v", q, p)
	}
}

func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-10*math.Max(math.Abs(a), math.Abs(b)) || math.Abs(a-b) < 1e-300
}
