package cull

// Shape of a sketch: 16 bands of 8 minima of 8 bits. Two messages with likeness J
// share a band with probability 1-(1-J^8)^16: 0.9999 at 0.9, 0.947 at 0.8, 0.06 at 0.5.
const (
	bands  = 16
	rows   = 8
	minima = bands * rows
)

// sketch stands for a set of features. A band is one word of eight minima.
type sketch [bands]uint64

// newSketch deals the features out to 128 bins by their hashes and keeps of each
// bin the least. A bin that got none takes the minimum of another one, which its
// own sequence of guesses chooses, the same for every set (optimal densification).
func newSketch(features []uint64) sketch {
	var s sketch
	if len(features) == 0 {
		return s
	}
	var least [minima]uint64 // 0: the bin is empty
	for _, f := range features {
		h := mix(f)
		bin, rest := h%minima, h/minima+1
		if least[bin] == 0 || rest < least[bin] {
			least[bin] = rest
		}
	}
	for bin := range uint64(minima) {
		from := bin
		for try := uint64(1); least[from] == 0; try++ {
			from = mix(bin<<32|try) % minima
		}
		s[bin/rows] |= (least[from] & 0xff) << (bin % rows * 8)
	}
	return s
}

// mix is the finalizer of MurmurHash3.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// likeness estimates the likeness of the sets behind two sketches. Of minima that
// differ, one in 256 is the same in its 8 bits, which is reckoned with. The
// standard error is 0.027 at 0.9.
func (s *sketch) likeness(t *sketch) float64 {
	same := 0
	for i := range s {
		for x, n := s[i]^t[i], 0; n < rows; x, n = x>>8, n+1 {
			if x&0xff == 0 {
				same++
			}
		}
	}
	const chance = 1.0 / 256
	return max((float64(same)/minima-chance)/(1-chance), 0)
}

// Likeness estimates how much two entries are alike, from 0 to 1.
func (s *Survey) Likeness(i, j int) float64 { return s.sketches[i].likeness(&s.sketches[j]) }
