package html

import (
	"bytes"

	"fanmill/classify/octets"
)

// colour is 0xRRGGBB.
type colour int32

const (
	unknown     colour = -1
	transparent colour = -2
	white       colour = 0xffffff
)

// named are the colours that mail is written in.
var named = map[string]colour{
	"white": white, "black": 0x000000, "silver": 0xc0c0c0, "gray": 0x808080, "grey": 0x808080, "maroon": 0x800000, "red": 0xff0000, "purple": 0x800080,
	"fuchsia": 0xff00ff, "magenta": 0xff00ff, "green": 0x008000, "lime": 0x00ff00, "olive": 0x808000, "yellow": 0xffff00, "navy": 0x000080, "blue": 0x0000ff,
	"teal": 0x008080, "aqua": 0x00ffff, "cyan": 0x00ffff, "orange": 0xffa500, "pink": 0xffc0cb, "brown": 0xa52a2a, "gold": 0xffd700, "snow": 0xfffafa, "ivory": 0xfffff0,
	"whitesmoke": 0xf5f5f5, "ghostwhite": 0xf8f8ff, "lightgrey": 0xd3d3d3, "lightgray": 0xd3d3d3, "darkgray": 0xa9a9a9, "darkgrey": 0xa9a9a9, "gainsboro": 0xdcdcdc,
	"beige": 0xf5f5dc, "azure": 0xf0ffff, "lightyellow": 0xffffe0, "floralwhite": 0xfffaf0, "aliceblue": 0xf0f8ff, "transparent": transparent,
}

// parseColour reads a colour of a style sheet or of an attribute.
func parseColour(b []byte) colour {
	b = bytes.TrimSpace(b)
	if i := bytes.IndexByte(b, '!'); i >= 0 { // !important
		b = bytes.TrimSpace(b[:i])
	}
	switch {
	case len(b) > 0 && b[0] == '#':
		return parseHex(b[1:])
	case hasFold(b, "rgb"):
		return parseRGB(b)
	}
	var buf [16]byte
	if len(b) <= len(buf) {
		if c, ok := named[string(octets.AppendLower(buf[:0], b))]; ok {
			return c
		}
	}
	return parseHex(b) // attributes may leave the # out
}

func parseHex(b []byte) colour {
	c := colour(0)
	for _, x := range b {
		d := digit(x)
		if d > 15 {
			return unknown
		}
		c = c<<4 | colour(d)
		if len(b) == 3 {
			c = c<<4 | colour(d)
		}
	}
	if len(b) != 3 && len(b) != 6 {
		return unknown
	}
	return c
}

// parseRGB reads rgb(1, 2, 3) and rgba(1, 2, 3, 0.5).
func parseRGB(b []byte) colour {
	i := bytes.IndexByte(b, '(')
	if i < 0 {
		return unknown
	}
	c, n := colour(0), 0
	for part := range bytes.SplitSeq(bytes.TrimRight(b[i+1:], ") "), []byte{','}) {
		x, unit, ok := measure(bytes.TrimSpace(part))
		switch {
		case !ok:
			return unknown
		case n == 3:
			if x < 0.1 {
				return transparent
			}
			return c
		case len(unit) > 0 && unit[0] == '%':
			x *= 2.55
		}
		c = c<<8 | colour(max(0, min(x, 255)))
		n++
	}
	if n != 3 {
		return unknown
	}
	return c
}

// nearMax is how far two colours may be apart, in each of red, green and blue, so
// that text in one cannot be read on the other.
const nearMax = 16

func near(text, bg colour) bool {
	if text == transparent {
		return true
	}
	if text < 0 || bg < 0 {
		return false
	}
	for shift := 0; shift <= 16; shift += 8 {
		if d := text>>shift&0xff - bg>>shift&0xff; d > nearMax || d < -nearMax {
			return false
		}
	}
	return true
}
