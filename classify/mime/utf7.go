package mime

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// utf7 decodes UTF-7 (RFC 2152), which golang.org/x/text leaves out since no
// browser should read it. It cannot encode.
type utf7 struct{}

func (utf7) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: &utf7Decoder{}}
}
func (utf7) NewEncoder() *encoding.Encoder { return encoding.Nop.NewEncoder() }

type utf7Decoder struct {
	shifted bool // inside +...-
	fresh   bool // just behind the +
	acc     uint32
	nbits   uint
	high    rune // the first half of a surrogate pair
}

func (d *utf7Decoder) Reset() { *d = utf7Decoder{} }

// Transform needs room for three bytes for each of the source, which transform
// of charsetConverter gives it.
func (d *utf7Decoder) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for _, c := range src {
		if len(dst)-nDst < 2*utf8.UTFMax {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += d.byte(dst[nDst:], c)
		nSrc++
	}
	return nDst, nSrc, nil
}

// byte takes one byte of the source and returns how many it wrote.
func (d *utf7Decoder) byte(dst []byte, c byte) int {
	if !d.shifted {
		if c == '+' {
			*d = utf7Decoder{shifted: true, fresh: true}
			return 0
		}
		return utf8.EncodeRune(dst, ascii(c))
	}
	fresh := d.fresh
	d.fresh = false
	v := base64Digit[c]
	if c == '-' || c == '_' || v == 0xff {
		d.shifted = false
		switch {
		case c != '-':
			return utf8.EncodeRune(dst, ascii(c))
		case fresh: // +- is a plus
			dst[0] = '+'
			return 1
		}
		return 0
	}
	d.acc = d.acc<<6 | uint32(v)
	if d.nbits += 6; d.nbits < 16 {
		return 0
	}
	d.nbits -= 16
	return d.unit(dst, rune(d.acc>>d.nbits&0xffff))
}

// unit takes one unit of UTF-16.
func (d *utf7Decoder) unit(dst []byte, u rune) int {
	high := d.high
	d.high = 0
	if high != 0 {
		if r := utf16.DecodeRune(high, u); r != utf8.RuneError {
			return utf8.EncodeRune(dst, r)
		}
	}
	if u >= 0xd800 && u < 0xdc00 {
		d.high = u
		return 0
	}
	return utf8.EncodeRune(dst, u)
}

func ascii(c byte) rune {
	if c >= 0x80 {
		return utf8.RuneError
	}
	return rune(c)
}
