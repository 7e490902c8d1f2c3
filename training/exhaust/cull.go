package exhaust

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"

	"fanmill/training/corpus"
)

// ErrMoved is the fault of an input that is not what it was when it was read first.
var ErrMoved = errors.New("has changed since it was read: nothing is written, run again")

// Culled is a mailbox for the messages of an input that are needed, or still missed.
type Culled struct {
	Input       *Input
	Kept, Total int
	*corpus.Mbox
}

// CullPath is where the mailbox of an input is written.
func CullPath(input string) string { return input + ".cull" }

// NewCulled begins PATH.cull for an input. It is there after Fill and Commit, or not at
// all after Discard. What is there already is replaced only by force.
func NewCulled(ctx context.Context, in *Input, force bool) (*Culled, error) {
	mbox, err := corpus.CreateMbox(ctx, CullPath(in.Path), force, []string{in.Path})
	return &Culled{Input: in, Mbox: mbox}, err
}

// Fill reads the input once more, in the same order, and takes what is needed, each
// message once.
func (k *Culled) Fill(ctx context.Context, c *Collection) error {
	moved := fmt.Errorf("%s: %w", k.Input.Path, ErrMoved)
	o, n := c.src.Corpus, 0
	o.Problem = nil // was reported when it was read first
	done := map[*Message]bool{}
	err := corpus.Walk(ctx, []string{k.Input.Path}, o, func(i corpus.Item) error {
		if n == len(k.Input.items) {
			return moved
		}
		known := k.Input.items[n]
		n++
		if maphash.Bytes(c.seed, i.Raw) != known.hash {
			return moved
		}
		m := known.message
		if !m.Needed() && !m.Missed || m.Class != k.Input.Class || done[m] {
			return nil
		}
		done[m] = true
		return k.Add(i.Raw)
	})
	if err == nil && n < len(k.Input.items) {
		err = moved
	}
	k.Kept, k.Total = k.Len(), len(k.Input.items)
	return err
}
