// Package html reads the markup of a mail part: what a person would see, where
// its links lead, and which tags and attributes it is built from. It uses the
// tokenizer of golang.org/x/net/html and builds no tree, so its cost is linear
// in the text it is given.
package html

import (
	"bytes"
	"io"

	"golang.org/x/net/html"
)

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
	text []byte
}

// Text reads markup (UTF-8) and returns the visible text, valid until the next
// call. Inline tags join what stands around them (V<b>ia</b>gra is one word),
// other tags part it.
func (r *Reader) Text(src []byte, sink Sink) []byte {
	r.text = r.text[:0]
	z := html.NewTokenizer(bytes.NewReader(src))
	z.SetMaxBuf(0)
	skip := []byte(nil) // content of this element is not shown
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				sink.Oddity("broken")
			}
			return r.text
		case html.TextToken:
			if skip == nil {
				r.text = append(r.text, z.Text()...)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			skip = r.startTag(z, sink)
		case html.EndTagToken:
			name, _ := z.TagName()
			if skip != nil && bytes.Equal(name, skip) {
				skip = nil
			}
			r.breakAt(name)
		case html.CommentToken:
			sink.Oddity("comment")
		}
	}
}

// startTag reports a tag and its attributes; it returns the tag's name when
// its content is not text to be shown.
func (r *Reader) startTag(z *html.Tokenizer, sink Sink) (skip []byte) {
	name, more := z.TagName()
	r.breakAt(name)
	if hidden(name) {
		skip = bytes.Clone(name)
	}
	sink.Tag(name)
	for range 64 {
		if !more {
			break
		}
		var key, val []byte
		key, val, more = z.TagAttr()
		switch {
		case linkAttr(key):
			sink.Link(name, key, val)
		case string(key) == "alt" || string(key) == "title":
			r.text = append(append(append(r.text, ' '), val...), ' ')
		default:
			sink.Attr(name, key, val)
		}
	}
	return skip
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
