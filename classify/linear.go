package classify

import (
	"math"

	"fanmill/classify/grams"
)

// The linear opinion is a passive-aggressive classifier (PA-I; Crammer et al.,
// "Online Passive-Aggressive Algorithms", JMLR 2006): a message that is not on
// its side by a margin of 1 moves the weight of each of its buckets by the same
// step, just enough to put it there, but at most maxTau. Weights and steps are
// integers, and the step is stored with the message, so that learning, flipping
// and forgetting are additions that commute.
const (
	maxTau   = 2
	unitStep = 1 << 20 // fixed point: 20 binary digits after the point
	damping  = 0.9     // share of a step that goes with the chance of a slip
)

// Buckets is how many weights the linear opinion has.
const Buckets = grams.Buckets

// Doubtful is the chance from which on a label is taken for a slip.
const Doubtful = 0.5

// linear is the opinion of a sum of weights over n buckets: each bucket has the
// value 1/sqrt(n).
func linear(sum int64, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(sum) / unitStep / math.Sqrt(float64(n))
}

// Step returns what to add to the weight of each of a message's n buckets so as
// to learn its class: 0 when its opinion before training is on the right side by the
// margin. slip is the chance that the label is wrong; it damps the step.
func Step(spam bool, before Score, n int, slip float64) int64 {
	y := 1.0
	if !spam {
		y = -1
	}
	loss := 1 - float64(y*before.L)
	if loss <= 0 || n == 0 {
		return 0
	}
	tau := float64(min(maxTau, loss) * (1 - float64(damping*slip)))
	return int64(math.Round(float64(y*tau) * unitStep / math.Sqrt(float64(n))))
}
