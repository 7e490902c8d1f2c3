package classify

import (
	"math"

	"fanmill/classify/exact"
)

// surest bounds the confidence of a feature: however often it was seen in one class
// only, its share of a sum stays finite.
const surest = 1 - 1e-9

// second is another reading of the counts: all features, none selected, each
// weighted by the confidence that its counts differ between the classes (EDDC of
// OSBF-Lua: F. Assis, "OSBF-Lua, a text classification module for Lua", TREC 2006,
// without its training). It is sure of itself early, where the first reading is not.
//
// The value is the sum of the features' log-odds over the square root of how many of
// them the model knows, as for the linear opinion: features of one message repeat each
// other, so what they say together grows slower than their number. Features that the
// model does not know dilute nothing, or made-up words would. How many messages of each
// class count is an accident of training, and no prior. (Figures in docs/accuracy.md.)
func second(counts []Count, total Count) float64 {
	ns, nh := float64(max(total.Spam, 1)), float64(max(total.Ham, 1))
	larger := max(ns, nh)
	spam, ham, known := exact.One(), exact.One(), 0
	for _, c := range counts {
		if c.Ham|c.Spam == 0 {
			continue
		}
		known++
		ps, ph := min(1, float64(c.Spam)/ns), min(1, float64(c.Ham)/nh)
		if math.Abs(ps-ph) < 1e-6 {
			continue
		}
		// Both counts as if the smaller class were as large as the other.
		s, h := float64(ps*larger), float64(ph*larger)
		q := (float64((s-h)*(s-h)) - 0.1/(float64(c.Spam)+float64(c.Ham))) / float64((s+h)*(s+h))
		if q <= 0 {
			continue
		}
		cf := min(float64(q*q), surest)
		spam.Times(0.5 + float64(cf*(ps-0.5)))
		ham.Times(0.5 + float64(cf*(ph-0.5)))
	}
	return (spam.Ln() - ham.Ln()) / math.Sqrt(float64(max(known, 1)))
}
