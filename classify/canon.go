package classify

import (
	"bytes"
	"slices"

	"fanmill/classify/octets"
)

// The canonical form (design invariant 1) is what a message is the same in,
// wherever it is found: as SMTP brought it, in a Maildir or an mbox, in the
// spool. Dropped are fields that delivery and mail readers add, verdict fields
// of any filter, Authentication-Results of hosts that are not named, and the
// Received lines down to the border.
//
// The walk to the border has one rule: from the top, a line whose client is the
// site's own, or that names no client, is dropped and the walk goes on; the
// first line with any other client is the border, dropped too, and its client
// gives the client features. At SMTP time the connection counts as the top-most
// line. Without a border there are no client features and no Received lines.

// appendValue appends a field's value unfolded: every run of blanks and line
// ends is one space, none stands at the ends.
func appendValue(dst, v []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, len(v))[:start+len(v)]
	n, last := start, byte(' ')
	for _, c := range v {
		c = unfolded[c]
		dst[n] = c
		if c|last != ' ' { // not both are blanks; no branch in machine code
			n++
		}
		last = c
	}
	if n > start && last == ' ' {
		n--
	}
	return dst[:n]
}

// unfolded is what stands for a byte in an unfolded value.
var unfolded = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
	}
	t['\t'], t['\r'], t['\n'], t[0] = ' ', ' ', ' ', ' '
	return t
}()

// fragment is how much of one line is handled at a time. Fragments are cut by
// their offset in the line, so the cuts do not depend on how the body arrived.
const fragment = 4096

// lines cuts a body that arrives in chunks into lines in canonical form: no CR,
// mbox quoting of "From " undone, empty lines at the end held back.
type lines struct {
	carry []byte // the begun fragment
	clean []byte
	start bool // carry begins a line
	cr    bool // there are CRs in the chunk in hand
	empty int  // empty lines held back
	sink  linesSink
}

// linesSink takes lines in canonical form.
type linesSink interface {
	line(b []byte, start, end bool) // one, or a fragment of one
	wholeLines(b []byte)            // some, each with its LF
	blankLines(n int)               // n empty ones
}

func (l *lines) reset(sink linesSink) {
	l.carry, l.start, l.empty, l.sink = l.carry[:0], true, 0, sink
}

func (l *lines) write(b []byte) {
	l.cr = bytes.IndexByte(b, '\r') >= 0
	for len(b) > 0 {
		if len(l.carry) == 0 && l.start {
			if b = l.bulk(l.skipEmpty(b)); len(b) == 0 {
				return
			}
		}
		i := bytes.IndexByte(b, '\n')
		end := i >= 0
		if !end {
			i = len(b)
		}
		l.part(b[:i], end)
		if !end {
			return
		}
		b = b[i+1:]
	}
}

// skipEmpty counts the empty lines at the start of b. A message may consist of
// nothing else.
func (l *lines) skipEmpty(b []byte) []byte {
	i := 0
	for ; i < len(b); i++ {
		switch {
		case b[i] == '\n':
		case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
			i++
		default:
			return b[i:]
		}
		l.empty++
	}
	return nil
}

// bulk hands on the whole lines at the start of b together, up to one that
// needs more care, and returns what is left. A call for each of tens of millions
// of short lines would cost seconds.
func (l *lines) bulk(b []byte) []byte {
	for n := l.asTheyAre(b); n > 0; n = l.asTheyAre(b) {
		if text := bytes.TrimRight(b[:n], "\n"); len(text) > 0 {
			l.flushEmpty()
			l.sink.wholeLines(b[:len(text)+1])
			l.empty = n - len(text) - 1
		} else {
			l.empty += n
		}
		b = b[n:]
	}
	l.clean = l.clean[:0]
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i > fragment {
			break
		}
		line := b[:i]
		if l.cr {
			if n := bytes.IndexByte(line, '\r'); n >= 0 {
				line = line[:n]
			}
			if len(line) < i-1 {
				break
			}
		}
		b = b[i+1:]
		if len(line) == 0 {
			l.empty++
			continue
		}
		for ; l.empty > 0 && len(l.clean) <= fragment; l.empty-- {
			l.clean = append(l.clean, '\n')
		}
		if l.empty > 0 || len(l.clean) > fragment {
			l.sink.wholeLines(l.clean)
			l.clean = l.clean[:0]
			l.flushEmpty()
		}
		l.clean = append(append(l.clean, unquoted(line)...), '\n')
	}
	if len(l.clean) > 0 {
		l.sink.wholeLines(l.clean)
	}
	return b
}

// asTheyAre measures the lines at the start of b that are in canonical form, together
// no longer than a fragment: none of them has a CR or may be quoted.
func (l *lines) asTheyAre(b []byte) int {
	if l.cr {
		return 0
	}
	n := bytes.LastIndexByte(octets.Cut(b, fragment), '\n') + 1
	if bytes.IndexByte(b[:n], '>') >= 0 && bytes.Contains(b[:n], []byte("From ")) {
		return 0
	}
	return n
}

// flushEmpty hands on the empty lines held back.
func (l *lines) flushEmpty() {
	if l.empty > 0 {
		l.sink.blankLines(l.empty)
		l.empty = 0
	}
}

// unquoted undoes the mbox quoting of a line.
func unquoted(line []byte) []byte {
	if len(line) > 0 && line[0] == '>' {
		if q := bytes.TrimLeft(line, ">"); bytes.HasPrefix(q, []byte("From ")) {
			return q
		}
	}
	return line
}

// part adds a piece of a line and hands on whole fragments.
func (l *lines) part(b []byte, end bool) {
	for len(l.carry)+len(b) > fragment {
		k := fragment - len(l.carry)
		l.carry = append(l.carry, b[:k]...)
		b = b[k:]
		l.flush(l.carry, false)
		l.carry, l.start = l.carry[:0], false
	}
	l.carry = append(l.carry, b...)
	if end {
		l.flush(l.carry, true)
		l.carry, l.start = l.carry[:0], true
	}
}

func (l *lines) flush(b []byte, end bool) {
	if i := bytes.IndexByte(b, '\r'); i >= 0 && i == len(b)-1 {
		b = b[:i]
	} else if i >= 0 {
		b = l.withoutCR(b)
	}
	if l.start {
		b = unquoted(b)
	}
	if len(b) == 0 && l.start && end {
		l.empty++
		return
	}
	l.flushEmpty()
	l.sink.line(b, l.start, end)
}

// withoutCR copies b, which belongs to the caller, without any CR.
func (l *lines) withoutCR(b []byte) []byte {
	l.clean = l.clean[:0]
	for _, c := range b {
		if c != '\r' {
			l.clean = append(l.clean, c)
		}
	}
	return l.clean
}

// close hands on a last line that had no end.
func (l *lines) close() {
	if len(l.carry) > 0 {
		l.flush(l.carry, true)
	}
}
