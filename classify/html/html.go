// Package html reads the markup of a mail part: what a person would see, what is
// there and not seen, where links lead and what they show, and which tags and
// attributes it is built from. It builds no tree, so its cost is linear in the
// text it is given.
package html

import "bytes"

// Sink takes what is found besides the text. Slices are valid during the call.
type Sink interface {
	// Link is a URL in an attribute, such as href of tag a or src of img.
	Link(tag, attr, url []byte)
	// LinkText is what is seen of the link of a tag a.
	LinkText(text, url []byte)
	// Tag is a start tag; Attr one of its attributes (other than links).
	Tag(tag []byte)
	Attr(tag, name, value []byte)
	// Oddity names a property of the markup, such as "comment".
	Oddity(name string)
}

// Reader holds the buffers; the zero value is ready. Not for concurrent use.
type Reader struct {
	tokens tokenizer
	sink   Sink
	text   []byte
	hidden []byte
	alt    []byte // text in attributes of the tag in hand
	raw    tag    // the element whose content comes next, if that is no markup

	open    []element
	deeper  int // elements open beyond those kept
	look    look
	rules   map[uint64]effect // of style sheets
	reasons [reasonEnd]bool   // why text was hidden

	joint  joint
	joints [jointEnd]bool
	href   []byte
	link   int // where the text of the open link begins; -1: none is open
}

// joint is what stands between two pieces of text that are seen as one.
type joint uint8

const (
	noJoint joint = iota
	jointTag
	jointComment
	jointEnd
)

var jointNames = [jointEnd]string{jointTag: "word split by tags", jointComment: "word split by a comment"}

// Text reads markup (UTF-8) and returns the text that is seen and that which is
// not, both valid until the next call. Inline tags join what stands around them
// (V<b>ia</b>gra is one word), other tags part it.
func (r *Reader) Text(src []byte, sink Sink) (seen, hidden []byte) {
	r.sink = sink
	r.text, r.hidden = r.text[:0], r.hidden[:0]
	r.open, r.deeper, r.look = r.open[:0], 0, defaultLook
	if r.rules == nil {
		r.rules = map[uint64]effect{}
	}
	clear(r.rules)
	r.reasons, r.joints, r.joint = [reasonEnd]bool{}, [jointEnd]bool{}, noJoint
	r.link, r.raw = -1, tag{}
	r.read(src)
	r.endLink()
	for i, found := range r.reasons {
		if found {
			sink.Oddity(reasonNames[i])
		}
	}
	for i, found := range r.joints {
		if found {
			sink.Oddity(jointNames[i])
		}
	}
	return r.text, r.hidden
}

// read goes through the tokens of markup.
func (r *Reader) read(src []byte) {
	z := &r.tokens
	z.reset(src)
	for {
		k := z.next()
		raw := r.raw
		r.raw = tag{}
		switch k {
		case noToken:
			return
		case textToken:
			switch {
			case raw.id == tagStyle:
				r.styleSheet(z.text())
			case raw.flags&rawText == 0:
				r.chars(z.text())
			}
		case startToken:
			r.startTag()
		case endToken:
			r.endTag()
		case commentToken:
			r.comment(z.data)
		}
	}
}

// comment acts on a comment; nil is a declaration.
func (r *Reader) comment(content []byte) {
	switch {
	case content == nil:
	case hasFold(content, "[if"):
		r.sink.Oddity("conditional comment") // for one mail reader
	default:
		r.sink.Oddity("comment")
		r.joint = jointComment
	}
}

// chars adds text.
func (r *Reader) chars(b []byte) {
	if len(b) == 0 {
		return
	}
	why := r.look.reason()
	if why != shown {
		if len(bytes.TrimSpace(b)) > 0 {
			r.reasons[why] = true
		}
		r.hidden = append(r.hidden, b...)
		return
	}
	if r.joint != noJoint && isAlpha(b[0]) && len(r.text) > 0 && isAlpha(r.text[len(r.text)-1]) {
		r.joints[r.joint] = true
	}
	r.joint = noJoint
	r.text = append(r.text, b...)
}

// startTag acts on the tag in hand and its attributes.
func (r *Reader) startTag() {
	z := &r.tokens
	t := tags[string(z.name)]
	if t.id == tagNoscript {
		z.raw = "" // mail readers run no scripts: what it holds is shown
	}
	r.imply(t)
	r.sink.Tag(z.name)
	r.alt = r.alt[:0]
	var e, own effect // of rules and attributes; of the element's own style
	r.apply(0, z.name, &e)
	for i := range z.attrs {
		key, value := z.attr(i)
		r.attribute(t, key, value, &e, &own)
	}
	e.join(own)
	r.begin(t, e)
	r.breakAt(t)
	r.chars(r.alt)
	r.raw = t
}

// attribute acts on an attribute of the tag in hand.
func (r *Reader) attribute(t tag, key, value []byte, e, own *effect) {
	name := r.tokens.name
	switch string(key) {
	case "href", "src", "action", "background", "cite", "data", "longdesc":
		r.sink.Link(name, key, value)
		if t.id == tagA && key[0] == 'h' {
			r.endLink()
			r.href = append(r.href[:0], value...)
			r.link = len(r.text)
		}
		if key[0] == 'b' {
			e.picture()
		}
		return
	case "alt", "title":
		r.alt = append(append(append(r.alt, ' '), value...), ' ')
		return
	case "style":
		own.style(value)
	case "class":
		r.apply('.', value, e)
	case "id":
		r.apply('#', value, e)
	case "hidden":
		e.hide(noDisplay)
	case "bgcolor":
		e.background(parseColour(value))
	case "color", "text":
		if t.id == tagFont || t.id == tagBody {
			e.text(parseColour(value))
		}
	case "content":
		if i := indexFold(value, "url="); i >= 0 && t.id == tagMeta {
			r.sink.Link(name, key, value[i+len("url="):])
			return
		}
	}
	r.sink.Attr(name, key, value)
}

// endTag acts on the end of an element.
func (r *Reader) endTag() {
	t := tags[string(r.tokens.name)]
	if t.id == tagA {
		r.endLink()
	}
	r.breakAt(t)
	r.end(t)
}

func (r *Reader) endLink() {
	if r.link < 0 {
		return
	}
	if text := bytes.TrimSpace(r.text[r.link:]); len(text) > 0 {
		r.sink.LinkText(text, r.href)
	}
	r.link = -1
}

// breakAt parts text at a tag that is not inline.
func (r *Reader) breakAt(t tag) {
	switch {
	case t.flags&block == 0:
		if t.flags&quiet == 0 {
			r.joint = jointTag
		}
	default:
		r.hidden = append(r.hidden, '\n')
		if r.look.hidden == shown { // what takes no room parts nothing
			r.text = append(r.text, '\n')
			r.joint = noJoint
		}
	}
}

// indexFold finds a lower-case word in b, whatever case that has; -1: not there.
func indexFold(b []byte, word string) int {
	for i := 0; i+len(word) <= len(b); i++ {
		if hasFold(b[i:], word) {
			return i
		}
	}
	return -1
}
