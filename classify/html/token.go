package html

import (
	"bytes"

	"fanmill/classify/octets"
)

// kind of a token.
type kind uint8

const (
	noToken      kind = iota // nothing is left, or only a tag without an end
	textToken                // text
	startToken               // <a href=x>
	endToken                 // </a>
	commentToken             // <!-- -->, <?xml?> and whatever else is read as one
	doctypeToken             // <!DOCTYPE html>
)

// tokenizer cuts markup into tokens as browsers do (WHATWG HTML standard, section
// 13.2.5), save that a script ends at the first </script>, also inside of a
// comment, and that NUL bytes stay. Unlike golang.org/x/net/html, its oracle in
// the tests, it allocates nothing for a name or a value.
type tokenizer struct {
	src   []byte // what is left
	raw   string // the element in hand, when its content is no markup
	data  []byte // text as it stands, or what is in a comment and ends it; nil: no real comment
	plain bool   // data is text without entities
	name  []byte // of the tag, in lower case
	attrs []attr // of the tag
	lower []byte // name of an attribute
	value decoder
}

// attr is an attribute as it stands in the markup.
type attr struct{ name, value []byte }

// attrsMax bounds the attributes of a tag that are read.
const attrsMax = 64

func (z *tokenizer) reset(src []byte) { z.src, z.raw = src, "" }

// next reads the next token.
func (z *tokenizer) next() kind {
	if z.raw != "" && z.rawText() {
		return textToken
	}
	if len(z.src) == 0 {
		return noToken
	}
	i := markupStart(z.src)
	if i > 0 {
		z.data, z.src, z.plain = z.src[:i], z.src[i:], false
		return textToken
	}
	switch c := z.src[1]; {
	case isAlpha(c):
		return z.tag(startToken, z.src[1:])
	case c == '/' && isAlpha(z.src[2]):
		return z.tag(endToken, z.src[2:])
	case c == '!':
		return z.declaration(z.src[2:])
	}
	z.data, z.src = nil, after(z.src, '>')
	return commentToken
}

// text returns a text token with its entities decoded, valid until the next call.
func (z *tokenizer) text() []byte {
	if z.plain {
		return z.value.lineEnds(z.data)
	}
	return z.value.text(z.data)
}

// attr returns attribute i of a start tag, its name in lower case, valid until
// the next call.
func (z *tokenizer) attr(i int) (name, value []byte) {
	z.lower = octets.AppendLower(z.lower[:0], z.attrs[i].name)
	return z.lower, z.value.attribute(z.attrs[i].value)
}

// markupStart returns where in b the first tag or comment begins, len(b) when
// there is none.
func markupStart(b []byte) int {
	for i := 0; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			break
		}
		i += n
		rest := b[i+1:]
		if len(rest) == 0 {
			break
		}
		if c := rest[0]; isAlpha(c) || c == '!' || c == '?' || c == '/' && len(rest) > 1 {
			return i
		}
	}
	return len(b)
}

// declaration reads what begins with <!; b is the rest.
func (z *tokenizer) declaration(b []byte) kind {
	if data, ok := bytes.CutPrefix(b, []byte("--")); ok {
		n := commentEnd(data)
		z.data, z.src = data[:n], data[n:]
		return commentToken
	}
	z.data = nil
	z.src = after(b, '>')
	if hasFold(b, "doctype") {
		return doctypeToken
	}
	return commentToken
}

// commentEnd measures a comment behind its <!--: to the first --> or --!>, but
// <!--> and <!---> are whole comments too.
func commentEnd(b []byte) int {
	for _, whole := range [...]string{">", "->"} {
		if bytes.HasPrefix(b, []byte(whole)) {
			return len(whole)
		}
	}
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte("--"))
		if n < 0 {
			return len(b)
		}
		for i += n; i < len(b) && b[i] == '-'; {
			i++
		}
		switch {
		case bytes.HasPrefix(b[i:], []byte(">")):
			return i + 1
		case bytes.HasPrefix(b[i:], []byte("!>")):
			return i + 2
		}
	}
}

