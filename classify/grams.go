package classify

import (
	"encoding/binary"
	"slices"
)

// The linear opinion reads hashed byte 4-grams of a fixed excerpt of the
// canonical form, in two segments that no gram crosses: the header (what a
// sender wrote, then the client, then other fields in order) and decoded text.
// Byte 4-grams of the first few thousand bytes are as good as any n-grams
// measured, and need no words (University of Waterloo at TREC 2007; figures in
// docs/accuracy.md).
const (
	gramBits = 18
	// Buckets is how many weights the linear opinion has.
	Buckets = 1 << gramBits

	gramField  = 256  // bytes of one field
	gramOthers = 1500 // bytes of all fields that are not named in gramFields
	gramText   = 1500 // bytes of decoded text
)

// gramFields come first in the excerpt, in this order.
var gramFields = [...]string{"from", "subject", "to", "reply-to", "message-id", "content-type", "x-mailer", "user-agent"}

// excerptSet gathers the excerpt while a message is read.
type excerptSet struct {
	named  [len(gramFields)][]byte
	others []byte
	text   []byte
	all    []byte
	last   byte // of the text that came, blanks as ' '
	grams  []uint32
	seen   [Buckets / 64]uint64 // a bit for each bucket; all clear between messages
}

func (x *excerptSet) reset() {
	for i := range x.named {
		x.named[i] = x.named[i][:0]
	}
	x.others, x.text, x.last = x.others[:0], x.text[:0], ' '
}

// field takes a header field: lower-case name, decoded value.
func (x *excerptSet) field(name, value []byte) {
	value = cut(value, gramField)
	for i, n := range gramFields {
		if n == string(name) {
			if len(x.named[i]) == 0 {
				x.named[i] = appendField(x.named[i], name, value)
			}
			return
		}
	}
	if len(x.others) < gramOthers {
		x.others = appendField(x.others, cut(name, gramField), value)
	}
}

func appendField(dst, name, value []byte) []byte {
	dst = append(append(dst, name...), ':')
	return append(append(dst, value...), '\n')
}

// body takes decoded text, runs of blanks squeezed to one. Like list it has no
// branch on what it keeps.
func (x *excerptSet) body(b []byte) {
	n, last := len(x.text), x.last
	out := slices.Grow(x.text, gramText+1-n)[:gramText+1]
	for _, c := range b {
		if n == gramText {
			break
		}
		c = max(c, ' ')
		out[n] = c
		if int(c)+int(last) != ' '+' ' {
			n++
		}
		last = c
	}
	x.text, x.last = out[:n], last
}

// buckets returns the distinct buckets of the excerpt in the order of its
// bytes, valid until the next call. Sums over buckets need no other order, and
// listing thousands of them in ascending order took five times as long.
func (x *excerptSet) buckets(client []byte) []uint32 {
	x.all = x.all[:0]
	for _, f := range x.named {
		x.all = append(x.all, f...)
	}
	x.all = append(x.all, client...)
	x.all = append(x.all, cut(x.others, gramOthers)...)
	header := len(x.all)
	x.all = append(x.all, x.text...)
	x.grams = slices.Grow(x.grams[:0], len(x.all)+1)
	x.list(x.all[:header])
	x.list(x.all[header:])
	for _, g := range x.grams {
		x.seen[g>>6] = 0
	}
	return x.grams
}

// list adds the buckets of a segment that were not met before. It has no branch
// on that: which are new is not to be predicted. grams has room for all and one.
func (x *excerptSet) list(b []byte) {
	n := len(x.grams)
	out := x.grams[:cap(x.grams)]
	for ; len(b) >= 4; b = b[1:] {
		g := gram(binary.LittleEndian.Uint32(b))
		word, bit := x.seen[g>>6], g&63
		out[n] = g
		n += int(^word >> bit & 1)
		x.seen[g>>6] = word | 1<<bit
	}
	x.grams = out[:n]
}

// gram is the bucket of four bytes.
func gram(b uint32) uint32 { return b * 0x9e3779b1 >> (32 - gramBits) }
