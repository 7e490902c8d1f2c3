package mime

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// aliases are names seen in mail that the WHATWG index does not know, or knows
// for less than what is sent under them: GB18030 has all of GBK and GB 2312.
var aliases = map[string]string{
	"cp932": "shift_jis", "ms932": "shift_jis", "x-sjis-jp": "shift_jis", "sjis-win": "shift_jis",
	"gbk": "gb18030", "gb2312": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "ms936": "gb18030", "gb-2312": "gb18030",
	"euc-cn": "gb18030", "gb18030-2000": "gb18030", "chinese": "gb18030",
	"cp949": "euc-kr", "ms949": "euc-kr", "uhc": "euc-kr", "euckr": "euc-kr",
	"cp950": "big5", "ms950": "big5", "big-5": "big5", "big5-hkscs:2004": "big5-hkscs",
	"ansi": "windows-1252", "x-ansi": "windows-1252", "iso8859_1": "windows-1252", "iso-8859-8-e": "iso-8859-8",
	"koi8": "koi8-r", "ansi_x3.4-1968": "us-ascii", "646": "us-ascii", "utf8mb4": "utf-8", "utf8mb3": "utf-8", "unicode-1-1-utf-8": "utf-8",
	"eucjp": "euc-jp", "iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "iso-2022-jp-ms": "iso-2022-jp", "cp50220": "iso-2022-jp",
}

// special are encodings that browsers refuse, and mailers use.
var special = map[string]encoding.Encoding{
	"utf-7": utf7{}, "unicode-1-1-utf-7": utf7{}, "x-unicode-2-0-utf-7": utf7{}, "csunicode11utf7": utf7{},
	"hz-gb-2312": simplifiedchinese.HZGB2312, "hz": simplifiedchinese.HZGB2312,
	"utf-32": utf32be, "utf-32be": utf32be, "utf-32le": utf32le, "utf-16": utf16be, "utf-16be": utf16be, "utf-16le": utf16le,
}

var (
	utf16be = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	utf16le = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	utf32be = utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	utf32le = utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
)

// CharsetEncoding finds the decoder for a charset label; nil for UTF-8, ASCII
// and labels it does not know (ok false).
func CharsetEncoding(label string) (enc encoding.Encoding, ok bool) {
	label = strings.ToLower(strings.Trim(label, " \t\"'"))
	if a, found := aliases[label]; found {
		label = a
	}
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil, true
	}
	if e, found := special[label]; found {
		return e, true
	}
	if len(label) > 40 {
		return nil, false
	}
	e, err := htmlindex.Get(label)
	if err != nil {
		e, err = ianaindex.IANA.Encoding(label) // old ones of personal computers, such as ibm850
		return e, err == nil && e != nil
	}
	if name, _ := htmlindex.Name(e); name == "replacement" || name == "utf-8" {
		return nil, name == "utf-8"
	}
	return e, true
}

// charsetConverter turns text of any charset into UTF-8, using one buffer and
// one decoder of each encoding again.
type charsetConverter struct {
	buf      []byte
	label    string // whose encoding is known
	enc      encoding.Encoding
	known    bool
	decoders map[encoding.Encoding]*encoding.Decoder
}

// Defects of charsets.
const (
	charsetUnknown = "charset"         // nobody knows the label
	charsetMissing = "charset:missing" // no label, and not ASCII or UTF-8
	charsetWrong   = "charset:wrong"   // the text is in another charset than its label says
)

// escape begins what changes the alphabet (ISO 2022).
const escape = 0x1b

// utf8 returns b as UTF-8, and a defect's name when the label is none, or cannot
// be right. Characters cut in two at the ends of b are left out. The result is
// valid until the next call.
func (c *charsetConverter) utf8(label string, b []byte) (out []byte, defect string) {
	if label != c.label || !c.known {
		c.enc, c.known = CharsetEncoding(label)
		c.label = label
	}
	if !c.known {
		defect = charsetUnknown
	}
	high := firstHigh(b)
	if c.enc == nil && high == len(b) && bytes.IndexByte(b, escape) < 0 { // as most text is
		return b, defect
	}
	if enc, n := byteOrderMark(b); n > 0 {
		if defect == "" && enc != c.enc && c.enc != utf16le {
			defect = c.unlabelled()
		}
		if enc == nil {
			return b[n:], defect
		}
		return c.transform(enc, b), defect
	}
	enc := c.enc
	switch enc {
	case utf7{}, simplifiedchinese.HZGB2312, utf32be, utf32le:
		return c.transform(enc, b), defect
	case utf16be, utf16le:
		if bytes.IndexByte(b, 0) >= 0 {
			return c.transform(enc, b), defect
		}
		enc = nil // no letter, digit or blank that is two bytes
	case japanese.ISO2022JP:
		enc = nil // found out by its escapes
	}
	if high == len(b) {
		if !bytes.Contains(b, []byte("\x1b$")) {
			return b, defect
		}
		if defect == "" && c.enc != japanese.ISO2022JP {
			defect = c.unlabelled()
		}
		return c.transform(japanese.ISO2022JP, b), defect
	}
	enc, found := c.actual(enc, b, high)
	if defect == "" {
		defect = found
	}
	if enc == nil {
		return whole(b), defect
	}
	return c.transform(enc, b), defect
}

