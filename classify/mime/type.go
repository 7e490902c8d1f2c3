package mime

import (
	"bytes"
	"strings"
)

// Type is what a part's header says of its content. Strings are lower case
// where the standard ignores case.
type Type struct {
	Media    string // such as "text/html"; "text/plain" when missing or unreadable
	Charset  string
	Name     string // file name of Content-Type or Content-Disposition
	Disp     string // disposition word, such as "attachment"
	Boundary []byte

	// Alternative is set for texts somewhere in a multipart/alternative, of which a reader is
	// shown one (RFC 2046 section 5.1.4).
	Alternative bool
}

// Text tells whether the part's content is read as text: also files that say so
// by their name alone, and reports made for programs.
func (t *Type) Text() bool {
	switch t.Media {
	case "message/delivery-status", "message/disposition-notification", "message/feedback-report", "application/ics":
		return true
	case "application/octet-stream":
		return t.HTML() || t.named(".txt", ".csv", ".ics", ".vcf")
	}
	return strings.HasPrefix(t.Media, "text/") || t.HTML()
}

// HTML tells whether the text is markup.
func (t *Type) HTML() bool {
	switch t.Media {
	case "text/html", "application/xhtml+xml", "image/svg+xml":
		return true
	case "application/octet-stream":
		return t.named(".htm", ".html", ".shtml", ".xhtml", ".svg")
	}
	return false
}

// Calendar tells whether the text is made of events (RFC 5545), Card whether it
// is of addresses (RFC 6350).
func (t *Type) Calendar() bool {
	return t.Media == "text/calendar" || t.Media == "application/ics" || t.Media == "application/octet-stream" && t.named(".ics")
}

// Card: see Calendar.
func (t *Type) Card() bool {
	switch t.Media {
	case "text/vcard", "text/x-vcard", "text/directory":
		return true
	}
	return t.Media == "application/octet-stream" && t.named(".vcf")
}

// Report tells whether the text is fields for programs (RFC 3464, 8098, 5965).
func (t *Type) Report() bool { return t.Text() && strings.HasPrefix(t.Media, "message/") }

// named tells whether the file's name ends in one of some endings.
func (t *Type) named(endings ...string) bool {
	for _, end := range endings {
		if n := len(t.Name) - len(end); n >= 0 && strings.EqualFold(t.Name[n:], end) {
			return true
		}
	}
	return false
}

// Multipart tells whether parts follow.
func (t *Type) Multipart() bool { return strings.HasPrefix(t.Media, "multipart/") }

// Message tells whether a message with a header of its own is enclosed, or its
// header alone.
func (t *Type) Message() bool {
	switch t.Media {
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers":
		return true
	}
	return false
}

func (t *Type) asText() { t.Media = "text/plain" }

// parse reads a Content-Type value. It accepts what mailers send: no subtype,
// unquoted or unfinished parameters, doubled ones (the first counts).
func (t *Type) parse(v []byte) {
	*t = Type{Media: "text/plain"}
	if len(v) == 0 {
		return
	}
	media, rest, _ := bytes.Cut(v, []byte{';'})
	const around = " \t,\""
	media = bytes.TrimLeft(media[:min(len(media), 80)], around)
	if i := bytes.IndexAny(media, around); i >= 0 {
		media = media[:i]
	}
	if bytes.IndexByte(media, '/') >= 0 {
		t.Media = lower(media)
	}
	var file fileName
	Params(rest, func(name, value []byte) {
		switch {
		case equalFold(name, "boundary") && t.Boundary == nil:
			t.Boundary = bytes.Clone(bytes.TrimRight(value, " \t"))
		case equalFold(name, "charset") && t.Charset == "":
			t.Charset = lower(bytes.TrimSpace(value))
		default:
			file.param("name", name, value)
		}
	})
	t.Name = file.String()
}

// common are the words that headers of parts are full of: they need no memory.
var common = func() map[string]string {
	m := make(map[string]string)
	for _, w := range strings.Fields("text/plain text/html multipart/mixed multipart/alternative multipart/related multipart/signed multipart/report " +
		"message/rfc822 message/delivery-status application/octet-stream application/pdf application/zip application/pgp-signature " +
		"image/jpeg image/png image/gif text/calendar inline attachment " +
		"utf-8 us-ascii iso-8859-1 iso-8859-2 iso-8859-15 iso-2022-jp windows-1250 windows-1251 windows-1252 koi8-r gb2312 gbk big5 euc-kr shift_jis") {
		m[w] = w
	}
	return m
}()

