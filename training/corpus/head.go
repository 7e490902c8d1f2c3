package corpus

import (
	"bytes"
	"net/mail"
	"strings"
	"time"
)

// Head is a stored message taken apart as far as its header: what a list or a
// mailbox needs of it. All of it is hostile text and valid as long as the message.
type Head struct {
	From   []byte // mbox `From ` line without its end and any '>' before it; nil: none
	Fields []Field
	Body   []byte
}

// Field is one header field as it stands in the message.
type Field struct{ Name, Value []byte }

// Read takes a message apart. The header ends, as it does for package classify,
// at the first line that is neither a field nor goes on with one.
func (h *Head) Read(raw []byte) {
	*h = Head{Fields: h.Fields[:0]}
	if line, rest := cutLine(raw); isFromLine(line) {
		h.From, raw = bytes.TrimLeft(line, ">"), rest
	}
	for len(raw) > 0 {
		n := fieldEnd(raw)
		name, value, found := bytes.Cut(raw[:n], []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !found || len(name) == 0 || bytes.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			break
		}
		h.Fields = append(h.Fields, Field{name, bytes.TrimRight(value, "\r\n")})
		raw = raw[n:]
	}
	if line, rest := cutLine(raw); len(line) == 0 {
		raw = rest
	}
	h.Body = raw
}

// Get returns the value of the first field of a name, blanks at its ends cut off.
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if strings.EqualFold(string(f.Name), name) {
			return strings.TrimSpace(string(f.Value))
		}
	}
	return ""
}

// maxDate bounds what is read of a date; a real one has about 40 bytes.
const maxDate = 200

// Arrived returns when the message came: by the newest Received field, which the
// site's own host wrote, else by the `From ` line, else by the Date field, which
// is the sender's claim. Dates behind latest are not believed. The zero time means
// that nothing tells.
func (h *Head) Arrived(latest time.Time) time.Time {
	trace := h.Get("Received")
	said := []time.Time{
		parseDate(trace[strings.LastIndexByte(trace, ';')+1:]), fromLineDate(string(h.From)), parseDate(h.Get("Date")),
	}
	for _, t := range said {
		if t.Year() >= 1971 && !t.After(latest) { // clocks that were never set say 1970
			return t
		}
	}
	return time.Time{}
}

func parseDate(s string) time.Time {
	if len(s) > maxDate {
		return time.Time{}
	}
	t, err := mail.ParseDate(strings.TrimSpace(s))
	if err != nil {
		return time.Time{}
	}
	return t
}

// fromLineDate reads the date of a `From ` line, which is that of asctime(3); some
// programs put a zone behind it, which is not looked at.
func fromLineDate(line string) time.Time {
	if len(line) > fieldMax {
		return time.Time{}
	}
	words := strings.Fields(line)
	for i := 2; i+5 <= len(words); i++ {
		if t, err := time.Parse(time.ANSIC, strings.Join(words[i:i+5], " ")); err == nil {
			return t
		}
	}
	return time.Time{}
}

// fieldMax bounds a `From ` line that is looked at for its date.
const fieldMax = 1000

// isFromLine tells whether a message's first line is an mbox `From ` line; some
// programs quote even that.
func isFromLine(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(line, ">"), fromLine)
}

// fieldEnd returns the length of the line at the start of b with the lines that
// go on with it.
func fieldEnd(b []byte) int {
	for n := 0; ; {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			return len(b)
		}
		n += i + 1
		if n == len(b) || b[n] != ' ' && b[n] != '\t' {
			return n
		}
	}
}

// cutLine returns the first line of b without its LF or CRLF, and what follows.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, ended := bytes.Cut(b, []byte("\n"))
	if ended {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	return line, rest
}
