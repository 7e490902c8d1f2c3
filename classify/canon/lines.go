package canon

import (
	"bytes"

	"fanmill/classify/octets"
)

// fragment is how much of one line is handled at a time. Fragments are cut by
// their offset in the line, so the cuts do not depend on how the body arrived.
const fragment = 4096

// Lines cuts a body that arrives in chunks into lines in canonical form: no CR,
// mbox quoting of "From " undone, empty lines at the end held back.
type Lines struct {
	carry []byte // the begun fragment
	clean []byte
	start bool // carry begins a line
	cr    bool // there are CRs in the chunk in hand
	empty int  // empty lines held back
	sink  Sink
}

// Sink takes lines in canonical form.
type Sink interface {
	Line(b []byte, start, end bool) // one, or a fragment of one
	WholeLines(b []byte)            // some, each with its LF
	BlankLines(n int)               // n empty ones
}

// Reset forgets the body in hand; the next one goes to sink.
func (l *Lines) Reset(sink Sink) {
	l.carry, l.start, l.empty, l.sink = l.carry[:0], true, 0, sink
}

// Write takes the next bytes of the body, cut anywhere.
func (l *Lines) Write(b []byte) {
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
func (l *Lines) skipEmpty(b []byte) []byte {
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
func (l *Lines) bulk(b []byte) []byte {
	for n := l.asTheyAre(b); n > 0; n = l.asTheyAre(b) {
		if text := bytes.TrimRight(b[:n], "\n"); len(text) > 0 {
			l.flushEmpty()
			l.sink.WholeLines(b[:len(text)+1])
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
			l.sink.WholeLines(l.clean)
			l.clean = l.clean[:0]
			l.flushEmpty()
		}
		l.clean = append(append(l.clean, unquoted(line)...), '\n')
	}
	if len(l.clean) > 0 {
		l.sink.WholeLines(l.clean)
	}
	return b
}

// asTheyAre measures the lines at the start of b that are in canonical form, together
// no longer than a fragment: none of them has a CR or may be quoted.
func (l *Lines) asTheyAre(b []byte) int {
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
func (l *Lines) flushEmpty() {
	if l.empty > 0 {
		l.sink.BlankLines(l.empty)
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
func (l *Lines) part(b []byte, end bool) {
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

func (l *Lines) flush(b []byte, end bool) {
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
	l.sink.Line(b, l.start, end)
}

// withoutCR copies b, which belongs to the caller, without any CR.
func (l *Lines) withoutCR(b []byte) []byte {
	l.clean = l.clean[:0]
	for _, c := range b {
		if c != '\r' {
			l.clean = append(l.clean, c)
		}
	}
	return l.clean
}

// Close hands on a last line that had no end.
func (l *Lines) Close() {
	if len(l.carry) > 0 {
		l.flush(l.carry, true)
	}
}
