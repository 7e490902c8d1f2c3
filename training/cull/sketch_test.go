package cull

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// pair returns two sets of random features, n in all, with the given likeness.
func pair(r *rand.Rand, n int, likeness float64) (a, b []uint64) {
	both := int(math.Round(float64(n) * likeness))
	for i := range n {
		f := r.Uint64()
		if i < both || i%2 == 0 {
			a = append(a, f)
		}
		if i < both || i%2 == 1 {
			b = append(b, f)
		}
	}
	return a, b
}

// TestLikeness holds the estimate to its theory: no bias, and a standard error of
// sqrt(J(1-J)/128), or as much more as small sets cost that leave bins empty.
func TestLikeness(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const runs = 1000
	for _, n := range []int{20, 100, 1000, 5000} {
		for _, want := range []float64{0, 0.5, 0.8, 0.9, 1} {
			var sum, squares float64
			for range runs {
				a, b := pair(r, n, want)
				x, y := newSketch(a), newSketch(b)
				e := x.likeness(&y) - want
				sum += e
				squares += e * e
			}
			bias, spread := sum/runs, math.Sqrt(squares/runs)
			theory := math.Sqrt(want * (1 - want) / minima)
			if math.Abs(bias) > 0.005 || spread > 1.6*theory+0.01 {
				t.Errorf("%d features, likeness %g: bias %.4f, error %.4f, in theory %.4f", n, want, bias, spread, theory)
			}
		}
	}
}

func TestSketchOfNothing(t *testing.T) {
	empty, some := newSketch(nil), newSketch([]uint64{1})
	if l := empty.likeness(&empty); l != 1 {
		t.Errorf("two empty messages are %g alike", l)
	}
	if l := empty.likeness(&some); l > 0.1 {
		t.Errorf("an empty one and another are %g alike", l)
	}
}

func surveyOf(sets [][]uint64) *Survey {
	s := new(Survey)
	for i, set := range sets {
		s.Entries = append(s.Entries, Entry{First: i})
		s.sketches = append(s.sketches, newSketch(set))
	}
	return s
}

// Each message is as near to the first of its group as was asked for, and the
// first is its own first, however a chain of small changes drifts. Among the firsts
// alone nothing more is found.
func TestGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var sets [][]uint64
		for range rapid.IntRange(0, 60).Draw(t, "messages") {
			set, _ := pair(r, 200, 1)
			if len(sets) > 0 && rapid.Bool().Draw(t, "drifts") {
				copy(set, sets[r.IntN(len(sets))])
				for range rapid.IntRange(0, 20).Draw(t, "changes") {
					set[r.IntN(len(set))] = r.Uint64()
				}
			}
			sets = append(sets, set)
		}
		s := surveyOf(sets)
		s.group(DefaultNear)
		for i, e := range s.Entries {
			if e.First > i || s.Entries[e.First].First != e.First {
				t.Fatalf("entry %d: first is %d, whose first is %d", i, e.First, s.Entries[e.First].First)
			}
			if l := s.Likeness(i, e.First); l < DefaultNear {
				t.Fatalf("entry %d is %g like the first of its group", i, l)
			}
		}
		var firsts [][]uint64
		for i, first := range s.Firsts() {
			if first {
				firsts = append(firsts, sets[i])
			}
		}
		again := surveyOf(firsts)
		if again.group(DefaultNear); again.Firsts().Len() != len(firsts) {
			t.Fatalf("of %d firsts only %d are left the next time", len(firsts), again.Firsts().Len())
		}
	})
}

// TestGroupFinds counts how many near-duplicates are found among others.
func TestGroupFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var sets [][]uint64
	const pairs = 2000
	for range pairs {
		a, b := pair(r, 300, 0.95)
		sets = append(sets, a, b)
	}
	s := surveyOf(sets)
	s.group(DefaultNear)
	found := 0
	for i, e := range s.Entries {
		switch {
		case e.First == i:
		case i%2 == 1 && e.First == i-1:
			found++
		default:
			t.Errorf("entry %d is said to be like %d", i, e.First)
		}
	}
	// 0.95 is 2.6 standard errors of 0.019 above 0.9: 99.5 % are to be found.
	if found < pairs*98/100 {
		t.Errorf("%d of %d pairs found", found, pairs)
	}
}

// Many that share a band by somebody's intention are compared with few, and are not
// taken for alike.
func TestGroupSharedBands(t *testing.T) {
	s := new(Survey)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 100_000 {
		sk := sketch{0: 7, 1: 7, 2: 7} // 24 of 128 minima are the same
		for b := 3; b < bands; b++ {
			sk[b] = r.Uint64()
		}
		s.sketches = append(s.sketches, sk)
		s.Entries = append(s.Entries, Entry{First: i})
	}
	s.group(DefaultNear) // without the bound: 30 billion comparisons
	for i, e := range s.Entries {
		if e.First != i {
			t.Fatalf("entry %d is said to be like %d", i, e.First)
		}
	}
}

func BenchmarkGroup(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	s := new(Survey)
	for range 100_000 {
		var sk sketch
		for band := range sk {
			sk[band] = r.Uint64()
		}
		s.sketches = append(s.sketches, sk)
		s.Entries = append(s.Entries, Entry{First: len(s.Entries)})
	}
	for b.Loop() {
		s.group(DefaultNear) // each is found to be a first again
	}
}

func BenchmarkSketch(b *testing.B) {
	set, _ := pair(rand.New(rand.NewPCG(9, 10)), 300, 1)
	b.ReportAllocs()
	for b.Loop() {
		newSketch(set)
	}
}
