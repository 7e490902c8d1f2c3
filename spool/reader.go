package spool

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// MessageReader opens a held message for release: the fields and the body as
// they arrived, byte for byte, with CRLF line ends; without the lines that were
// put in front of them.
func (s *Spool) MessageReader(id string) (io.ReadCloser, error) {
	r, err := s.find(id)
	if err != nil {
		return nil, err
	}
	m, err := openMessage(s.path(r.Box, id, ".msg"), r.NoNewline)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", id, ErrNotHeld)
	}
	if err != nil {
		return nil, fmt.Errorf("open message %s: %w", id, err)
	}
	return m, nil
}

func openMessage(name string, noNewline bool) (*messageReader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	m := &messageReader{f: f, r: bufio.NewReaderSize(f, 32<<10), noNewline: noNewline}
	m.q = quoter{delta: -1, emit: m.emit}
	if err := m.skipPrefix(); err != nil {
		f.Close()
		return nil, err
	}
	return m, nil
}

// messageReader takes back what MessageWriter did.
type messageReader struct {
	f         *os.File
	r         *bufio.Reader
	q         quoter
	out       []byte
	at        int  // bytes of out that were read
	newline   bool // a line end was seen and may be the last, which was added
	noNewline bool
	err       error
}

// skipPrefix passes over the four lines that NewMessageWriter wrote.
func (m *messageReader) skipPrefix() error {
	for _, prefix := range []string{"From ", "Return-Path: ", "Received: from ", "\tby "} {
		line, err := m.r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if !strings.HasPrefix(line, prefix) {
			return fmt.Errorf("damaged: it should have a line %q... at its beginning", prefix)
		}
	}
	return nil
}

// Read implements io.Reader.
func (m *messageReader) Read(p []byte) (int, error) {
	for m.at == len(m.out) && m.err == nil {
		m.fill()
	}
	n := copy(p, m.out[m.at:])
	m.at += n
	if n == 0 && len(p) > 0 {
		return 0, m.err
	}
	return n, nil
}

// fill converts the next piece.
func (m *messageReader) fill() {
	m.out, m.at = m.out[:0], 0
	p, err := m.r.Peek(1)
	if err == nil {
		p, err = m.r.Peek(m.r.Buffered())
	}
	m.convert(p)
	if _, e := m.r.Discard(len(p)); err == nil {
		err = e
	}
	if errors.Is(err, io.EOF) {
		if m.newline && !m.noNewline {
			m.q.newline('\r', '\n')
		} else {
			m.q.flush()
		}
		m.newline = false
	}
	m.err = err
}

func (m *messageReader) convert(p []byte) {
	for len(p) > 0 {
		if m.newline {
			m.newline = false
			m.q.newline('\r', '\n')
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			m.q.text(p)
			return
		}
		m.q.text(p[:i])
		m.newline = true
		p = p[i+1:]
	}
}

func (m *messageReader) emit(p ...byte) { m.out = append(m.out, p...) }

// Close implements io.Closer.
func (m *messageReader) Close() error { return m.f.Close() }
