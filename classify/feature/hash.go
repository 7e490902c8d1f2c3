package feature

import (
	"encoding/binary"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// The primes of xxHash.
const (
	prime1 uint64 = 0x9e3779b185ebca87
	prime2 uint64 = 0xc2b2ae3d27d4eb4f
	prime3 uint64 = 0x165667b19e3779f9
	prime4 uint64 = 0x85ebca77c2b2ae63
	prime5 uint64 = 0x27d4eb2f165667c5
)

// sum64 is xxhash.Sum64 (XXH64, seed 0; the names are those of its specification), for
// words: the library takes the last bytes one by one, as many as there are, which no
// processor can predict. Here each of these steps is taken and then kept or not. So it
// reads eight bytes where the word has fewer left, and uses none that are behind it.
func sum64(word []byte) uint64 {
	n, b := len(word), word[:cap(word)]
	if n >= 32 || len(b) < n&^7+8 {
		return xxhash.Sum64(word)
	}
	h := prime5 + uint64(n)
	for ; n >= 8; n -= 8 {
		h ^= bits.RotateLeft64(binary.LittleEndian.Uint64(b)*prime2, 31) * prime1
		h = bits.RotateLeft64(h, 27)*prime1 + prime4
		b = b[8:]
	}
	rest := binary.LittleEndian.Uint64(b)
	if four := bits.RotateLeft64(h^rest&0xffffffff*prime1, 23)*prime2 + prime3; n >= 4 {
		h = four
	}
	if n >= 4 {
		rest >>= 32
	}
	n &= 3
	if one := bits.RotateLeft64(h^rest&0xff*prime5, 11) * prime1; n > 0 {
		h = one
	}
	if two := bits.RotateLeft64(h^rest>>8&0xff*prime5, 11) * prime1; n > 1 {
		h = two
	}
	if three := bits.RotateLeft64(h^rest>>16&0xff*prime5, 11) * prime1; n > 2 {
		h = three
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}
