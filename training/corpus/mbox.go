package corpus

import (
	"bytes"
	"errors"
	"io"
)

const firstBuffer = 128 << 10

var (
	fromLine  = []byte("From ")
	separator = []byte("\nFrom ")
)

// splitter cuts a stream into messages without copying them: a message is a
// slice of its buffer. In an mbox a message begins at a `From ` at the start of
// a line that follows an empty line, or at the start of the stream; the empty
// line belongs to neither message. Line ends are LF or CRLF.
type splitter struct {
	src      io.Reader
	buf      []byte
	pos, end int   // buf[pos:end] is read but not handed on
	err      error // what the source ended with; io.EOF at its proper end
	max      int
}

func (s *splitter) reset(src io.Reader) {
	s.src, s.pos, s.end, s.err = src, 0, 0, nil
	if cap(s.buf) > 4<<20 {
		s.buf = nil // one giant should not be paid for ever after
	}
}

// start skips empty lines and returns the first bytes of the stream.
func (s *splitter) start() []byte {
	for {
		for s.pos < s.end && (s.buf[s.pos] == '\n' || s.buf[s.pos] == '\r') {
			s.pos++
		}
		if s.end-s.pos >= 1024 || !s.fill() {
			return s.buf[s.pos:s.end]
		}
	}
}

// mboxNext returns the next message of an mbox, beginning with its `From `
// line. io.EOF ends the mbox. After ErrTooLarge the next call goes on with the
// message after. Any other error is the source's; what was read of the message
// it cut short is not returned.
func (s *splitter) mboxNext() ([]byte, error) {
	if s.pos == s.end && !s.fill() {
		return nil, s.err
	}
	skipped := false
	scanned := s.pos
	for {
		if at := nextSeparator(s.buf[s.pos:s.end], scanned-s.pos); at >= 0 {
			return s.cut(at+1, skipped)
		}
		// A separator that is not whole yet may begin in the last 5 bytes; the
		// empty line before it needs up to 2 more for the test.
		scanned = max(s.pos, s.end-len(separator)+1)
		if s.end-s.pos > s.max {
			skipped = true
			s.pos = max(s.pos, scanned-2)
		}
		held := scanned - s.pos
		if !s.fill() {
			break
		}
		scanned = s.pos + held
	}
	if !errors.Is(s.err, io.EOF) {
		s.pos = s.end
		return nil, s.err
	}
	return s.cut(s.end-s.pos, skipped)
}

// cut hands on the next n bytes, less the empty line at their end.
func (s *splitter) cut(n int, skipped bool) ([]byte, error) {
	raw := s.buf[s.pos : s.pos+n]
	s.pos += n
	raw = raw[:n-emptyLine(raw)]
	if skipped || len(raw) > s.max {
		return nil, ErrTooLarge
	}
	return raw, nil
}

// nextSeparator finds the line end before a `From ` that follows an empty line;
// the search begins at from.
func nextSeparator(b []byte, from int) int {
	for {
		i := bytes.Index(b[from:], separator)
		if i < 0 {
			return -1
		}
		i += from
		if bytes.HasSuffix(b[:i], []byte("\n")) || bytes.HasSuffix(b[:i], []byte("\n\r")) {
			return i
		}
		from = i + 1
	}
}

// emptyLine returns the length of the empty line that ends b, or 0.
func emptyLine(b []byte) int {
	switch {
	case bytes.HasSuffix(b, []byte("\n\n")):
		return 1
	case bytes.HasSuffix(b, []byte("\n\r\n")):
		return 2
	}
	return 0
}

// rest returns all that is left of the stream as one message.
func (s *splitter) rest() ([]byte, error) {
	skipped := false
	for s.fill() {
		if s.end-s.pos > s.max {
			skipped = true
			s.pos = s.end
		}
	}
	raw := s.buf[s.pos:s.end]
	s.pos = s.end
	switch {
	case !errors.Is(s.err, io.EOF):
		return nil, s.err
	case skipped:
		return nil, ErrTooLarge
	}
	return raw, nil
}

// fill reads more behind end; it returns false at the end of the stream. What
// stands at pos may move to the front of the buffer.
func (s *splitter) fill() bool {
	if s.err != nil {
		return false
	}
	if s.buf == nil {
		s.buf = make([]byte, firstBuffer)
	}
	switch {
	case s.pos == s.end:
		s.pos, s.end = 0, 0
	case s.end < len(s.buf):
	case s.pos > 0:
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	default:
		bigger := make([]byte, 2*len(s.buf))
		copy(bigger, s.buf[:s.end])
		s.buf = bigger
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if s.err = err; n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// atEnd tells whether the message just returned was the last. It reads
// nothing, so that message stays valid.
func (s *splitter) atEnd() bool {
	return s.pos == s.end && s.err != nil
}
