// Package feature has the features of one message: what was seen in it, each as a stable
// 64-bit hash of its kind and its word. A Set holds them once each, in the order of their
// hashes, and, where somebody asks why a message has its score, what they stand for.
package feature

import "slices"

// Set is the distinct features of a message, in open addressing over a power of
// two of slots. The top bits of a feature are its slot and nothing wraps around:
// read from the first slot to the last, the set is all but sorted. Half of the
// slots again lie behind the power of two for what collides at its end.
type Set struct {
	slots []uint64 // 0: empty
	other []uint64 // room to grow into
	list  []uint64 // what Drain returned

	// For each slot where its feature stands, everywhere, and for each feature of list
	// whether that is behind the beginning, 0 or 1.
	places, otherPlaces []Place
	placeNow            Place // of what is added now
	behind              []uint8

	power uint8 // the power of two
	n     int   // features held
	room  int   // how many may be held without a look at max and slots
	max   int
	field Kind   // what FieldKind returned
	texts *texts // recorded only for explanations
}

// setMin is the power of two of slots that a set begins with, setKept the one up
// to which it keeps its memory from one message to the next.
const (
	setMin  = 10
	setKept = 14
)

// slotsFor is how many slots go with a power of two.
func slotsFor(power uint8) int { return 3 << power / 2 }

// Reset empties the set, which may then hold max features.
func (s *Set) Reset(max int) {
	if s.n > 0 { // the message was given up before its end
		clear(s.slots)
		clear(s.places)
		s.n = 0
	}
	if len(s.slots) == 0 || len(s.slots) > slotsFor(setKept) {
		n := slotsFor(setMin)
		s.slots, s.other, s.places, s.otherPlaces = make([]uint64, n), nil, make([]Place, n), nil
	}
	s.max, s.placeNow = max, Beginning
	s.resize(s.slots, s.places, setMin)
	if s.texts != nil {
		s.texts.reset()
	}
}

// resize takes the slots for a power of two from those given.
func (s *Set) resize(slots []uint64, places []Place, power uint8) {
	s.slots, s.places, s.power = slots[:slotsFor(power)], places[:slotsFor(power)], power
	s.room = min(s.max, 1<<power/2)
}

// insert reports whether h is new. A set that is full takes no more.
func (s *Set) insert(h uint64) bool {
	if h == 0 {
		h = 1 // 0 marks an empty slot
	}
	slots := s.slots
	i := s.first(h)
	var held uint64 // all ones where the slot is taken
	// Whether a feature is new cannot be predicted, but that its first slot is
	// free or its own can: so this is one branch, and counting has none.
	for {
		was := slots[i]
		held = -((was | -was) >> 63)
		if (was^h)&held == 0 {
			break
		}
		i++
	}
	isNew := held == 0
	if s.n >= s.room && isNew {
		return s.addToFull(h)
	}
	slots[i] = h
	s.places[i] = (s.places[i] | Place(^held)) & s.placeNow
	s.n += int(held + 1)
	return isNew
}

// first is the slot where a feature belongs.
func (s *Set) first(h uint64) uint64 { return h >> ((64 - s.power) & 63) }

// addToFull adds a new feature for which there is room only in more slots, if at all.
func (s *Set) addToFull(h uint64) bool {
	if s.n >= s.max {
		return false
	}
	s.grow()
	return s.insert(h)
}

// grow moves the features to twice as many slots.
func (s *Set) grow() {
	if need := slotsFor(s.power + 1); cap(s.other) < need {
		s.other, s.otherPlaces = make([]uint64, need), make([]Place, need)
	}
	old, places := s.slots, s.places
	s.resize(s.other, s.otherPlaces, s.power+1)
	s.other, s.otherPlaces = old[:0], places[:0]
	for was, h := range old {
		if h == 0 {
			continue
		}
		i := s.first(h)
		for s.slots[i] != 0 {
			i++
		}
		s.slots[i], s.places[i] = h, places[was]
	}
	clear(old)
	clear(places)
}

// Drain empties the set and returns its features in ascending order, and for each of
// them whether it stands behind the beginning only, 0 or 1; valid until the next call. Hidden
// tells whether what is Unshown stands behind too.
// Only features that collided stand in the wrong order at first, and they are neighbours.
func (s *Set) Drain(hidden bool) (list []uint64, behind []uint8) {
	list, behind = slices.Grow(s.list[:0], s.n)[:s.n], slices.Grow(s.behind[:0], s.n)[:s.n]
	n, bit := 0, 1
	if hidden {
		bit = 0
	}
	for i, h := range s.slots {
		if n >= len(list) {
			break
		}
		list[n], behind[n] = h, uint8(s.places[i]>>bit&1)
		if h != 0 { // no branch in machine code: which slots are taken is not to be predicted
			n++
		}
	}
	clear(s.slots)
	clear(s.places)
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j-1] > list[j]; j-- {
			list[j-1], list[j] = list[j], list[j-1]
			behind[j-1], behind[j] = behind[j], behind[j-1]
		}
	}
	s.list, s.behind, s.n = list, behind, 0
	return list, behind
}

// Add adds one feature: a kind and its word.
func (s *Set) Add(k *Kind, w []byte) {
	h := k.Hash(w)
	if isNew := s.insert(h); s.texts != nil && isNew {
		s.texts.add(h, k, w)
	}
}

// Place is where a feature stands. Of one that stands in several all bits that they share.
type Place uint8

// Places. What is Unshown belongs to the beginning, unless something else is shown in its
// place.
const (
	Beginning Place = 0
	Unshown   Place = 1
	Behind    Place = 3
)

// At says where features that come next stand. After Reset it is the beginning.
func (s *Set) At(p Place) { s.placeNow = p }

// AddString is Add for a word of ours.
func (s *Set) AddString(k *Kind, w string) { s.Add(k, []byte(w)) }

// FieldKind is OfField in memory of the set: good until the next call.
func (s *Set) FieldKind(name []byte) *Kind {
	s.field = OfField(name)
	return &s.field
}
