package classify

import (
	"math"

	"fanmill/classify/exact"
)

// FitWindow is how many labels, the newest, a Fit is made from.
const FitWindow = 5000

// Label is one labelled message as the calibrator sees it: what the opinions
// were before it was learned.
type Label struct {
	C, E, L float64
	Spam    bool
	Sure    bool // a person has repeated or insisted on it: it is no slip
}

// Fit joins the opinions into one score: logistic regression on the squashed
// opinions, with a share of wrong labels per class estimated along by
// expectation and maximisation. A label is spam with chance (1-SpamSlip) p +
// HamSlip (1-p), where p is the score, so a wrong label need not be explained
// by the opinions.
type Fit struct {
	WC, WL, WE, Bias float64
	HamSlip          float64 // share of ham that is labelled spam
	SpamSlip         float64 // share of spam that is labelled ham
	Labels           int     // fitted from so many; 0: the prior
}

// Priors of a Fit: Gaussian with mean and precision for each weight. The linear
// part is slow to learn, and the counts speak first; the weights were measured
// (docs/accuracy.md).
var (
	priorMean      = [4]float64{1.5, 2, 0.5, 0}
	priorPrecision = [4]float64{32, 32, 32, 1}
)

const (
	minWeight  = 0.02
	fitSteps   = 15
	fitStop    = 1e-4
	slipBegin  = 0.02
	slipBefore = 0.002
	// The reported score never leaves floor to 1-floor, however sure the
	// opinions are: see report.
	floor = 0.003
)

// PriorFit is the calibrator before there are labels.
func PriorFit() Fit {
	return Fit{WC: priorMean[0], WL: priorMean[1], WE: priorMean[2], Bias: priorMean[3], HamSlip: slipBefore, SpamSlip: slipBefore}
}

// FitLabels returns how many of a scope's first n labels, in the order of the
// ledger, go into its Fit (the newest FitWindow of these are read): up to the
// last multiple of 20, from 200 on of 100, from 1000 on of 250. So a fit follows
// from the ledger alone, and is made seldom.
func FitLabels(n int) int {
	switch {
	case n < 200:
		return n - n%20
	case n < 1000:
		return n - n%100
	}
	return n - n%250
}

// slipRight is how many right labels of a class the prior of its share of wrong
// ones stands for, to one wrong. A young model must not call labels wrong: it is
// more often wrong itself. Later the labels say how many are (5 % of wrong
// labels: 1-ROCA 0.126 % instead of 0.134 % with 150 throughout).
func slipRight(labels int) float64 {
	return min(100, max(20, 30_000/float64(labels)))
}

// point is a label's opinions, squashed to comparable sizes, and the constant.
type point [4]float64

func squash(c, l, e float64) point {
	return point{exact.Asinh(c / 20), exact.Asinh(l / 0.7), exact.Asinh(e / 0.15), 1}
}

// LogOdds joins three opinions.
func (f Fit) LogOdds(c, e, l float64) float64 {
	return f.weights().dot(squash(c, l, e))
}

// shares are what each of three opinions brings to their log-odds, and the bias.
func (f Fit) shares(c, e, l float64) point {
	w, x := f.weights(), squash(c, l, e)
	for i := range x {
		x[i] = float64(x[i] * w[i])
	}
	return x
}

func (f Fit) weights() point { return point{f.WC, f.WL, f.WE, f.Bias} }

func (a point) dot(b point) float64 {
	return float64(a[0]*b[0]) + float64(a[1]*b[1]) + float64(a[2]*b[2]) + float64(a[3]*b[3])
}

// Slip is the chance that a label is wrong, for a message with these log-odds.
func (f Fit) Slip(spam bool, logOdds float64) float64 {
	return slip(spam, exact.Sigma(logOdds), f.HamSlip, f.SpamSlip)
}

func slip(spam bool, p, hamSlip, spamSlip float64) float64 {
	wrong, right := float64(hamSlip*(1-p)), float64((1-spamSlip)*p)
	if !spam {
		wrong, right = float64(spamSlip*p), float64((1-hamSlip)*(1-p))
	}
	return wrong / (wrong + right)
}

// Calibrate fits labels, starting from the prior, so that the same labels give
// the same bits wherever and whenever it runs. With fewer than five labels of a
// class the prior stands.
func Calibrate(labels []Label) Fit {
	spam := 0
	points := make([]point, len(labels))
	for i, l := range labels {
		points[i] = squash(l.C, l.L, l.E)
		if l.Spam {
			spam++
		}
	}
	if min(spam, len(labels)-spam) < 5 {
		return PriorFit()
	}
	w, a, b := point(priorMean), slipBegin, slipBegin
	for range fitSteps {
		var step float64
		w, a, b, step = improve(w, a, b, labels, points)
		if step < fitStop {
			break
		}
	}
	return Fit{WC: w[0], WL: w[1], WE: w[2], Bias: w[3], HamSlip: a, SpamSlip: b, Labels: len(labels)}
}

