package extract

import (
	"bytes"

	"fanmill/classify/feature"
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
}

// Feature returns the feature that a message has which holds this word in that place;
// false if we would not take it for one word, or not count it.
func (f *Foreign) Feature(at Place, word []byte) (feature uint64, ok bool) {
	switch {
	case at == InLink:
		return pURLWord.Hash(word), len(word) > 0 && len(word) <= words.MaxWord && !bytes.ContainsAny(word, "/?#&=;.,:+-_%~!()@ ")
	case at == InBody && hostLike(word):
		return pURLHost.Hash(octets.Lowered(bytes.Clone(word))), true
	case at != InSubject && hostLike(word):
		return kindAt(at).Hash(octets.Lowered(bytes.Clone(word))), true
	}
	n := 0
	f.split.Split(word, func(k words.Kind, w []byte, cut bool) {
		n++
		ok = k == words.Word && !cut
		feature = kindAt(at).Hash(w)
	})
	return feature, ok && n == 1
}

func kindAt(at Place) *feature.Kind {
	name := ""
	switch at {
	case InSubject:
		return pSubject
	case InFrom:
		name = "from"
	case InTo:
		name = "to"
	default:
		return pBody
	}
	kind := feature.OfField([]byte(name))
	return &kind
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
