package canon

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"fanmill/classify/octets"
)

// Stages takes a message as SMTP brings it: each field, with its value as it stands in the
// message, the end of the header, the body in any chunks. EndHeaders may be left out.
type Stages interface {
	Header(name, value []byte)
	EndHeaders()
	Body(b []byte)
}

// Feeder finds the header fields in the lines of a stored message. The
// first line that is neither a field nor the continuation of one ends the
// header, as it does in Postfix. The zero value is ready; it keeps its buffer from one
// message to the next.
type Feeder struct {
	to    Stages
	first bool
	long  bool // the last piece had no line end: this one goes on with it
	from  bool // the line in hand is a From_ line: all of it is dropped
	field []byte
	name  int // length of the field's name
	colon int // where its colon stands
	done  bool
}

// Feed takes a whole message: CRLF or LF line ends, with or without an mbox From_ line.
func (f *Feeder) Feed(to Stages, raw []byte) {
	f.reset(to)
	for !f.done && len(raw) > 0 {
		n := bytes.IndexByte(raw, '\n') + 1
		if n == 0 {
			n = len(raw)
		}
		f.line(raw[:n])
		raw = raw[n:]
	}
	f.flush()
	to.Body(raw)
}

// Read takes a whole message from r, without keeping it in memory. Only errors of r are
// returned; the message has then come as far as it could be read.
func (f *Feeder) Read(to Stages, r io.Reader) error {
	f.reset(to)
	br := bufio.NewReaderSize(r, 64<<10)
	for !f.done {
		line, err := br.ReadSlice('\n')
		f.line(line)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			f.flush()
			return readError(err)
		}
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := br.Read(buf)
		to.Body(buf[:n])
		if err != nil {
			return readError(err)
		}
	}
}

func readError(err error) error {
	if err == io.EOF {
		return nil
	}
	return fmt.Errorf("read message: %w", err)
}

func (f *Feeder) reset(to Stages) {
	*f = Feeder{to: to, first: true, field: f.field[:0]}
}

func (f *Feeder) line(b []byte) {
	whole := bytes.HasSuffix(b, []byte{'\n'})
	long := f.long
	f.long = !whole
	switch {
	case long && f.from:
		return
	case long || (len(b) > 0 && (b[0] == ' ' || b[0] == '\t') && len(f.field) > 0):
		f.keep(b)
		return
	case f.first && bytes.HasPrefix(bytes.TrimLeft(b, ">"), []byte("From ")):
		f.first, f.from = false, true
		return
	}
	f.first, f.from = false, false
	f.flush()
	if name, colon := fieldName(b); name > 0 {
		f.name, f.colon = name, colon
		f.keep(b)
		return
	}
	f.done = true
	f.to.EndHeaders()
	if len(bytes.TrimRight(b, "\r\n")) > 0 {
		f.to.Body(b)
	}
}

// fieldMax bounds one stored field; MTAs cut or refuse far shorter ones.
const fieldMax = 1 << 20

func (f *Feeder) keep(b []byte) {
	f.field = append(f.field, octets.Cut(b, max(fieldMax-len(f.field), 0))...)
}

func (f *Feeder) flush() {
	if len(f.field) == 0 {
		return
	}
	f.to.Header(f.field[:f.name], f.field[f.colon+1:])
	f.field = f.field[:0]
}

// nameMax bounds a field's name. It is less than the pieces in which Read takes
// long lines and than fieldMax, so that a field is one however it is read.
const nameMax = 60 << 10

// fieldName measures a field's name and finds the colon behind it (RFC 5322
// section 2.2, blanks before the colon allowed as in section 4.5.3); 0: no field.
func fieldName(b []byte) (name, colon int) {
	colon = bytes.IndexByte(octets.Cut(b, nameMax), ':')
	name = max(colon, 0)
	for name > 0 && (b[name-1] == ' ' || b[name-1] == '\t') {
		name--
	}
	for _, c := range b[:name] {
		if c <= ' ' || c == 0x7f {
			return 0, colon
		}
	}
	return name, colon
}
