package classify

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"fanmill/classify/octets"
	"fanmill/classify/words"
)

// Place says where in messages another filter has counted a word.
type Place uint8

// The places that are the same in every filter.
const (
	InBody    Place = iota
	InSubject       // the field's words
	InFrom
	InTo
	InLink // part of a link behind the host
)

// Foreign finds the features of words that another filter has counted. The zero value
// is ready; it is not for concurrent use.
type Foreign struct {
	split words.Splitter
	set   set // for fieldPrefix
}

// Feature returns the feature that a message has which holds this word in that place;
// false if we would not take it for one word, or not count it.
func (f *Foreign) Feature(at Place, word []byte) (feature uint64, ok bool) {
	switch {
	case at == InLink:
		return mix(pURLWord.seed, xxhash.Sum64(word)), len(word) > 0 && len(word) <= words.MaxWord && !bytes.ContainsAny(word, "/?#&=;.,:+-_%~!()@ ")
	case at == InBody && hostLike(word):
		return mix(pURLHost.seed, xxhash.Sum64(octets.Lowered(bytes.Clone(word)))), true
	case at != InSubject && hostLike(word):
		return mix(f.prefix(at).seed, xxhash.Sum64(octets.Lowered(bytes.Clone(word)))), true
	}
	n := 0
	f.split.Split(word, func(k words.Kind, w []byte, cut bool) {
		n++
		ok = k == words.Word && !cut
		feature = mix(f.prefix(at).seed, xxhash.Sum64(w))
	})
	return feature, ok && n == 1
}

func (f *Foreign) prefix(at Place) *prefix {
	switch at {
	case InSubject:
		return pSubject
	case InFrom:
		return f.set.fieldPrefix([]byte("from"))
	case InTo:
		return f.set.fieldPrefix([]byte("to"))
	}
	return pBody
}

// hostLike tells a name such as www.example.org from words.
func hostLike(w []byte) bool {
	dot := bytes.LastIndexByte(w, '.')
	if dot <= 0 || len(w)-dot < 3 || len(w) > 255 {
		return false
	}
	for i, c := range w {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i > dot || c != '.' && c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}
