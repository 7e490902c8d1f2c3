package headers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxName is how many bytes of a line are looked at for a field name; longer
// names are not verdict fields.
const maxName = 4096

// InsertTop copies a stored message from msg to dst with fields above its first
// header field (below a mbox From_ line) and without the verdict fields that
// were there, folded lines included. The fields are given the line end of the
// message's first line. Every other byte is copied as it is, so the body is the
// same byte for byte. The header ends at the first empty line; a message whose
// first line is no header field has no header, and an empty line is put between
// the fields and what it has. Memory is bounded, whatever the line lengths.
//
// An error says whether reading or writing failed; dst then holds an incomplete
// message.
func InsertTop(dst io.Writer, fields []Field, msg io.Reader) error {
	in := inserter{r: bufio.NewReaderSize(msg, 16<<10), w: bufio.NewWriterSize(dst, 16<<10)}
	in.fromLine()
	in.insert(fields)
	in.header()
	in.rest()
	if in.err != nil {
		return in.err
	}
	if err := in.w.Flush(); err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	return nil
}

// inserter carries one message through; after an error its steps do nothing.
type inserter struct {
	r   *bufio.Reader
	w   *bufio.Writer
	eol string
	err error
}

// peek returns up to maxName bytes of the next line, with its end if that is
// among them; empty at the end of the message.
func (in *inserter) peek() []byte {
	if in.err != nil {
		return nil
	}
	b, err := in.r.Peek(maxName)
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = fmt.Errorf("read message: %w", err)
		return nil
	}
	return b
}

// line consumes the rest of the current line and writes it if keep is true. It
// reports whether the line had an end.
func (in *inserter) line(keep bool) bool {
	for in.err == nil {
		b, err := in.r.ReadSlice('\n')
		if keep {
			in.write(b)
		}
		switch {
		case err == nil:
			return true
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return false
		default:
			in.err = fmt.Errorf("read message: %w", err)
		}
	}
	return false
}

func (in *inserter) write(b []byte) {
	if in.err != nil {
		return
	}
	if _, err := in.w.Write(b); err != nil {
		in.err = fmt.Errorf("write message: %w", err)
	}
}

// fromLine learns the line end and passes a mbox From_ line.
func (in *inserter) fromLine() {
	in.eol = "\n"
	first := in.peek()
	if bytes.HasSuffix(first, []byte("\r\n")) {
		in.eol = "\r\n"
	}
	if bytes.HasPrefix(first, []byte("From ")) && !in.line(true) {
		in.write([]byte(in.eol))
	}
}

func (in *inserter) insert(fields []Field) {
	for _, f := range fields {
		value := strings.ReplaceAll(f.Value, "\n", in.eol)
		in.write([]byte(f.Name + ": " + value + in.eol))
	}
	first := in.peek()
	if len(fields) > 0 && len(first) > 0 && !isEmptyLine(first) && fieldName(first) == nil {
		in.write([]byte(in.eol))
	}
}

// header passes the lines up to the first empty one, less the verdict fields.
// Without a header it passes nothing.
func (in *inserter) header() {
	if fieldName(in.peek()) == nil {
		return
	}
	keep := true
	for {
		l := in.peek()
		if len(l) == 0 || isEmptyLine(l) {
			return
		}
		if l[0] != ' ' && l[0] != '\t' {
			keep = !IsVerdict(fieldName(l))
		}
		in.line(keep)
	}
}

func (in *inserter) rest() {
	for in.err == nil && in.line(true) {
	}
}

func isEmptyLine(l []byte) bool { return string(l) == "\n" || string(l) == "\r\n" }

// fieldName returns the name of the header field that line begins, nil if it
// begins none: printable ASCII without colon (RFC 5322 section 3.6.8), then
// blanks, then a colon. 8-bit bytes are allowed, since such mail exists.
func fieldName(line []byte) []byte {
	i := bytes.IndexByte(line, ':')
	if i < 1 {
		return nil
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c == 0x7f {
			return nil
		}
	}
	if len(name) == 0 {
		return nil
	}
	return name
}
