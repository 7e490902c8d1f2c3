package delay

import (
	"bytes"
	"hash"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// Key stands for a message to one recipient, whenever and from wherever it is sent.
type Key [16]byte

// Print takes in what of a message is the same each time it is sent.
type Print struct {
	sum    hash.Hash
	inBody bool
}

// NewPrint returns the Print of a message of which nothing was taken in yet.
func NewPrint() *Print {
	sum, _ := blake2b.New256(nil) // an error is possible only with a key
	return &Print{sum: sum}
}

// Field takes in a header field, if it is one of those that count. How its value is
// folded makes no difference.
func (p *Print) Field(name, value []byte) {
	lower := bytes.ToLower(name)
	switch string(lower) {
	case "from", "date", "subject", "message-id":
		p.sum.Write(lower)
		p.sum.Write([]byte{':'})
		p.sum.Write(bytes.Join(bytes.Fields(value), []byte{' '}))
		p.sum.Write([]byte{'\n'})
	}
}

// Body takes in the next bytes of the body.
func (p *Print) Body(b []byte) {
	if !p.inBody {
		p.inBody = true
		p.sum.Write([]byte{'\n'})
	}
	p.sum.Write(b)
}

// Keys returns the keys of the message for its recipients, in their order.
func (p *Print) Keys(sender string, recipients []string) []Key {
	start := append(p.sum.Sum(nil), PlainSender(sender)...)
	start = append(start, 0)
	keys := make([]Key, len(recipients))
	for i, r := range recipients {
		sum := blake2b.Sum256(append(start, strings.ToLower(r)...))
		copy(keys[i][:], sum[:])
	}
	return keys
}