// improve is one step of expectation (how likely is each label a slip) and of
// Newton's method. It returns the largest change of a weight.
func improve(w point, a, b float64, labels []Label, points []point) (next point, hamSlip, spamSlip, step float64) {
	slips, rights := [2]float64{b, a}, [2]float64{1 - a, 1 - b} // by label: wrongly given, and rightly
	var slipped [2]float64
	var trueSpam, trueHam float64
	var g0, g1, g2, g3, h00, h10, h11, h20, h21, h22, h30, h31, h32, h33 float64 // in registers, as no array would be
	for i, l := range labels {
		x := points[i]
		p := exact.Sigma(w.dot(x))
		c := 0
		if l.Spam {
			c = 1
		}
		// Which labels follow one another cannot be predicted: there is no branch on them.
		is := [2]float64{1 - p, p}
		wrong := float64(slips[c] * is[1-c])
		r := wrong / (wrong + float64(rights[c]*is[c]))
		if l.Sure {
			r = 0
		}
		slipped[c] += r
		target := [2]float64{r, 1 - r}[c]
		trueSpam += target
		trueHam += 1 - target
		off := target - p
		g0 += float64(off * x[0])
		g1 += float64(off * x[1])
		g2 += float64(off * x[2])
		g3 += float64(off * x[3])
		curve := max(float64(p*(1-p)), 1e-6)
		c0, c1, c2, c3 := float64(curve*x[0]), float64(curve*x[1]), float64(curve*x[2]), float64(curve*x[3])
		h00 += float64(c0 * x[0])
		h10 += float64(c1 * x[0])
		h11 += float64(c1 * x[1])
		h20 += float64(c2 * x[0])
		h21 += float64(c2 * x[1])
		h22 += float64(c2 * x[2])
		h30 += float64(c3 * x[0])
		h31 += float64(c3 * x[1])
		h32 += float64(c3 * x[2])
		h33 += float64(c3 * x[3])
	}
	gradient := point{g0, g1, g2, g3}
	hessian := [4][4]float64{{h00}, {h10, h11}, {h20, h21, h22}, {h30, h31, h32, h33}}
	next, step = newton(w, gradient, hessian)
	right := slipRight(len(labels))
	hamSlip = (slipped[1] + 1) / (trueHam + right)
	spamSlip = (slipped[0] + 1) / (trueSpam + right)
	return next, hamSlip, spamSlip, step
}

// newton is one step of Newton's method from w, by what the labels say and the priors. It
// returns the largest change of a weight.
func newton(w, gradient point, hessian [4][4]float64) (next point, step float64) {
	for j := range gradient {
		gradient[j] -= float64(priorPrecision[j] * (w[j] - priorMean[j]))
		hessian[j][j] += priorPrecision[j]
	}
	delta := solve(&hessian, gradient)
	for _, d := range delta {
		step = max(step, math.Abs(d))
	}
	scale := 1 / max(step, 1)
	for j := range w {
		next[j] = w[j] + float64(scale*delta[j])
		if j < 3 {
			next[j] = max(next[j], minWeight)
		}
	}
	return next, step
}

// solve returns x with h x = g, for a positive definite h of which the lower
// triangle is given (Cholesky decomposition, in place).
func solve(h *[4][4]float64, g point) point {
	for i := range 4 {
		for j := range i + 1 {
			sum := h[i][j]
			for k := range j {
				sum -= float64(h[i][k] * h[j][k])
			}
			if i == j {
				h[i][i] = math.Sqrt(sum)
			} else {
				h[i][j] = sum / h[j][j]
			}
		}
	}
	for i := range 4 {
		for k := range i {
			g[i] -= float64(h[i][k] * g[k])
		}
		g[i] /= h[i][i]
	}
	for i := 3; i >= 0; i-- {
		for k := i + 1; k < 4; k++ {
			g[i] -= float64(h[k][i] * g[k])
		}
		g[i] /= h[i][i]
	}
	return g
}

// report is the score of log-odds: their logistic, with a floor of doubt at both
// ends. It keeps the order. A score of 0.995 then needs log-odds of 6.2 instead of 5.3:
// on some thousand labels nothing rarer can be told from the odd message that
// all opinions get wrong.
func report(logOdds float64) float64 {
	return floor + float64((1-2*floor)*exact.Sigma(logOdds))
}
