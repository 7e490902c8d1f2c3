package feature

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A set gives what was put into it, once and in order, and where it stood, over many messages of all sizes,
// and no more than it may hold.
func TestSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var s Set
	for range 100 {
		most := 1 + rng.IntN(30_000)
		s.Reset(most)
		want, places := map[uint64]bool{}, map[uint64]Place{}
		for range rng.IntN(20_000) {
			h := rng.Uint64() >> rng.IntN(3) // some collide at the low end
			if rng.IntN(200) == 0 {
				h |= 0xffff << 48 // and some at the high one
			}
			if h == 0 {
				continue
			}
			place := []Place{Beginning, Unshown, Behind, Behind}[rng.IntN(4)]
			s.At(place)
			isNew := s.insert(h)
			if isNew != (!want[h] && len(want) < most) {
				t.Fatalf("%x is new: %v, with %d of %d held", h, isNew, len(want), most)
			}
			if isNew {
				want[h], places[h] = true, place
			}
			places[h] &= place
		}
		hidden := rng.IntN(2) == 0
		got, behind := s.Drain(hidden)
		if len(got) != len(want) || !slices.IsSorted(got) {
			t.Fatalf("%d features, want %d, in order: %v", len(got), len(want), slices.IsSorted(got))
		}
		for i, h := range got {
			if want := places[h] == Behind || hidden && places[h] == Unshown; (behind[i] == 1) != want || behind[i] > 1 {
				t.Fatalf("%x stands behind: %d, want %v", h, behind[i], want)
			}
			if !want[h] {
				t.Fatalf("%x was never added", h)
			}
		}
	}
}

func TestResetForgets(t *testing.T) {
	var s Set
	s.Reset(100)
	s.insert(7)
	s.Reset(100)
	if got, _ := s.Drain(false); len(got) != 0 {
		t.Errorf("%d features of a message that was given up", len(got))
	}
}

func TestTexts(t *testing.T) {
	var s Set
	subject := NewKind("subject", "subject: ")
	s.Record()
	s.Reset(100)
	s.From("header field ", []byte("subject"))
	s.AddString(subject, "offer")
	s.FromText("text/plain")
	s.AddString(subject, "offer")
	s.Add(s.FieldKind([]byte("x-one")), []byte("word"))
	for h, want := range map[uint64][2]string{
		subject.Hash([]byte("offer")): {"subject: offer", "header field subject"},
		func() uint64 { k := OfField([]byte("x-one")); return k.Hash([]byte("word")) }(): {"x-one: word", "text part 1 (text/plain)"},
		12345: {},
	} {
		if text, place := s.Text(h); text != want[0] || place != want[1] {
			t.Errorf("%q at %q, want %q", text, place, want)
		}
	}
}
