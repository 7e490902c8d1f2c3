package headers

import (
	"io"
	"mime"
	"strings"
)

// maxLine is the most bytes a line of a message may have (RFC 5322 section 2.1.1).
const maxLine = 998

// TagSubject returns the value of a Subject field with tag in front, without the blank
// after the colon, and whether it differs from value: it does not when the tag is
// there already, be it behind marks of replies such as "Re:".
//
// Value is that of the field as it stands in the message, "" where there is none: with
// or without the blank, folded (CRLF or LF), encoded (RFC 2047) or with raw 8-bit
// bytes. It is kept byte for byte behind the tag. A tag that is not printable ASCII is
// written as an encoded word. The line of the tag is folded where it would be too long.
func TagSubject(tag, value string) (string, bool) {
	value = strings.TrimLeft(value, " \t")
	tag = strings.TrimSpace(tag)
	if tag == "" || isTagged(decodeWords(value), tag) {
		return value, false
	}
	encoded := mime.QEncoding.Encode("utf-8", tag)
	switch {
	case strings.TrimSpace(value) == "":
		return encoded, true
	case value[0] == '\r' || value[0] == '\n':
		return encoded + value, true // begins on its second line
	case encoded != tag && strings.HasPrefix(value, "=?"):
		// The blank between two encoded words is not shown: RFC 2047 section 6.2.
		encoded = mime.QEncoding.Encode("utf-8", tag+" ")
	}
	first, _, _ := strings.Cut(value, "\n")
	if len("Subject: ")+len(encoded)+1+len(first) > maxLine {
		return encoded + "\n " + value, true
	}
	return encoded + " " + value, true
}

// decodeWords returns the text of the start of a value; words in an unknown charset as
// bytes. Nobody looks behind the tag, so a bounded part is enough.
func decodeWords(value string) string {
	value = value[:min(len(value), maxLine)]
	unfolded := strings.NewReplacer("\r", "", "\n", "").Replace(value)
	d := mime.WordDecoder{CharsetReader: func(_ string, r io.Reader) (io.Reader, error) { return r, nil }}
	text, err := d.DecodeHeader(unfolded)
	if err != nil {
		return unfolded
	}
	return text
}

// isTagged reports whether text begins with the tag, behind any marks of replies: words
// of two or three letters and a colon (Re:, Fwd:, AW:, SV:).
func isTagged(text, tag string) bool {
	for {
		text = strings.TrimLeft(text, " \t")
		if strings.HasPrefix(text, tag) {
			return true
		}
		mark, rest, found := strings.Cut(text, ":")
		if !found || len(mark) < 2 || len(mark) > 3 || strings.ContainsFunc(mark, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }) {
			return false
		}
		text = rest
	}
}
