package feature

import (
	"math/rand/v2"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// TestSum64 compares with the library, for words of all lengths with and without
// bytes behind them.
func TestSum64(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 80)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	for start := range 8 {
		for end := start; end <= len(b); end++ {
			for _, w := range [][]byte{b[start:end], b[start:end:end]} {
				if got, want := sum64(w), xxhash.Sum64(w); got != want {
					t.Errorf("%d bytes of %d: %x, the library says %x", len(w), cap(w), got, want)
				}
			}
		}
	}
}
