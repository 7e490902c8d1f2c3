package mime

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode/utf32"
)

// aliases are names seen in mail that the WHATWG index does not know.
var aliases = map[string]string{
	"cp932": "shift_jis", "ms932": "shift_jis", "x-sjis-jp": "shift_jis", "sjis-win": "shift_jis",
	"cp936": "gbk", "ms936": "gbk", "gb-2312": "gbk", "cp949": "euc-kr", "ms949": "euc-kr", "uhc": "euc-kr",
	"cp950": "big5", "ms950": "big5", "big-5": "big5", "big5-hkscs:2004": "big5-hkscs",
	"ansi": "windows-1252", "x-ansi": "windows-1252", "iso8859_1": "windows-1252", "iso-8859-8-e": "iso-8859-8",
	"koi8": "koi8-r", "x-gbk": "gbk", "ansi_x3.4-1968": "us-ascii", "646": "us-ascii", "utf8mb4": "utf-8",
	"unicode-1-1-utf-8": "utf-8", "eucjp": "euc-jp", "euckr": "euc-kr", "iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp",
}

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
	case "utf-32", "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM), true
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), true
	}
	e, err := htmlindex.Get(label)
	if err != nil || len(label) > 40 {
		return nil, false
	}
	if name, _ := htmlindex.Name(e); name == "replacement" || name == "utf-8" {
		return nil, name == "utf-8"
	}
	return e, true
}

// charsetConverter turns text of any charset into UTF-8, using one buffer again.
type charsetConverter struct {
	buf  []byte
	last string
	dec  *encoding.Decoder
	same bool // dec leaves ASCII as it is
	ok   bool
}

// utf8 returns b as UTF-8, and a defect's name when the label is not known.
// Text labelled UTF-8, ASCII or unknown is taken as UTF-8 when it is valid, and
// as windows-1252 otherwise. The result is valid until the next call.
func (c *charsetConverter) utf8(label string, b []byte) (out []byte, defect string) {
	if label != c.last || !c.ok {
		enc, ok := CharsetEncoding(label)
		c.last, c.ok, c.dec, c.same = label, ok, nil, false
		if enc != nil {
			c.dec = enc.NewDecoder()
			_, c.same = enc.(*charmap.Charmap) // of those that have names in mail
		}
		if !ok {
			defect = "charset"
		}
	}
	dec := c.dec
	if dec == nil {
		if utf8.Valid(b) {
			return b, defect
		}
		dec = charmap.Windows1252.NewDecoder()
	}
	if c.same && ASCII(b) {
		return b, defect
	}
	return c.transform(dec, b), defect
}

// ASCII tells whether no byte of b has its eighth bit set.
func ASCII(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (c *charsetConverter) transform(dec *encoding.Decoder, b []byte) []byte {
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
