package mime

import "bytes"

type transfer uint8

const (
	identity transfer = iota
	base64Enc
	quotedPrintable
)

// decoder undoes a transfer encoding line by line (RFC 2045 section 6) and
// goes on after anything that is wrong: base64 skips bytes outside of its
// alphabet, quoted-printable keeps them.
type decoder struct {
	enc transfer
	bad int

	acc   uint32 // base64: collected bits
	nbits int
	out   [3072]byte

	space []byte // quoted-printable: blanks that may turn out to end the line
	hex   []byte // quoted-printable: an unfinished =XX at a fragment's end
}

func (d *decoder) reset(cte []byte) {
	d.bad, d.acc, d.nbits = 0, 0, 0
	d.space, d.hex = d.space[:0], d.hex[:0]
	if i := bytes.IndexAny(cte, ";( \t"); i >= 0 {
		cte = cte[:i]
	}
	switch {
	case equalFold(cte, "base64"):
		d.enc = base64Enc
	case equalFold(cte, "quoted-printable"):
		d.enc = quotedPrintable
	default:
		d.enc = identity
	}
}

func (d *decoder) identity() bool { return d.enc == identity }

func (d *decoder) defect() string {
	if d.enc == base64Enc {
		return "base64"
	}
	return "quoted-printable"
}

func (d *decoder) line(t *text, b []byte, end bool) {
	switch d.enc {
	case base64Enc:
		d.base64(t, b)
	case quotedPrintable:
		d.quoted(t, b, end)
	default:
		t.write(b)
		if end {
			t.writeByte('\n')
		}
	}
}

// lines takes whole lines, each with its LF, of an encoding other than
// quoted-printable.
func (d *decoder) lines(t *text, b []byte) {
	if d.enc == base64Enc {
		d.base64(t, b)
		return
	}
	t.write(b)
}

// blank takes n empty lines.
func (d *decoder) blank(t *text, n int) {
	d.line(t, nil, true) // quoted-printable may have something left to end
	if d.enc != base64Enc {
		t.newlines(n - 1)
	}
}

// base64Digit maps a byte to its six bits; 0xff: not in the alphabet.
var base64Digit = func() (m [256]byte) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range m {
		m[i] = 0xff
	}
	for i := range len(alphabet) {
		m[alphabet[i]] = byte(i)
	}
	m['-'], m['_'] = 62, 63 // RFC 4648 section 5, seen in the wild
	return m
}()

func (d *decoder) base64(t *text, b []byte) {
	n := 0
	for len(b) > 0 {
		if d.nbits == 0 {
			if quanta := d.quanta(b, n); quanta > 0 {
				b = b[4*quanta:]
				if n += 3 * quanta; n == len(d.out) {
					t.write(d.out[:n])
					n = 0
				}
				continue
			}
		}
		c := b[0]
		b = b[1:]
		v := base64Digit[c]
		if v == 0xff {
			switch c {
			case '=': // padding ends a quantum; another may follow
				d.acc, d.nbits = 0, 0
			case ' ', '\t', '\n':
			default:
				d.bad++
			}
			continue
		}
		d.acc = d.acc<<6 | uint32(v)
		d.nbits += 6
		if d.nbits >= 8 {
			d.nbits -= 8
			d.out[n] = byte(d.acc >> d.nbits)
			if n++; n == len(d.out) {
				t.write(d.out[:n])
				n = 0
			}
		}
	}
	t.write(d.out[:n])
}

// quanta decodes the groups of four digits at the start of b, into out from n on as far as
// there is room, and returns their number. Nearly all of a part is of these.
func (d *decoder) quanta(b []byte, n int) int {
	most := min(len(b)/4, (len(d.out)-n)/3)
	out := d.out[n:]
	for i := range most {
		q := b[4*i : 4*i+4 : 4*i+4]
		v0, v1, v2, v3 := base64Digit[q[0]], base64Digit[q[1]], base64Digit[q[2]], base64Digit[q[3]]
		if v0|v1|v2|v3 > 63 {
			return i
		}
		o := out[3*i : 3*i+3 : 3*i+3]
		o[0], o[1], o[2] = v0<<2|v1>>4, v1<<4|v2>>2, v2<<6|v3
	}
	return most
}

// quoted decodes one line or fragment. Blanks before the line's end are
// transport padding, "=" there a soft break (RFC 2045 section 6.7).
func (d *decoder) quoted(t *text, b []byte, end bool) {
	trimmed := bytes.TrimRight(b, " \t")
	d.quotedText(t, trimmed)
	for b = b[len(trimmed):]; len(b) > 0; {
		if len(d.hex) > 0 {
			b = d.hexByte(t, b)
			continue
		}
		d.space = append(d.space, b[0])
		if len(d.space) > 1000 {
			d.flushSpace(t)
		}
		b = b[1:]
	}
	if !end {
		return
	}
	soft := len(d.hex) == 1
	if len(d.hex) == 2 {
		d.badHex(t)
	}
	d.hex, d.space = d.hex[:0], d.space[:0]
	if !soft {
		t.writeByte('\n')
	}
}

// quotedText decodes what has no blanks at its end.
func (d *decoder) quotedText(t *text, b []byte) {
	for len(b) > 0 {
		if len(d.hex) > 0 {
			b = d.hexByte(t, b)
			continue
		}
		d.flushSpace(t)
		i := bytes.IndexByte(b, '=')
		if i < 0 {
			t.write(b)
			return
		}
		t.write(b[:i])
		b = b[i:]
		if n := d.escape(t, b); n > 0 {
			b = b[n:]
			continue
		}
		d.hex = append(d.hex, '=')
		b = b[1:]
	}
}

// escape decodes an =XX, or keeps what is none, where that can be told from b
// alone; it returns how many bytes of b that took, 0 to go on byte by byte.
func (d *decoder) escape(t *text, b []byte) int {
	if len(b) < 3 {
		return 0
	}
	high, low := unhex(b[1]), unhex(b[2])
	switch {
	case high >= 0 && low >= 0:
		t.writeByte(byte(high<<4 | low))
		return 3
	case high >= 0:
		d.bad++
		t.write(b[:2])
		return 2
	case isBlank(b[1]) && isBlank(b[2]):
		return 0 // perhaps a soft break with padding
	}
	d.bad++
	t.writeByte('=')
	return 1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// hexByte goes on with an =XX that has begun, and returns what is left of b.
func (d *decoder) hexByte(t *text, b []byte) []byte {
	c := b[0]
	if len(d.hex) == 1 && (c == ' ' || c == '\t') && len(bytes.TrimLeft(b, " \t")) == 0 {
		return nil // "= " at the end of a line: a soft break with padding
	}
	if unhex(c) < 0 {
		d.badHex(t)
		return b
	}
	d.hex = append(d.hex, c)
	if len(d.hex) == 3 {
		t.writeByte(byte(unhex(d.hex[1])<<4 | unhex(d.hex[2])))
		d.hex = d.hex[:0]
	}
	return b[1:]
}

// badHex keeps a sequence that is no =XX as it stands.
func (d *decoder) badHex(t *text) {
	d.bad++
	t.write(d.hex)
	d.hex = d.hex[:0]
}

func (d *decoder) flushSpace(t *text) {
	if len(d.space) > 0 {
		t.write(d.space)
		d.space = d.space[:0]
	}
}

func (d *decoder) end(t *text) {
	if d.enc == quotedPrintable && len(d.hex) > 1 {
		d.badHex(t)
	}
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
