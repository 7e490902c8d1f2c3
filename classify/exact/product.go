package exact

import "math"

// Product is m * 2^e: a product of many numbers of 0 to 1, of which the logarithm is
// wanted. It stands in for a sum of logarithms, and is rescaled before it leaves the
// range of float64.
type Product struct {
	m float64
	e int
}

// One is the empty product.
func One() Product { return Product{m: 1} }

// Times multiplies the product by x, more than 0 and at most 1.
func (p *Product) Times(x float64) {
	if p.m *= x; p.m < 1e-200 {
		p.rescale()
	}
}

func (p *Product) rescale() {
	f, e := math.Frexp(p.m)
	p.m, p.e = f, p.e+e
}

// Ln is the natural logarithm of the product.
func (p *Product) Ln() float64 { return Ln(p.m) + float64(float64(p.e)*math.Ln2) }