// actual decides what text with bytes from 0x80 on, the first at high, is in that
// is said to be in an encoding; nil is UTF-8.
func (c *charsetConverter) actual(said encoding.Encoding, b []byte, high int) (enc encoding.Encoding, defect string) {
	good, bad, long := countUTF8(whole(b))
	_, single := said.(*charmap.Charmap)
	switch {
	case said == nil && good > 8*bad:
		if bad > 0 {
			return unicode.UTF8, charsetWrong
		}
		return nil, ""
	case said != nil && bad == 0 && (single && good > 0 || long > 0):
		return nil, charsetWrong // two bytes may be either; three are hardly ever anything else
	}
	sample := sampleAt(b, high)
	if said == nil {
		enc, _ = detect(sample)
		return enc, c.unlabelled()
	}
	if other, is := misread(said, sample); is {
		return other, charsetWrong
	}
	return said, ""
}

// unlabelled is the defect of text that is not in what its label says, if it has
// one.
func (c *charsetConverter) unlabelled() string {
	if c.label == "" {
		return charsetMissing
	}
	return charsetWrong
}

// byteOrderMark returns the length of a mark at the start of b, and what it says.
func byteOrderMark(b []byte) (enc encoding.Encoding, n int) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return nil, 3
	case bytes.HasPrefix(b, []byte("\xfe\xff")), bytes.HasPrefix(b, []byte("\xff\xfe")):
		return utf16be, 2
	}
	return nil, 0
}

// firstHigh finds the first byte of b that is not ASCII; its length if all are.
func firstHigh(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if m := highBits(b[i:]); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	if len(b) >= 8 && highBits(b[len(b)-8:]) == 0 {
		return len(b)
	}
	for i < len(b) && b[i] < 0x80 {
		i++
	}
	return i
}

// highBits are the highest bits of the first eight bytes of b.
func highBits(b []byte) uint64 { return binary.LittleEndian.Uint64(b) & 0x8080808080808080 }

// whole cuts off what may be parts of one UTF-8 character at either end of b.
func whole(b []byte) []byte {
	for n := 0; n < 3 && len(b) > 0 && b[0]&0xc0 == 0x80; n++ {
		b = b[1:]
	}
	for n := 1; n <= 3 && n <= len(b); n++ {
		if c := b[len(b)-n]; c >= 0xc0 {
			if !utf8.FullRune(b[len(b)-n:]) {
				b = b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// countUTF8 counts the characters of UTF-8 that are not ASCII, those of three
// bytes or more, and the bytes that belong to none.
func countUTF8(b []byte) (good, bad, long int) {
	for len(b) > 0 {
		i := firstHigh(b)
		if b = b[i:]; len(b) == 0 {
			break
		}
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 2:
			long++
			fallthrough
		default:
			good++
		}
		b = b[n:]
	}
	return good, bad, long
}

// sampleAt takes a piece of text from a little before the first high byte on. A
// control character ends it: what a list adds to a message in base64, say, is no
// text any more when it has been decoded.
func sampleAt(b []byte, high int) []byte {
	start := max(high-16, 0)
	end := high
	for end < min(start+sampleMax, len(b)) && (b[end] >= ' ' && b[end] != 0x7f || b[end] >= '\t' && b[end] <= '\r') {
		end++
	}
	return b[start:end]
}

func (c *charsetConverter) transform(enc encoding.Encoding, b []byte) []byte {
	dec := c.decoders[enc]
	if dec == nil {
		if c.decoders == nil {
			c.decoders = map[encoding.Encoding]*encoding.Decoder{}
		}
		dec = enc.NewDecoder()
		c.decoders[enc] = dec
	}
	dec.Reset()
	if need := 3*len(b) + 64; cap(c.buf) < need {
		c.buf = make([]byte, need)
	}
	buf := c.buf[:cap(c.buf)]
	// Decoders replace what they cannot read; they report no other error than
	// a short source, whose rest is half a character.
	n, _, _ := dec.Transform(buf, b, true)
	return buf[:n]
}

// charset is the label of the part's text: that of its header, else for markup
// with characters that need one its own.
func (t *Type) charset(text []byte) string {
	if t.Charset == "" && t.HTML() && firstHigh(text) < len(text) {
		return metaCharset(text)
	}
	return t.Charset
}

// metaCharset is the charset that markup says it is in (<meta charset=x>, or in a
// content attribute), looked for as far as browsers do; "" if there is none.
func metaCharset(b []byte) string {
	const name = "charset"
	for b = bytes.ToLower(b[:min(len(b), 1024)]); ; {
		i := bytes.Index(b, []byte(name))
		if i < 0 {
			return ""
		}
		b = b[i+len(name):]
		v := bytes.TrimLeft(b, " ")
		if len(v) == 0 || v[0] != '=' {
			continue
		}
		v = bytes.TrimLeft(v[1:], " \"'")
		if end := bytes.IndexAny(v, " \"';/>\r\n"); end > 0 && end <= 40 {
			return string(v[:end])
		}
	}
}

// ASCII tells whether no byte of b has its eighth bit set.
func ASCII(b []byte) bool { return firstHigh(b) == len(b) }
