package classify

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"fanmill/classify/feature"
	"fanmill/classify/octets"
)

// Piece is a word of the excerpt that the linear opinion reads, with the weights of
// the buckets that occur there first: a gram belongs to the piece where it starts.
type Piece struct {
	Text  string  // human name, such as "subject: offer"; hostile: escape it
	Sum   int64   // of the weights, in units of 2^-20
	Share float64 // of the opinion: Sum as a number, through the root of the number of buckets
}

// pieceMax bounds a piece in bytes: scripts without blanks have no words here.
const pieceMax = 32

// pieces returns the excerpt cut into pieces and the sum of the weights of its n
// distinct buckets. It asks the model for one bucket at a time: explanations are
// seldom.
func (x *excerptSet) pieces(m Model, n int) (all []Piece, sum int64) {
	w := weigher{model: m, seen: make(map[uint32]bool, n)}
	w.header(x.all)
	w.text(x.text)
	for i := range w.pieces {
		p := &w.pieces[i]
		p.Share = linear(p.Sum, n)
		sum += p.Sum
	}
	return w.pieces, sum
}

// mostMoving returns the n pieces that moved the opinion most, to either side.
func mostMoving(all []Piece, n int) []Piece {
	out := slices.DeleteFunc(slices.Clone(all), func(p Piece) bool { return p.Sum == 0 })
	slices.SortStableFunc(out, func(a, b Piece) int { return cmp.Compare(max(b.Sum, -b.Sum), max(a.Sum, -a.Sum)) })
	return out[:min(max(n, 0), len(out))]
}

// weigher cuts segments of the excerpt into pieces.
type weigher struct {
	model  Model
	seen   map[uint32]bool
	pieces []Piece
}

// header cuts the segment of header fields. A line is "name:value"; the name
// belongs to the first word. (A value in which a line break was encoded looks like
// two fields, here as to the grams.)
func (w *weigher) header(b []byte) {
	field := ""
	for i := 0; i < len(b); {
		n, text := 0, 0
		if i == 0 || b[i-1] == '\n' {
			line, _, _ := bytes.Cut(b[i:], newline)
			if text = bytes.IndexByte(line, ':') + 1; text > 0 {
				field = string(octets.Cut(line[:text-1], feature.TextMax))
			}
		}
		n = text + wordEnd(b[i+text:])
		w.add(field, b, i, n, b[i+text:i+n])
		i += n
	}
}

// text cuts the segment of text.
func (w *weigher) text(b []byte) {
	for i := 0; i < len(b); {
		n := wordEnd(b[i:])
		w.add("text", b, i, n, b[i:i+n])
		i += n
	}
}

// add weighs the grams that start in b[i:i+n].
func (w *weigher) add(field string, b []byte, i, n int, word []byte) {
	p := Piece{Text: strings.TrimSpace(strings.ToValidUTF8(field+": "+string(word), "?"))}
	for j := i; j < min(i+n, len(b)-3); j++ {
		g := [1]uint32{gram(binary.LittleEndian.Uint32(b[j:]))}
		if !w.seen[g[0]] {
			w.seen[g[0]] = true
			p.Sum += w.model.Weigh(g[:])
		}
	}
	w.pieces = append(w.pieces, p)
}

// wordEnd measures the word at the start of b with the blanks behind it; long
// ones are cut between two characters.
func wordEnd(b []byte) int {
	n := 0
	for n < len(b) && b[n] > ' ' && (n < pieceMax || !utf8.RuneStart(b[n]) && n < pieceMax+utf8.UTFMax) {
		n++
	}
	for n < len(b) && b[n] <= ' ' {
		n++
		if b[n-1] == '\n' {
			break
		}
	}
	return n
}
