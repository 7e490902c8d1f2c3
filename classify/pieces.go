package classify

import (
	"cmp"
	"slices"

	"fanmill/classify/grams"
)

// Piece is a word of the excerpt that the linear opinion reads, with the weights of
// its buckets; see grams.Piece.
type Piece struct {
	Text  string  // human name, such as "subject: offer"; hostile: escape it
	Sum   int64   // of the weights, in units of 2^-20
	Share float64 // of the opinion: Sum as a number, through the root of the number of buckets
}

// weighed returns the pieces of the excerpt with their weights, and the sum of the weights of its n
// distinct buckets.
func weighed(excerpt []grams.Piece, m Model, n int) (all []Piece, sum int64) {
	for _, p := range excerpt {
		w := m.Weigh(p.Grams)
		all = append(all, Piece{Text: p.Text, Sum: w, Share: linear(w, n)})
		sum += w
	}
	return all, sum
}

// mostMoving returns the n pieces that moved the opinion most, to either side.
func mostMoving(all []Piece, n int) []Piece {
	out := slices.DeleteFunc(slices.Clone(all), func(p Piece) bool { return p.Sum == 0 })
	slices.SortStableFunc(out, func(a, b Piece) int { return cmp.Compare(max(b.Sum, -b.Sum), max(a.Sum, -a.Sum)) })
	return out[:min(max(n, 0), len(out))]
}
