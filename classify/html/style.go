package html

import (
	"bytes"

	"github.com/cespare/xxhash/v2"

	"fanmill/classify/octets"
)

// style reads the declarations of a style attribute or rule.
func (e *effect) style(b []byte) {
	for decl := range bytes.SplitSeq(b, []byte{';'}) {
		if i := bytes.IndexByte(decl, ':'); i >= 0 {
			e.declare(bytes.TrimSpace(decl[:i]), bytes.TrimSpace(decl[i+1:]))
		}
	}
	if e.empty && e.clips {
		e.hide(tiny)
	}
}

// declare acts on one declaration, if it may hide text.
func (e *effect) declare(name, value []byte) {
	var buf [24]byte
	if len(name) > len(buf) || len(value) == 0 {
		return
	}
	switch string(octets.AppendLower(buf[:0], name)) {
	case "display":
		if hasFold(value, "none") {
			e.hide(noDisplay)
		}
	case "visibility":
		e.invisible(hasFold(value, "hidden") || hasFold(value, "collapse"))
	case "opacity":
		if x, _, ok := measure(value); ok && x < 0.1 {
			e.hide(invisible)
		}
	case "font-size":
		e.fontSize(value)
	case "font":
		for word := range bytes.FieldsSeq(value) {
			e.fontSize(word)
		}
	case "color":
		e.text(parseColour(value))
	case "background-color":
		e.background(parseColour(value))
	case "background-image":
		if !hasFold(value, "none") {
			e.picture()
		}
	case "background":
		if bytes.IndexByte(value, '(') >= 0 && !hasFold(value, "rgb") {
			e.picture()
			return
		}
		first, _, _ := bytes.Cut(value, []byte{' '})
		e.background(parseColour(first))
	case "height", "max-height", "width", "max-width":
		x, _, ok := measure(value)
		e.empty = e.empty || ok && x == 0
	case "overflow":
		e.clips = hasFold(value, "hidden")
	case "left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top":
		if x, _, ok := measure(value); ok && x <= -500 {
			e.hide(outside)
		}
	case "clip":
		if hasFold(value, "rect(0") || hasFold(value, "rect(1px") {
			e.hide(outside)
		}
	}
}

// fontSize acts on a size, and on nothing else.
func (e *effect) fontSize(value []byte) {
	x, unit, ok := measure(value)
	if !ok {
		return
	}
	switch {
	case hasFold(unit, "px"), hasFold(unit, "pt"):
		e.tiny(x <= 2)
	case hasFold(unit, "em"), hasFold(unit, "rem"):
		e.tiny(x <= 0.2)
	case hasFold(unit, "%"):
		e.tiny(x <= 15)
	case len(unit) == 0, unit[0] == '/', unit[0] == ' ', unit[0] == '!':
		e.tiny(x == 0)
	}
}

// measure reads a number and its unit.
func measure(b []byte) (x float64, unit []byte, ok bool) {
	sign, i := 1.0, 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		if b[i] == '-' {
			sign = -1
		}
		i++
	}
	for place := 0.0; i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9' && place == 0:
			x = min(10*x+float64(c-'0'), 1e9)
			ok = true
		case c >= '0' && c <= '9':
			x += float64(c-'0') * place
			place /= 10
			ok = true
		case c == '.' && place == 0:
			place = 0.1
		default:
			return sign * x, b[i:], ok
		}
	}
	return sign * x, nil, ok
}

// rulesMax bounds the rules of style sheets that are kept.
const rulesMax = 500

// styleSheet keeps the rules of a style element for a class, an id or a tag alone
// that may hide text; those under conditions (@media) do not count.
func (r *Reader) styleSheet(b []byte) {
	for {
		open := bytes.IndexByte(b, '{')
		if open < 0 {
			return
		}
		selectors := b[:open]
		if i := bytes.LastIndex(selectors, []byte("*/")); i >= 0 {
			selectors = selectors[i+2:]
		}
		b = b[open+1:]
		if bytes.IndexByte(selectors, '@') >= 0 {
			b = b[blockEnd(b):]
			continue
		}
		end := bytes.IndexByte(b, '}')
		if end < 0 {
			return
		}
		var e effect
		e.style(b[:end])
		b = b[end+1:]
		if e.mask == 0 {
			continue
		}
		for s := range bytes.SplitSeq(selectors, []byte{','}) {
			r.rule(bytes.TrimSpace(s), e)
		}
	}
}

// blockEnd finds the end of a block that has blocks in it.
func blockEnd(b []byte) int {
	depth := 1
	for i, c := range b {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

func (r *Reader) rule(selector []byte, e effect) {
	if len(selector) == 0 || bytes.ContainsAny(selector, " >+~:[*\n\t") || len(r.rules) >= rulesMax {
		return
	}
	kind := byte(0)
	if i := bytes.LastIndexAny(selector, ".#"); i >= 0 {
		kind, selector = selector[i], selector[i+1:]
	}
	key := ruleKey(kind, selector)
	old := r.rules[key]
	old.join(e)
	r.rules[key] = old
}

// ruleKey tells rules apart by kind of selector and name.
func ruleKey(kind byte, name []byte) uint64 { return xxhash.Sum64(name) + uint64(kind) }

// apply joins the effects of the rules for each of some names.
func (r *Reader) apply(kind byte, names []byte, e *effect) {
	if len(r.rules) == 0 {
		return
	}
	for name := range bytes.FieldsSeq(names) {
		if found, ok := r.rules[ruleKey(kind, name)]; ok {
			e.join(found)
		}
	}
}
