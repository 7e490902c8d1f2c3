// Package exact holds the functions that scores are made of. They give the same bits
// on every machine. The standard library's do not: its assembly and the compiler
// (GOAMD64=v3, arm64) fuse products with sums where the processor can. Here every
// product that enters a sum is rounded by a conversion, which the language forbids to
// fuse. Logarithm and exponential follow FreeBSD's msun (e_log.c, e_exp.c; error below
// one ulp).
package exact

import "math"

const (
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
	log2E = 1.44269504088896338700e+00
)

// Ln is the natural logarithm; x is finite and not negative.
func Ln(x float64) float64 {
	if x == 0 {
		return math.Inf(-1)
	}
	f, e := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f, e = f*2, e-1
	}
	f--
	k := float64(e)
	s := f / (2 + f)
	z := float64(s * s)
	w := float64(z * z)
	t1 := float64(z * poly(w, 6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01))
	t2 := float64(w * poly(w, 3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01, 0))
	half := float64(float64(0.5*f) * f)
	r := half + (t1 + t2)
	return float64(k*ln2Hi) - ((half - (float64(s*r) + float64(k*ln2Lo))) - f)
}

// Exp is e to the x; below -745 it is 0, x is at most 700.
func Exp(x float64) float64 {
	if x < -745 {
		return 0
	}
	k := math.Floor(float64(log2E*x) + 0.5)
	hi := x - float64(k*ln2Hi)
	lo := float64(k * ln2Lo)
	r := hi - lo
	t := float64(r * r)
	p := poly(t, 1.66666666666666657415e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
		poly(t, -1.65339022054652515390e-06, 4.13813679705723846039e-08, 0, 0))
	c := r - float64(t*p)
	y := 1 - ((lo - float64(r*c)/(2-c)) - hi)
	if k > -1000 { // so that it is math.Ldexp, which sees to all numbers: y is near 1
		return math.Float64frombits(math.Float64bits(y) + uint64(int64(k))<<52)
	}
	return math.Ldexp(y, int(k))
}

// poly is a + x(b + x(c + x d)).
func poly(x, a, b, c, d float64) float64 {
	return a + float64(x*(b+float64(x*(c+float64(x*d)))))
}

// ln1p is ln(1+x) and expm1 is e^x - 1, exact near 0 (W. Kahan's corrections).
func ln1p(x float64) float64 {
	u := 1 + x
	if u == 1 {
		return x
	}
	return float64(Ln(u)*x) / (u - 1)
}

func expm1(x float64) float64 {
	u := Exp(x)
	if u == 1 {
		return x
	}
	if d := u - 1; d > -1 {
		return float64(d*x) / Ln(u)
	}
	return -1
}

// Sigma is the logistic function, 1/(1+e^-x). It has no branch on the sign.
func Sigma(x float64) float64 {
	e := Exp(-math.Abs(x))
	negative := uint64(int64(math.Float64bits(x)) >> 63)
	above := math.Float64frombits(math.Float64bits(e)&negative | math.Float64bits(1)&^negative) // e below 0, else 1
	return above / (1 + e)
}

// Asinh is linear near 0 and logarithmic far out. Its argument is cut to 1e9, to
// either side.
func Asinh(x float64) float64 {
	if x < 0 {
		return -Asinh(-x)
	}
	x = min(x, 1e9)
	return Ln(x + math.Sqrt(float64(x*x)+1))
}
