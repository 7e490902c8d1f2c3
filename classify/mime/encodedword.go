package mime

import "bytes"

// FieldDecoder turns a header field's value into UTF-8: encoded words
// (RFC 2047) are decoded, the charset of raw 8-bit text is found out.
type FieldDecoder struct {
	out, raw []byte
	conv     charsetConverter
	charset  string
	bits     base64Bits
	open     int // digits of the last quantum of the last word, if it was cut in two
}

// base64Bits gathers digits until there is a byte.
type base64Bits struct {
	acc uint32
	n   int
}

// Decode returns the value as UTF-8, valid until the next call. broken tells
// of an encoded word that could not be decoded and stands as it was.
func (d *FieldDecoder) Decode(v []byte) (text []byte, broken bool) {
	if !bytes.Contains(v, []byte("=?")) {
		text, _ = d.conv.utf8("", v)
		return text, false
	}
	d.out = d.out[:0]
	d.raw, d.charset, d.open = d.raw[:0], "", 0
	// So much must be left for an end of a word to be found: looking for it anew
	// at each "=?" would take time that grows with the square of the length.
	least := len(v) - bytes.LastIndex(v, []byte("?="))
	for len(v) > 0 {
		i := bytes.Index(v, []byte("=?"))
		if i < 0 {
			d.plain(v)
			break
		}
		charset, enc, data, n := encodedWord(v[i:], least)
		if n == 0 {
			broken = true
			d.plain(v[:i+2])
			v = v[i+2:]
			continue
		}
		// Blanks between two encoded words are not part of the text.
		if len(d.raw) == 0 || len(bytes.TrimSpace(v[:i])) > 0 {
			d.plain(v[:i])
		}
		if charset != d.charset {
			d.flush()
			d.charset = charset
		}
		// Words of one charset are joined before they are converted: mailers
		// cut characters in two.
		if !d.decodeWord(enc, data) {
			broken = true
		}
		v = v[i+n:]
	}
	d.flush()
	return d.out, broken
}

func (d *FieldDecoder) plain(b []byte) {
	d.flush()
	if len(b) > 0 {
		text, _ := d.conv.utf8("", b)
		d.out = append(d.out, text...)
	}
}

func (d *FieldDecoder) flush() {
	if len(d.raw) > 0 {
		text, _ := d.conv.utf8(d.charset, d.raw)
		d.out = append(d.out, text...)
	}
	d.raw, d.charset, d.open = d.raw[:0], "", 0
}

func (d *FieldDecoder) decodeWord(enc byte, data []byte) bool {
	if enc == 'q' {
		d.open = 0
		for i := 0; i < len(data); i++ {
			c := data[i]
			if c == '_' {
				c = ' '
			} else if c == '=' && i+2 < len(data) && unhex(data[i+1]) >= 0 && unhex(data[i+2]) >= 0 {
				c = byte(unhex(data[i+1])<<4 | unhex(data[i+2]))
				i += 2
			}
			d.raw = append(d.raw, c)
		}
		return true
	}
	return d.base64(data)
}

// base64 decodes a word. Mailers that cut text without looking may have cut
// within the four digits of a quantum: then it goes on in this word.
func (d *FieldDecoder) base64(data []byte) (ok bool) {
	ok = true
	if d.open == 0 || (d.open+len(data))%4 != 0 {
		d.bits = base64Bits{}
	}
	for _, c := range data {
		v := base64Digit[c]
		if v == 0xff {
			ok = ok && c == '='
			continue
		}
		d.bits.acc = d.bits.acc<<6 | uint32(v)
		if d.bits.n += 6; d.bits.n >= 8 {
			d.bits.n -= 8
			d.raw = append(d.raw, byte(d.bits.acc>>d.bits.n))
		}
	}
	d.open = 0
	if !bytes.HasSuffix(data, []byte{'='}) {
		d.open = len(data) % 4
	}
	return ok
}

// encodedWord reads =?charset?enc?data?= at the start of b; n is its length, 0
// when there is none. A language tag (RFC 2231 section 5) is cut off. Where fewer
// than least bytes are left, no "?=" is among them.
func encodedWord(b []byte, least int) (charset string, enc byte, data []byte, n int) {
	q1 := bytes.IndexByte(b[2:], '?')
	if q1 <= 0 || q1 > 60 || len(b) < 2+q1+3 || b[2+q1+2] != '?' {
		return "", 0, nil, 0
	}
	enc = b[2+q1+1] | 0x20
	if enc != 'q' && enc != 'b' {
		return "", 0, nil, 0
	}
	data = b[2+q1+3:]
	if len(data) < least {
		return "", 0, nil, 0
	}
	end := bytes.Index(data, []byte("?="))
	cs, _, _ := bytes.Cut(b[2:2+q1], []byte{'*'})
	return string(bytes.ToLower(cs)), enc, data[:end], 2 + q1 + 3 + end + 2
}
