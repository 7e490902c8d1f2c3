package extract

import (
	"bytes"
	"strconv"

	"fanmill/classify/feature"
	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/words"
)

// Calendars, address cards and delivery reports are made of lines "name;
// parameters: value", folded as header fields are. Most of them are stamps and
// numbers that no other message has; what is said in them is given as words.

// contentLines holds the buffers.
type contentLines struct {
	line, name []byte // in hand
	text       []byte // what a person would read
}

// lineFeatures reads such text. It returns what a person would read of it.
func (x *Extractor) lineFeatures(t mime.Type, b []byte) []byte {
	x.content.text = x.content.text[:0]
	attendees := 0
	x.content.each(b, func(name, params, value []byte) {
		switch {
		case t.Report():
			x.reportLine(name, value)
		case string(name) == "attendee":
			attendees++
		default:
			x.cardLine(name, params, value)
		}
	})
	if t.Calendar() {
		x.set.AddString(pEvent, "attendees "+strconv.Itoa(power(attendees)))
	}
	return x.content.text
}

// power rounds up to a power of two, and leaves 0.
func power(n int) int {
	if n == 0 {
		return 0
	}
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// each calls fn for each line, unfolded, with its name in lower case.
func (c *contentLines) each(b []byte, fn func(name, params, value []byte)) {
	for len(b) > 0 {
		c.line, b = unfold(c.line[:0], b)
		colon := valueStart(c.line)
		if colon <= 0 {
			continue
		}
		name, params, _ := bytes.Cut(c.line[:colon], []byte{';'})
		if i := bytes.IndexByte(name, '.'); i >= 0 {
			name = name[i+1:] // the group of a card
		}
		c.name = octets.AppendLower(c.name[:0], octets.Cut(name, words.MaxWord))
		fn(c.name, params, bytes.TrimSpace(c.line[colon+1:]))
	}
}

// unfold appends the first line of b with those that continue it.
func unfold(dst, b []byte) (line, rest []byte) {
	for {
		piece, rest, _ := bytes.Cut(b, []byte{'\n'})
		dst = append(dst, bytes.TrimSuffix(piece, []byte{'\r'})...)
		if len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
			return dst, rest
		}
		b = rest[1:]
	}
}

// valueStart finds the colon before the value: not one in a quoted parameter.
func valueStart(line []byte) int {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return i
		}
	}
	return -1
}

// cardLine takes a line of a calendar (RFC 5545) or an address card (RFC 6350).
func (x *Extractor) cardLine(name, params, value []byte) {
	switch string(name) {
	case "summary", "description", "location", "comment", "contact", "fn", "org", "title", "role", "note", "adr", "nickname":
		x.content.text = append(unescapeText(x.content.text, value), '\n')
	case "organizer", "email":
		x.mailInText(value[bytes.IndexByte(value, ':')+1:])
		mime.Params(params, func(name, value []byte) {
			if bytes.EqualFold(name, []byte("cn")) {
				x.content.add(value)
			}
		})
	case "url", "attach", "conference":
		if i := bytes.Index(octets.Cut(value, 12), []byte("://")); i > 0 { // else a file in base64
			x.url(value)
		}
	case "tel":
		x.phone(value)
	case "method", "prodid", "status", "rrule":
		x.lineFeature(pEvent, name, value)
	}
}

// phone gives a number's digits.
func (x *Extractor) phone(value []byte) {
	x.scratch = x.scratch[:0]
	for _, c := range value {
		if c >= '0' && c <= '9' && len(x.scratch) < 20 {
			x.scratch = append(x.scratch, c)
		}
	}
	if len(x.scratch) > 0 {
		x.set.Add(pPhone, x.scratch)
	}
}

// reportLine takes a field of a delivery report (RFC 3464) or its like.
func (x *Extractor) reportLine(name, value []byte) {
	switch string(name) {
	case "action", "status", "disposition", "feedback-type":
		if i := bytes.IndexAny(value, "; "); i >= 0 {
			value = value[:i]
		}
		x.lineFeature(pReport, name, octets.AppendLower(value[:0], value))
	default:
		x.content.add(value)
	}
}

// lineFeature gives a line's name and value as one feature.
func (x *Extractor) lineFeature(p *feature.Kind, name, value []byte) {
	x.scratch = append(append(append(x.scratch[:0], name...), ' '), octets.Cut(value, words.MaxWord)...)
	x.set.Add(p, x.scratch)
}

// add adds text on a line of its own.
func (c *contentLines) add(text []byte) { c.text = append(append(c.text, text...), '\n') }

// unescapeText appends a text value with its escapes undone (RFC 5545, 3.3.11).
func unescapeText(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			i++
			if c = b[i]; c == 'n' || c == 'N' {
				c = '\n'
			}
		}
		dst = append(dst, c)
	}
	return dst
}
