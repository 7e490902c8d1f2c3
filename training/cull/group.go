package cull

import "math/bits"

// maxHeads is how many entries are kept for one band, and so with how many an
// entry is compared in each. More are alike in a band by chance only, or because
// somebody wants to use up our time.
const maxHeads = 8

// group finds for each entry the first of its kind, in the order they were read:
// the one that is most like it among those that are first themselves, or else it is
// a first. So every entry is near to the first of its group, groups do not drift, and
// among firsts alone nothing more is found.
func (s *Survey) group(near float64) {
	x := newHeads(s.sketches)
	for i := range s.Entries {
		e := &s.Entries[i]
		if e.Same {
			e.First = s.Entries[e.First].First
			continue
		}
		if e.First = x.nearest(i, near); e.First == i {
			x.add(i)
		}
	}
}

// heads finds the firsts that share a band with an entry. It is a hash table with
// linear probing, with a slot of 4 bytes for each band of each first.
type heads struct {
	sketches []sketch
	slots    []uint32 // entry + 1; 0 is empty. At most half are taken.
}

func newHeads(sketches []sketch) *heads {
	return &heads{sketches, make([]uint32, 1<<bits.Len(uint(2*bands*len(sketches))))}
}

// each calls fn for the firsts that share a band with entry i, and returns a free
// slot, or none (-1) where there are enough.
func (x *heads) each(i, band int, fn func(first int)) (free int) {
	word, n := x.sketches[i][band], 0
	slot := int(mix(word+uint64(band)) % uint64(len(x.slots)))
	for ; x.slots[slot] != 0; slot = (slot + 1) % len(x.slots) {
		first := int(x.slots[slot] - 1)
		if x.sketches[first][band] != word {
			continue
		}
		fn(first)
		if n++; n == maxHeads {
			return -1
		}
	}
	return slot
}

// nearest returns the first that entry i is most like, or i.
func (x *heads) nearest(i int, near float64) int {
	best, most := i, 0.0
	for band := range bands {
		x.each(i, band, func(first int) {
			if l := x.sketches[i].likeness(&x.sketches[first]); l >= near && l > most {
				best, most = first, l
			}
		})
	}
	return best
}

func (x *heads) add(i int) {
	for band := range bands {
		if free := x.each(i, band, func(int) {}); free >= 0 {
			x.slots[free] = uint32(i + 1)
		}
	}
}
