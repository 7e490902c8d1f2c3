package exact

import (
	"math"
	"math/rand"
	"testing"
)

func TestExactFunctions(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	ulps := func(a, b float64) float64 { return math.Abs(a-b) / math.Max(math.Abs(b)*0x1p-52, 5e-324) }
	for range 100_000 {
		x := math.Exp(max(r.NormFloat64()*200, -700))
		if d := ulps(Ln(x), math.Log(x)); d > 2 {
			t.Fatalf("Ln(%v) = %v, want %v", x, Ln(x), math.Log(x))
		}
		y := r.NormFloat64() * 100
		if d := ulps(Exp(y), math.Exp(y)); d > 2 && math.Exp(y) > 1e-300 {
			t.Fatalf("Exp(%v) = %v, want %v", y, Exp(y), math.Exp(y))
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
		if Exp(x) != 0 {
			t.Errorf("Exp(%v) = %v", x, Exp(x))
		}
	}
	if !math.IsInf(Ln(0), -1) {
		t.Error("Ln(0) is not -Inf")
	}
}
