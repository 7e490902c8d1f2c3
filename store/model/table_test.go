package model

import (
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
)

// TestTableIsAMap compares the table with a Go map over random additions and
// subtractions, on few features (so that counts go back to zero), on features that
// lie in one place, and on the ends of the range.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		feature := rapid.OneOf(
			rapid.Uint64Range(0, 40),
			rapid.Uint64Range(math.MaxUint64-5, math.MaxUint64),
			rapid.Map(rapid.Uint64Range(1, 2000), sameShard),
			rapid.Uint64(),
		)
		var tab table
		want := map[uint64]classify.Count{}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [3]uint64 {
			return [3]uint64{feature.Draw(t, "feature"), rapid.Uint64Range(0, 3).Draw(t, "ham"), rapid.Uint64Range(0, 1).Draw(t, "take")}
		}), 0, 600).Draw(t, "steps")
		for _, s := range steps {
			f, c := s[0], want[s[0]]
			if s[2] == 1 { // take all away
				tab.add(f, -c.Ham, -c.Spam)
				delete(want, f)
				continue
			}
			tab.add(f, uint32(s[1]), 1)
			want[f] = classify.Count{Ham: c.Ham + uint32(s[1]), Spam: c.Spam + 1}
		}
		got := map[uint64]classify.Count{}
		tab.each(func(f uint64, c classify.Count) {
			if _, twice := got[f]; twice {
				t.Fatalf("feature %x is there twice", f)
			}
			got[f] = c
		})
		if !maps.Equal(got, want) {
			t.Fatalf("table holds %v, want %v", got, want)
		}
		if tab.live != len(want) {
			t.Fatalf("live is %d, want %d", tab.live, len(want))
		}
		for _, s := range steps {
			if c := tab.get(s[0]); c != want[s[0]] {
				t.Fatalf("get(%x) = %v, want %v", s[0], c, want[s[0]])
			}
		}
		if c := tab.get(0x123456789); c != want[0x123456789] {
			t.Fatalf("a feature never added has %v", c)
		}
	})
}

// sameShard makes features whose spread value is small: all in the first places
// of the first shard.
func sameShard(n uint64) uint64 {
	inverse := uint64(1) // of spread modulo 2^64, by Newton's iteration
	for range 6 {
		inverse *= 2 - spread*inverse
	}
	return n * inverse
}

// TestForgottenFeaturesAreDropped: features that come and go must not make the
// tables grow.
func TestForgottenFeaturesAreDropped(t *testing.T) {
	var tab table
	for f := uint64(1); f < 500_000; f++ {
		tab.add(f, 1, 0)
		tab.add(f, ^uint32(0), 0)
	}
	slots := 0
	for i := range tab.shards {
		slots += len(tab.shards[i].slots)
	}
	if slots > 4*minSlots*shards || tab.live != 0 {
		t.Fatalf("%d slots and %d features are left of features that all went", slots, tab.live)
	}
}

func TestTableIsDense(t *testing.T) {
	var tab table
	for f := uint64(1); f <= 300_000; f++ {
		tab.add(f, 1, 0)
		if f < 100_000 || f%1000 != 0 {
			continue
		}
		slots := 0
		for i := range tab.shards {
			slots += len(tab.shards[i].slots)
		}
		if load := float64(f) / float64(slots); load < 0.6 {
			t.Fatalf("%d features take %d slots: load %.2f", f, slots, load)
		}
	}
}
