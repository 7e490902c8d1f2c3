package classify

import (
	"math"
	"testing"
)

// weights is a model of the linear part alone.
type weights struct {
	Untrained
	w map[uint32]int64
}

func (m weights) Weigh(grams []uint32) (sum int64) {
	for _, g := range grams {
		sum += m.w[g]
	}
	return sum
}

func (m weights) add(grams []uint32, step int64) {
	for _, g := range grams {
		m.w[g] += step
	}
}

// One step puts a message on its side by the margin, unless that takes more
// than maxTau; then nothing more is to be learned of it.
func TestStepReachesTheMargin(t *testing.T) {
	grams := make([]uint32, 1400)
	for i := range grams {
		grams[i] = uint32(i)
	}
	var sc Scorer
	for _, spam := range []bool{true, false} {
		m := weights{w: map[uint32]int64{}}
		y := float64(2*b2i(spam) - 1)
		before := sc.Score(nil, grams, m)
		m.add(grams, Step(spam, before, len(grams), 0))
		after := sc.Score(nil, grams, m)
		if math.Abs(y*after.L-1) > 1e-4 {
			t.Errorf("spam=%v: opinion %v after one step", spam, after.L)
		}
		m.add(grams, Step(!spam, after, len(grams), 0)) // a flip needs 2, which is allowed
		if l := sc.Score(nil, grams, m).L; math.Abs(y*l+1) > 1e-3 {
			t.Errorf("spam=%v: opinion %v after the opposite step", spam, l)
		}
		if s := Step(spam, Score{L: -5 * y}, len(grams), 0); math.Abs(float64(s))*math.Sqrt(1400)/unitStep > maxTau+1e-3 {
			t.Errorf("step %d is beyond the bound", s)
		}
		if s := Step(spam, Score{L: 1.0001 * y}, len(grams), 0); s != 0 {
			t.Errorf("step %d though the margin is kept", s)
		}
	}
}

func TestStepIsDampedByDoubt(t *testing.T) {
	whole, half, none := Step(true, Score{}, 100, 0), Step(true, Score{}, 100, 0.5), Step(true, Score{}, 100, 1)
	if !(whole > half && half > none && none > 0) {
		t.Errorf("steps %d, %d, %d with growing doubt", whole, half, none)
	}
	if r := float64(none) / float64(whole); math.Abs(r-(1-damping)) > 1e-3 {
		t.Errorf("a certain slip still steps by %v of the whole", r)
	}
}

func TestStepOfNothing(t *testing.T) {
	if s := Step(true, Score{}, 0, 0); s != 0 {
		t.Errorf("step %d of a message without grams", s)
	}
	if l := linear(0, 0); l != 0 {
		t.Errorf("opinion %v of a message without grams", l)
	}
	// The largest step there is fits the ledger's int32.
	if s := Step(true, Score{L: -100}, 1, 0); s > math.MaxInt32 {
		t.Errorf("step %d", s)
	}
}
