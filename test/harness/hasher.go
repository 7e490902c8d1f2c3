package harness

import (
	"crypto/sha256"
	"hash"

	"github.com/d--j/go-milter"
)

// Hasher is the trivial milter that ours is compared with, on the same library:
// it hashes bodies and accepts.
type Hasher struct {
	milter.NoOpMilter
	sum hash.Hash
}

// MailFrom begins a message.
func (h *Hasher) MailFrom(string, string, milter.Modifier) (*milter.Response, error) {
	h.sum = sha256.New()
	return milter.RespContinue, nil
}

// RcptTo takes every recipient.
func (h *Hasher) RcptTo(string, string, milter.Modifier) (*milter.Response, error) {
	return milter.RespContinue, nil
}

// Header asks for all fields.
func (h *Hasher) Header(string, string, milter.Modifier) (*milter.Response, error) {
	return milter.RespContinue, nil
}

// BodyChunk hashes a piece of the body.
func (h *Hasher) BodyChunk(chunk []byte, _ milter.Modifier) (*milter.Response, error) {
	h.sum.Write(chunk)
	return milter.RespContinue, nil
}
