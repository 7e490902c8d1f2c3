package spool

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"
)

// outLimit is how much converted text is gathered before it is written on.
const outLimit = 64 << 10

// quoter adds or takes away one '>' at lines that begin with '>'s and "From ".
// It sees a message in pieces of any size, holds back no more than a count, and
// knows line ends only by the calls of newline.
type quoter struct {
	delta int // +1 or -1
	emit  func(...byte)
	mid   bool // behind the first bytes of a line, which are decided
	gt    int  // '>'s held back
	from  int  // bytes of "From " held back
}

const fromWord = "From "

// text takes bytes of one line, without its end.
func (q *quoter) text(p []byte) {
	for len(p) > 0 && !q.mid {
		switch c := p[0]; {
		case q.from == 0 && c == '>':
			q.gt++
		case c == fromWord[q.from]:
			q.from++
		default:
			q.flush()
			q.mid = true
			continue
		}
		p = p[1:]
		if q.from == len(fromWord) {
			q.gt = max(0, q.gt+q.delta)
			q.flush()
			q.mid = true
		}
	}
	q.emit(p...)
}

// flush lets go of what was held back.
func (q *quoter) flush() {
	const some = ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>"
	for ; q.gt > 0; q.gt -= min(q.gt, len(some)) {
		q.emit([]byte(some[:min(q.gt, len(some))])...)
	}
	q.emit([]byte(fromWord[:q.from])...)
	q.from = 0
}

// atStart tells whether a line begins and nothing of it is held back.
func (q *quoter) atStart() bool { return !q.mid && q.gt == 0 && q.from == 0 }

func (q *quoter) newline(end ...byte) {
	q.flush()
	q.mid = false
	q.emit(end...)
}

// MessageWriter writes a message in the form of ID.msg as an MTA hands it over:
// header fields one by one, then the body in pieces. It is for one goroutine.
// After the first error of the underlying writer it returns only that.
type MessageWriter struct {
	w   io.Writer
	q   quoter
	out []byte
	cr  bool // a CR that may belong to a line end
	err error
}

// NewMessageWriter begins a message: it writes the "From " line, Return-Path
// and one Received line made from the connection. Close ends the message; Hold
// of the Draft it writes to does that by itself.
func NewMessageWriter(w io.Writer, e Envelope, t time.Time, ownHost, id string) *MessageWriter {
	m := &MessageWriter{w: w}
	m.q = quoter{delta: 1, emit: m.emit}
	if d, ok := w.(*Draft); ok {
		d.tail = m
	}
	t = t.UTC()
	m.emit([]byte(fmt.Sprintf("From %s %s\nReturn-Path: <%s>\n", orDefault(word(e.Sender), "MAILER-DAEMON"),
		t.Format(time.ANSIC), word(e.Sender)))...)
	m.emit([]byte(fmt.Sprintf("Received: from %s (%s)\n\tby %s (fanmill) id %s; %s\n", helo(e.Helo),
		client(e), orDefault(word(ownHost), "localhost"), word(id), t.Format(time.RFC1123Z)))...)
	return m
}

// client is the comment of a Received line that names the client (RFC 5321
// section 4.4); an IPv6 address has its tag (section 4.1.3).
func client(e Envelope) string {
	name := orDefault(word(e.ClientName), "unknown")
	addr, err := netip.ParseAddr(strings.Trim(e.ClientAddr, "[]"))
	switch addr = addr.Unmap(); {
	case err != nil:
		return name
	case addr.Is4():
		return name + " [" + addr.String() + "]"
	}
	return name + " [IPv6:" + addr.WithZone("").String() + "]"
}

// helo keeps brackets only around an address literal, so that no HELO looks like
// the client's address.
func helo(s string) string {
	s = word(s)
	if in, ok := strings.CutPrefix(s, "["); ok {
		if in, ok = strings.CutSuffix(in, "]"); ok && !strings.ContainsAny(in, "[]") {
			return s
		}
	}
	return orDefault(strings.NewReplacer("[", "?", "]", "?").Replace(s), "unknown")
}

// word makes a hostile string safe as one word of a trace line: what could end
// the word, a comment or the line becomes '?'.
func word(s string) string {
	const limit = 512 // addresses have at most 254 bytes, host names 255
	if len(s) > limit {
		s = s[:limit]
	}
	b := []byte(s)
	for i, c := range b {
		if c <= ' ' || c == 0x7f || strings.IndexByte("()<>;\"\\", c) >= 0 {
			b[i] = '?'
		}
	}
	return string(b)
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Header writes one field. value is what stands behind the colon: it keeps its
// leading blank, if it has one, and its folding. A line within it that is not
// a continuation, which no MTA sends, is made one.
func (m *MessageWriter) Header(name, value []byte) error {
	if bytes.ContainsAny(name, "\r\n") {
		name = []byte(word(string(name)))
	}
	m.bytes(name)
	m.bytes([]byte{':'})
	value = bytes.TrimRight(value, "\r\n")
	for {
		i := bytes.IndexByte(value, '\n')
		if i < 0 {
			break
		}
		m.bytes(value[:i+1])
		value = value[i+1:]
		if len(value) == 0 || (value[0] != ' ' && value[0] != '\t') {
			m.bytes([]byte{'\t'})
		}
	}
	m.bytes(value)
	m.bytes([]byte{'\n'})
	return m.write()
}

// EndHeaders writes the empty line that ends the fields.
func (m *MessageWriter) EndHeaders() error {
	m.bytes([]byte{'\n'})
	return m.write()
}

// Body writes a piece of the body.
func (m *MessageWriter) Body(chunk []byte) error {
	m.bytes(chunk)
	return m.write()
}

// Close writes what was held back. It does not close the underlying writer.
func (m *MessageWriter) Close() error {
	if m.cr {
		m.cr = false
		m.q.text([]byte{'\r'})
	}
	m.q.flush()
	return m.write()
}

// bytes takes in raw bytes: CRLF becomes LF, other CRs stay.
func (m *MessageWriter) bytes(p []byte) {
	for len(p) > 0 {
		if m.cr {
			m.cr = false
			if p[0] != '\n' {
				m.q.text([]byte{'\r'})
			}
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			m.cr = p[len(p)-1] == '\r'
			m.q.text(bytes.TrimSuffix(p, []byte{'\r'}))
			return
		}
		line := p[:i]
		if i > 0 && p[i-1] == '\r' {
			line = p[:i-1]
		}
		if m.q.atStart() {
			m.line(line)
		} else {
			m.q.text(line)
			m.q.newline('\n')
		}
		p = p[i+1:]
	}
}

// line does what the quoter does, for a line that is here whole. A message may
// have tens of millions of short ones.
func (m *MessageWriter) line(b []byte) {
	if len(b) > 0 && (b[0] == '>' || b[0] == fromWord[0]) && bytes.HasPrefix(bytes.TrimLeft(b, ">"), []byte(fromWord)) {
		m.out = append(m.out, '>')
	}
	m.out = append(append(m.out, b...), '\n')
	if len(m.out) > outLimit {
		_ = m.write() // see emit
	}
}

func (m *MessageWriter) emit(p ...byte) {
	m.out = append(m.out, p...)
	if len(m.out) > outLimit {
		_ = m.write() // the error stays in m.err and is returned by the call in hand
	}
}

func (m *MessageWriter) write() error {
	if m.err == nil {
		m.err = writeAll(m.w, m.out)
	}
	m.out = m.out[:0]
	return m.err
}