// tag reads a tag that begins with its name at b.
func (z *tokenizer) tag(k kind, b []byte) kind {
	i := 0
	for i < len(b) && !endsName(b[i]) {
		i++
	}
	z.name, z.attrs = octets.AppendLower(z.name[:0], b[:i]), z.attrs[:0]
	for b = skipSpace(b[i:]); len(b) > 0 && b[0] != '>'; b = skipSpace(b) {
		var a attr
		a, b = attribute(b)
		if k == startToken {
			z.addAttr(a)
		}
	}
	if len(b) == 0 {
		z.src = nil
		return noToken
	}
	z.src = b[1:]
	if k == startToken {
		z.raw = rawElement(z.name)
	}
	return k
}

// attribute reads the attribute at the start of b. One without a name is not one.
func attribute(b []byte) (a attr, rest []byte) {
	i := 0
	for i < len(b) && !endsName(b[i]) && (b[i] != '=' || i == 0) {
		i++
	}
	a.name, b = b[:i], skipSpace(b[i:])
	switch {
	case len(b) == 0:
		return a, nil
	case b[0] == '/':
		return a, b[1:]
	case b[0] != '=':
		return a, b
	}
	if b = skipSpace(b[1:]); len(b) > 0 && (b[0] == '"' || b[0] == '\'') {
		a.value, rest, _ = bytes.Cut(b[1:], b[:1])
		return a, rest
	}
	i = 0
	for i < len(b) && !isSpace(b[i]) && b[i] != '>' {
		i++
	}
	a.value = b[:i]
	return a, b[i:]
}

// addAttr keeps an attribute; of doubled ones the first counts.
func (z *tokenizer) addAttr(a attr) {
	if len(a.name) == 0 || len(z.attrs) == attrsMax {
		return
	}
	for _, b := range z.attrs {
		if equalFold(a.name, b.name) {
			return
		}
	}
	z.attrs = append(z.attrs, a)
}

// rawElements have content that is no markup.
var rawElements = [...]string{"style", "title", "script", "textarea", "noscript", "iframe", "noembed", "noframes", "plaintext", "xmp"}

func rawElement(name []byte) string {
	for _, raw := range rawElements {
		if string(name) == raw {
			return raw
		}
	}
	return ""
}

// rawText reads the content of the element in hand; false when there is none.
func (z *tokenizer) rawText() bool {
	end := len(z.src)
	if z.raw != "plaintext" {
		end = rawEnd(z.src, z.raw)
	}
	z.plain = z.raw != "textarea" && z.raw != "title"
	z.data, z.src, z.raw = z.src[:end], z.src[end:], ""
	return end > 0
}

// rawEnd returns where the end tag of an element stands in b.
func rawEnd(b []byte, element string) int {
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte("</"))
		if n < 0 {
			return len(b)
		}
		i += n + len("</")
		if name := b[i:]; len(name) > len(element) && hasFold(name, element) && endsName(name[len(element)]) {
			return i - len("</")
		}
	}
}

// hasFold tells whether b begins with a lower-case word of ASCII, ignoring case.
func hasFold(b []byte, word string) bool {
	return len(b) >= len(word) && equalFold(b[:len(word)], []byte(word))
}

// equalFold compares names. Only the case of ASCII makes no difference, and bytes
// that are not UTF-8 do.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// after returns what stands behind the first c of b.
func after(b []byte, c byte) []byte {
	i := bytes.IndexByte(b, c)
	if i < 0 {
		return nil
	}
	return b[i+1:]
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func endsName(c byte) bool { return byteKind[c]&(space|tagEnd) != 0 }

func isSpace(c byte) bool { return byteKind[c]&space != 0 }

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// Kinds of bytes in tags.
const (
	space uint8 = 1 << iota
	tagEnd
)

var byteKind = [256]uint8{' ': space, '\n': space, '\t': space, '\r': space, '\f': space, '/': tagEnd, '>': tagEnd}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
