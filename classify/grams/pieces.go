package grams

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"fanmill/classify/octets"
)

// Piece is a word of the excerpt, with the buckets that occur there first: a gram belongs
// to the piece where it starts.
type Piece struct {
	Text  string   // human name, such as "subject: offer"; hostile: escape it
	Grams []uint32 // each bucket of the message is in one piece
}

// pieceMax bounds a piece in bytes: scripts without blanks have no words here.
const pieceMax = 32

// nameMax bounds the name of a field in the text of a piece.
const nameMax = 256

// Pieces returns the excerpt cut into pieces. Call it after Buckets.
func (x *Excerpt) Pieces() []Piece {
	c := cutter{seen: make(map[uint32]bool, len(x.grams))}
	c.header(x.all)
	c.text(x.text)
	return c.pieces
}

// cutter cuts segments of the excerpt into pieces.
type cutter struct {
	seen   map[uint32]bool
	pieces []Piece
}

// header cuts the segment of header fields. A line is "name:value"; the name
// belongs to the first word. (A value in which a line break was encoded looks like
// two fields, here as to the grams.)
func (c *cutter) header(b []byte) {
	field := ""
	for i := 0; i < len(b); {
		n, text := 0, 0
		if i == 0 || b[i-1] == '\n' {
			line, _, _ := bytes.Cut(b[i:], []byte{'\n'})
			if text = bytes.IndexByte(line, ':') + 1; text > 0 {
				field = string(octets.Cut(line[:text-1], nameMax))
			}
		}
		n = text + wordEnd(b[i+text:])
		c.add(field, b, i, n, b[i+text:i+n])
		i += n
	}
}

// text cuts the segment of text.
func (c *cutter) text(b []byte) {
	for i := 0; i < len(b); {
		n := wordEnd(b[i:])
		c.add("text", b, i, n, b[i:i+n])
		i += n
	}
}

// add adds the piece with the grams that start in b[i:i+n].
func (c *cutter) add(field string, b []byte, i, n int, word []byte) {
	p := Piece{Text: strings.TrimSpace(strings.ToValidUTF8(field+": "+string(word), "?"))}
	for j := i; j < min(i+n, len(b)-3); j++ {
		if g := gram(binary.LittleEndian.Uint32(b[j:])); !c.seen[g] {
			c.seen[g] = true
			p.Grams = append(p.Grams, g)
		}
	}
	c.pieces = append(c.pieces, p)
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
