package feature

import (
	"fmt"
	"slices"

	"fanmill/classify/octets"
)

// texts are what features stand for and where they stood, in the order of the
// message. They are recorded only for explanations: a set without them pays one
// test a header field or part.
type texts struct {
	hashes []uint64
	words  list
	places []int32 // of each word: which of where
	where  list
	parts  int // text parts that began
}

// list is byte strings one after another: no allocation each.
type list struct {
	bytes []byte
	ends  []int
}

func (l *list) end() { l.ends = append(l.ends, len(l.bytes)) }

func (l *list) at(i int) string {
	start := 0
	if i > 0 {
		start = l.ends[i-1]
	}
	return string(l.bytes[start:l.ends[i]])
}

func (l *list) reset() { l.bytes, l.ends = l.bytes[:0], l.ends[:0] }

// TextMax bounds in bytes the text of a feature and of a place, and the field name in both:
// a message may have names of a megabyte, and would have them recorded with each
// of its words.
const TextMax = 256

func (t *texts) add(h uint64, k *Kind, w []byte) {
	t.hashes = append(t.hashes, h)
	t.words.bytes = append(t.words.bytes, k.label...)
	if k.field != nil {
		t.words.bytes = append(append(t.words.bytes, octets.Cut(k.field, TextMax)...), ": "...)
	}
	t.words.bytes = append(t.words.bytes, octets.Cut(w, TextMax)...)
	t.words.end()
	t.places = append(t.places, int32(len(t.where.ends)-1))
}

// of returns text and place of a feature, "" when they were not recorded.
func (t *texts) of(h uint64) (text, place string) {
	i := slices.Index(t.hashes, h)
	if i < 0 {
		return "", ""
	}
	if p := t.places[i]; p >= 0 {
		place = t.where.at(int(p))
	}
	return t.words.at(i), place
}

func (t *texts) reset() {
	t.hashes, t.places, t.parts = t.hashes[:0], t.places[:0], 0
	t.words.reset()
	t.where.reset()
}

// Record has the set record what features stand for and where they stood. It holds from
// the next Reset on.
func (s *Set) Record() { s.texts = &texts{} }

// Text returns what a feature stands for and where it stood first, "" when that was not
// recorded.
func (s *Set) Text(h uint64) (text, place string) {
	if s.texts == nil {
		return "", ""
	}
	return s.texts.of(h)
}

// From says where in the message the features stand that come next.
func (s *Set) From(place string, name []byte) {
	if s.texts != nil {
		s.texts.from(place, name)
	}
}

// FromText is From for the next text part.
func (s *Set) FromText(media string) {
	if s.texts != nil {
		s.texts.parts++
		s.texts.from(fmt.Sprintf("text part %d (%s)", s.texts.parts, media), nil)
	}
}

func (t *texts) from(place string, name []byte) {
	t.where.bytes = append(append(t.where.bytes, place...), octets.Cut(name, TextMax)...)
	t.where.end()
}
