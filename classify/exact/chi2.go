package exact

import "math"

// Chi2Tails returns ln Q and ln(1-Q) for Q the chance that a chi-squared
// variable with 2n degrees of freedom exceeds 2m: the Poisson sum
// e^-m (1 + m + m^2/2! + ... + m^(n-1)/(n-1)!), summed from the side that
// keeps its digits (Abramowitz and Stegun 26.4.21).
func Chi2Tails(m float64, n int) (lnQ, lnP float64) {
	if n == 0 || m <= 0 {
		return 0, math.Inf(-1)
	}
	if m < float64(n) {
		lnP = min(upperSum(m, n), 0)
		return log1mExp(lnP), lnP
	}
	lnQ = min(lowerSum(m, n), 0)
	return lnQ, log1mExp(lnQ)
}

// lowerSum is ln of e^-m times the first n terms, largest term first.
func lowerSum(m float64, n int) float64 {
	sum, term := 1.0, 1.0
	for i := n - 1; i > 0; i-- {
		term = float64(term * (float64(i) / m))
		sum += term
		if term < sum*1e-17 {
			break
		}
	}
	return poissonLog(m, n-1) + Ln(sum)
}

// upperSum is ln of e^-m times the terms from n on, largest term first.
func upperSum(m float64, n int) float64 {
	sum, term := 1.0, 1.0
	for i := n + 1; ; i++ {
		term = float64(term * (m / float64(i)))
		sum += term
		if term < sum*1e-17 {
			break
		}
	}
	return poissonLog(m, n) + Ln(sum)
}

// poissonLog is ln(e^-m m^k / k!).
func poissonLog(m float64, k int) float64 {
	return float64(float64(k)*Ln(m)) - m - lnFactorial(k)
}

// log1mExp is ln(1 - e^x) for x <= 0 (Maechler 2012).
func log1mExp(x float64) float64 {
	if x > -math.Ln2 {
		return Ln(-expm1(x))
	}
	return ln1p(-Exp(x))
}

// LogAdd is ln(e^a + e^b).
func LogAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + ln1p(Exp(b-a))
}

// lnFactorial is ln k!, from a table as far as that goes.
func lnFactorial(k int) float64 {
	last := len(lnFactorials) - 1
	sum := lnFactorials[min(k, last)]
	for i := last + 1; i <= k; i++ {
		sum += Ln(float64(i))
	}
	return sum
}

// lnFactorials is enough for the clues that are combined.
var lnFactorials = func() (t [152]float64) {
	for k := 2; k < len(t); k++ {
		t[k] = t[k-1] + Ln(float64(k))
	}
	return t
}()