// lower returns b in lower case.
func lower(b []byte) string {
	var room [32]byte
	low := room[:0]
	for _, c := range b[:min(len(b), len(room))] {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low = append(low, c)
	}
	if w := common[string(low)]; len(w) == len(b) {
		return w
	}
	return strings.ToLower(string(b))
}

// disposition reads a Content-Disposition value (RFC 2183).
func (t *Type) disposition(v []byte) {
	word, rest, _ := bytes.Cut(v, []byte{';'})
	word = bytes.TrimSpace(word)
	t.Disp = lower(word[:min(len(word), 40)])
	var file fileName
	Params(rest, func(name, value []byte) { file.param("filename", name, value) })
	if name := file.String(); name != "" {
		t.Name = name
	}
}

// fileName gathers a file's name, which may come in pieces and with a charset
// (RFC 2231): filename*0*=utf-8”%e4; filename*1=b.
type fileName struct {
	plain   []byte // of a parameter without these
	pieces  []byte
	charset string
}

// nameMax bounds a file's name.
const nameMax = 1 << 10

// param takes a parameter if it is the one named, or a piece of it.
func (f *fileName) param(want string, name, value []byte) {
	if len(name) < len(want) || !equalFold(name[:len(want)], want) || len(f.pieces)+len(value) > nameMax {
		return
	}
	kind := name[len(want):]
	switch {
	case len(kind) == 0:
		if f.plain == nil {
			f.plain = bytes.Clone(value)
		}
	case kind[0] != '*':
	case kind[len(kind)-1] == '*':
		if charset, rest, ok := bytes.Cut(value, []byte{'\''}); ok && len(f.pieces) == 0 {
			f.charset = string(charset)
			_, value, _ = bytes.Cut(rest, []byte{'\''}) // the language
		}
		f.pieces = appendPercent(f.pieces, value)
	default:
		f.pieces = append(f.pieces, value...)
	}
}

// String returns the name; a plain one may hold encoded words.
func (f *fileName) String() string {
	if len(f.pieces) == 0 {
		return string(f.plain)
	}
	var c charsetConverter
	name, _ := c.utf8(strings.ToLower(f.charset), f.pieces)
	return string(name)
}

// appendPercent appends b with %XX undone.
func appendPercent(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && unhex(b[i+1]) >= 0 && unhex(b[i+2]) >= 0 {
			dst = append(dst, byte(unhex(b[i+1])<<4|unhex(b[i+2])))
			i += 2
			continue
		}
		dst = append(dst, b[i])
	}
	return dst
}

// Params calls fn for each name=value of a parameter list; value is unquoted.
func Params(b []byte, fn func(name, value []byte)) {
	for len(b) > 0 {
		b = bytes.TrimLeft(b, "; \t")
		eq := bytes.IndexAny(b, "=;")
		if eq < 0 {
			return
		}
		if b[eq] == ';' {
			b = b[eq+1:]
			continue
		}
		name := bytes.TrimSpace(b[:eq])
		b = bytes.TrimLeft(b[eq+1:], " \t")
		if len(b) > 0 && b[0] == '"' {
			var value []byte
			value, b = unquote(b[1:])
			fn(name, value)
			continue
		}
		end := bytes.IndexByte(b, ';')
		if end < 0 {
			end = len(b)
		}
		fn(name, bytes.TrimSpace(b[:end]))
		b = b[end:]
	}
}

// unquote reads a quoted-string whose opening quote is already consumed. What
// has no backslash is not copied.
func unquote(b []byte) (value, rest []byte) {
	plain := 0
	for plain < len(b) && b[plain] != '"' && b[plain] != '\\' {
		plain++
	}
	if plain < len(b) && b[plain] == '"' {
		return b[:plain], b[plain+1:]
	}
	dst := bytes.Clone(b[:plain])
	for i := plain; i < len(b); i++ {
		switch b[i] {
		case '"':
			return dst, b[i+1:]
		case '\\':
			if i+1 < len(b) {
				i++
			}
		}
		dst = append(dst, b[i])
	}
	return dst, nil
}

// equalFold compares with a lower-case ASCII word, ignoring case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// ParseType reads a Content-Type value; see Type.
func ParseType(v []byte) Type {
	var t Type
	t.parse(v)
	return t
}
