package html

import (
	"bytes"
	"html"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decoder turns what stands in markup into what it means: entities such as &nbsp;
// and line ends. The zero value is ready.
type decoder struct {
	buf   []byte
	named map[string]string // the named entities met so far; HTML has 2,231
}

// text decodes text; attribute the value of an attribute, where less is taken for
// an entity; lineEnds text without entities. All return b itself where nothing is
// to be done, else what is valid until the next call.
func (d *decoder) text(b []byte) []byte      { return d.decode(b, true, false) }
func (d *decoder) attribute(b []byte) []byte { return d.decode(b, true, true) }
func (d *decoder) lineEnds(b []byte) []byte  { return d.decode(b, false, false) }

func (d *decoder) decode(b []byte, entities, inAttr bool) []byte {
	entities = entities && bytes.IndexByte(b, '&') >= 0
	if !entities && bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	d.buf = d.buf[:0]
	for {
		n := 0
		for n < len(b) && b[n] != '\r' && (b[n] != '&' || !entities) {
			n++
		}
		d.buf = append(d.buf, b[:n]...)
		if b = b[n:]; len(b) == 0 {
			return d.buf
		}
		n = 1
		switch {
		case b[0] == '&':
			n = d.entity(b, inAttr)
		case len(b) > 1 && b[1] == '\n':
			// the LF will do
		default:
			d.buf = append(d.buf, '\n')
		}
		b = b[n:]
	}
}

// entity appends what the entity at the start of b means, or the & alone, and
// returns how many bytes that took (WHATWG HTML standard, section 13.2.5.72 on).
func (d *decoder) entity(b []byte, inAttr bool) int {
	if len(b) > 2 && b[1] == '#' {
		return d.numeric(b)
	}
	const longest = 32 // &CounterClockwiseContourIntegral without the semicolon
	end := 1
	for end < len(b) && end < longest && isAlnum(b[end]) {
		end++
	}
	closed := end < len(b) && b[end] == ';'
	if closed {
		end++
	}
	name := b[:end]
	if inAttr && !closed && end < len(b) && (b[end] == '=' || isAlnum(b[end])) {
		d.buf = append(d.buf, name...)
		return end
	}
	text, whole := d.lookUp(name)
	if inAttr && !whole { // elsewhere &notit is "¬it"
		d.buf = append(d.buf, name...)
		return end
	}
	d.buf = append(d.buf, text...)
	return end
}

// lookUp returns what an entity with its & means. Whole is false when at most a
// beginning of its name is one: then text ends as name does.
func (d *decoder) lookUp(name []byte) (text string, whole bool) {
	if text, ok := d.named[string(name)]; ok {
		return text, true
	}
	text = html.UnescapeString(string(name))
	whole = text[len(text)-1] != name[len(name)-1] || text == ";"
	if whole {
		if d.named == nil {
			d.named = make(map[string]string)
		}
		d.named[string(name)] = text
	}
	return text, whole
}

// numeric appends the character that &#n; or &#xn; at the start of b stands for.
func (d *decoder) numeric(b []byte) int {
	start, base := 2, rune(10)
	if b[2]|0x20 == 'x' {
		start, base = 3, 16
	}
	end, r := start, rune(0)
	for ; end < len(b); end++ {
		v := digit(b[end])
		if v >= base {
			break
		}
		if r <= utf8.MaxRune {
			r = base*r + v
		}
	}
	if end == start {
		d.buf = append(d.buf, '&')
		return 1
	}
	switch {
	case r == 0:
		r = utf8.RuneError
	case r >= 0x80 && r < 0xa0: // what old pages mean, which were never in Latin-1
		if w := charmap.Windows1252.DecodeByte(byte(r)); w != utf8.RuneError {
			r = w
		}
	}
	d.buf = utf8.AppendRune(d.buf, r)
	if end < len(b) && b[end] == ';' {
		end++
	}
	return end
}

// digit returns the value of a digit of base 16, and 16 for all else.
func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		return rune(c|0x20-'a') + 10
	}
	return 16
}

func isAlnum(c byte) bool { return isAlpha(c) || c >= '0' && c <= '9' }
