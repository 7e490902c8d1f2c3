package classify

// second is another reading of the counts: all features, none selected, each
// weighted by the confidence that its counts differ between the classes. It is
// the EDDC of OSBF-Lua (F. Assis, "OSBF-Lua, a text classification module for
// Lua", TREC 2006) without its training: sure of itself early, where the first
// reading is not. The value is the class's log-odds in its unit, decimal
// logarithms times 0.59.
func second(counts []Count, total Count) float64 {
	ns, nh := float64(max(total.Spam, 1)), float64(max(total.Ham, 1))
	all := float64(total.Spam) + float64(total.Ham)
	trust := min(1, 0.8+all/20)
	spamUp, hamUp := max(1, nh/ns), max(1, ns/nh)
	spam, ham := product{m: ns / (ns + nh)}, product{m: nh / (ns + nh)}
	for _, c := range counts {
		if c.Ham|c.Spam == 0 {
			continue
		}
		s, h := float64(c.Spam), float64(c.Ham)
		ps, ph := min(1, s/ns), min(1, h/nh)
		if d := ps - ph; d < 1e-6 && d > -1e-6 {
			continue
		}
		sum := s + h
		s, h = float64(s*spamUp), float64(h*hamUp)
		q := (float64((s-h)*(s-h)) - 0.1/sum) / float64((s+h)*(s+h))
		if q <= 0 {
			continue
		}
		cf := float64(trust * float64(q*q))
		spam.times(0.5 + float64(cf*(ps-0.5)))
		ham.times(0.5 + float64(cf*(ph-0.5)))
	}
	const scale = 0.59 / 2.302585092994046
	return float64(scale * (spam.ln() - ham.ln()))
}
