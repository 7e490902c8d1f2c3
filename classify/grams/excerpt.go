// Package grams has what the linear opinion reads: hashed byte 4-grams of a fixed excerpt
// of the canonical form, in two segments that no gram crosses: the header (what a
// sender wrote, then the client, then other common fields) and decoded text.
// Byte 4-grams of the first few thousand bytes are as good as any n-grams
// measured, and need no words (University of Waterloo at TREC 2007; figures in
// docs/accuracy.md).
package grams

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"fanmill/classify/octets"
)

const (
	bucketBits = 18
	// Buckets is how many weights the linear opinion has.
	Buckets = 1 << bucketBits

	fieldMax  = 256  // bytes of one field
	othersMax = 1500 // bytes of the fields that come behind the client
	textMax   = 1500 // bytes of decoded text
)

// fields are the fields of the excerpt, in this order, each once: first those of a
// sender's own making, with room of their own, then fields that much mail has, which
// share othersMax. No other field comes in, so that made-up ones push nothing out.
var fields = [...]string{
	"from", "subject", "to", "reply-to", "message-id", "content-type", "x-mailer", "user-agent",

	"received", "date", "mime-version", "content-transfer-encoding", "in-reply-to", "references", "sender", "cc",
	"precedence", "list-id", "list-unsubscribe", "errors-to", "x-priority", "x-msmail-priority", "x-mimeole",
	"x-originating-ip", "x-beenthere", "dkim-signature", "authentication-results", "importance", "organization",
}

// firstFields is how many of fields have room of their own.
const firstFields = 8

// Fields returns the names of the fields of the excerpt, in lower case, by their places.
func Fields() []string { return slices.Clone(fields[:]) }

// Excerpt gathers the excerpt of a message while it is read.
type Excerpt struct {
	named [len(fields)][]byte
	text  []byte
	all   []byte
	last  byte // of the text that came, blanks as ' '
	grams []uint32
	seen  [Buckets / 64]uint64      // a bit for each bucket; all clear between messages
	words [Buckets / 64 / 64]uint64 // a bit for each word of seen that is not zero
}

// Reset forgets the message in hand.
func (x *Excerpt) Reset() {
	for i := range x.named {
		x.named[i] = x.named[i][:0]
	}
	x.text, x.last = x.text[:0], ' '
}

// Field takes a header field: its place, -1 if it has none, its
// lower-case name and its decoded value.
func (x *Excerpt) Field(place int8, name, value []byte) {
	if place >= 0 && len(x.named[place]) == 0 {
		x.named[place] = appendField(x.named[place], name, octets.Cut(value, fieldMax))
	}
}

func appendField(dst, name, value []byte) []byte {
	dst = append(append(dst, name...), ':')
	return append(append(dst, value...), '\n')
}

// Body takes decoded text, runs of blanks squeezed to one. It has no branch on what
// it keeps.
func (x *Excerpt) Body(b []byte) {
	n, last := len(x.text), x.last
	out := slices.Grow(x.text, textMax+1-n)[:textMax+1]
	for _, c := range b {
		if n == textMax {
			break
		}
		c = max(c, ' ')
		out[n] = c
		if c|last != ' ' { // not both are blanks
			n++
		}
		last = c
	}
	x.text, x.last = out[:n], last
}

// Buckets returns the distinct buckets of the excerpt, ascending, valid until the
// next call.
func (x *Excerpt) Buckets(client []byte) []uint32 {
	x.all = x.all[:0]
	for _, f := range x.named[:firstFields] {
		x.all = append(x.all, f...)
	}
	x.all = append(x.all, client...)
	most := len(x.all) + othersMax
	for _, f := range x.named[firstFields:] {
		x.all = append(x.all, f...)
	}
	x.all = octets.Cut(x.all, most)
	x.mark(x.all)
	x.mark(x.text)
	return x.list()
}

// mark notes the buckets of a segment.
func (x *Excerpt) mark(b []byte) {
	for len(b) >= 8 {
		four := binary.LittleEndian.Uint64(b)
		x.set(gram(uint32(four)))
		x.set(gram(uint32(four >> 8)))
		x.set(gram(uint32(four >> 16)))
		x.set(gram(uint32(four >> 24)))
		b = b[4:]
	}
	for ; len(b) >= 4; b = b[1:] {
		x.set(gram(binary.LittleEndian.Uint32(b)))
	}
}

func (x *Excerpt) set(g uint32) {
	x.seen[g>>6] |= 1 << (g & 63)
	x.words[g>>12] |= 1 << (g >> 6 & 63)
}

// list returns the buckets that were noted, and forgets them. Most words of seen
// are zero, and which are not cannot be predicted: looking at each took longer than
// all else here. Nor can be predicted whether a word has one bit or two: the second
// is written either way.
func (x *Excerpt) list() []uint32 {
	most := len(x.all) + len(x.text) + 1
	grams, n := slices.Grow(x.grams[:0], most)[:most], 0
	for i := range x.words {
		words := x.words[i]
		x.words[i] = 0
		for ; words != 0; words &= words - 1 {
			w := i<<6 + bits.TrailingZeros64(words)
			seen := x.seen[w]
			x.seen[w] = 0
			grams[n] = uint32(w<<6 + bits.TrailingZeros64(seen))
			n++
			seen &= seen - 1
			grams[n] = uint32(w<<6 + bits.TrailingZeros64(seen))
			if seen != 0 {
				n++
			}
			for seen &= seen - 1; seen != 0; seen &= seen - 1 {
				grams[n] = uint32(w<<6 + bits.TrailingZeros64(seen))
				n++
			}
		}
	}
	x.grams = grams[:n]
	return x.grams
}

// gram is the bucket of four bytes.
func gram(b uint32) uint32 { return b * 0x9e3779b1 >> (32 - bucketBits) }
