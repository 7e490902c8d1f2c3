package classify_test

import "io"

var errEOF = io.EOF

// pieces reads a header in one piece and a body in pieces of size bytes.
type pieces struct {
	head, body []byte
	size       int
}

func readerOf(head, body []byte, size int) io.Reader {
	return &pieces{head: head, body: body, size: size}
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	if len(p.body) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(p.size, len(b))], p.body)
	p.body = p.body[n:]
	return n, nil
}
