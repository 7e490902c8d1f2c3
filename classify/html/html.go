// Package html reads the markup of a mail part: what a person would see, where
// its links lead, and which tags and attributes it is built from. It builds no
// tree, so its cost is linear in the text it is given.
package html

import "bytes"

// Sink takes what is found besides the text. Slices are valid during the call.
type Sink interface {
	// Link is a URL in an attribute, such as href of tag a or src of img.
	Link(tag, attr, url []byte)
	// Tag is a start tag; Attr one of its attributes (other than links).
	Tag(tag []byte)
	Attr(tag, name, value []byte)
	// Oddity names a property of the markup, such as "comment".
	Oddity(name string)
}

// Reader holds the buffers; the zero value is ready. Not for concurrent use.
type Reader struct {
	tokens tokenizer
	text   []byte
	skip   []byte // name of the element in hand, when its content is not shown
}

// Text reads markup (UTF-8) and returns the visible text, valid until the next
// call. Inline tags join what stands around them (V<b>ia</b>gra is one word),
// other tags part it.
func (r *Reader) Text(src []byte, sink Sink) []byte {
	r.text, r.skip = r.text[:0], r.skip[:0]
	z := &r.tokens
	z.reset(src)
	for {
		switch z.next() {
		case noToken:
			return r.text
		case textToken:
			if len(r.skip) == 0 {
				r.text = append(r.text, z.text()...)
			}
		case startToken:
			r.startTag(z, sink)
		case endToken:
			if bytes.Equal(z.name, r.skip) {
				r.skip = r.skip[:0]
			}
			r.breakAt(z.name)
		case commentToken:
			sink.Oddity("comment")
		}
	}
}

// startTag reports a tag and its attributes.
func (r *Reader) startTag(z *tokenizer, sink Sink) {
	r.breakAt(z.name)
	if hidden(z.name) {
		r.skip = append(r.skip[:0], z.name...)
	}
	sink.Tag(z.name)
	for i := range z.attrs {
		key, val := z.attr(i)
		switch {
		case linkAttr(key):
			sink.Link(z.name, key, val)
		case string(key) == "alt" || string(key) == "title":
			r.text = append(append(append(r.text, ' '), val...), ' ')
		default:
			sink.Attr(z.name, key, val)
		}
	}
}

func (r *Reader) breakAt(tag []byte) {
	if !inline(tag) {
		r.text = append(r.text, '\n')
	}
}

func hidden(tag []byte) bool {
	switch string(tag) {
	case "script", "style":
		return true
	}
	return false
}

func inline(tag []byte) bool {
	switch string(tag) {
	case "a", "abbr", "acronym", "b", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark",
		"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr", "nobr":
		return true
	}
	return false
}

func linkAttr(name []byte) bool {
	switch string(name) {
	case "href", "src", "action", "background", "cite", "data", "longdesc":
		return true
	}
	return false
}
