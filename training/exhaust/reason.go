package exhaust

import (
	"fmt"

	"fanmill/store"
)

// Miss is a message that was missed, and why it probably was.
type Miss struct {
	Message *Message
	Reason  string
	Near    *Message // one with the other label that is nearly the same; nil: none
}

// nearly is from which likeness on two messages are nearly the same: the size of the
// intersection of their features by that of the union (Jaccard).
const nearly = 0.8

// fewClues is below which number of clues a message says too little.
const fewClues = 10

// mostCompared bounds how many misses are compared with all messages of the other
// class, which takes some milliseconds each in a large collection.
const mostCompared = 200

// Compared remembers which message with the other label each miss is nearly the same as;
// nil: none.
type Compared map[*Message]*Message

// Misses lists what the last round missed, in the order of training. Comparisons
// are remembered in seen, which a caller keeps from round to round.
func Misses(list []*Message, seen Compared) (out []Miss) {
	for _, m := range list {
		if !m.Missed {
			continue
		}
		near, known := seen[m]
		if !known && len(seen) < mostCompared {
			near = nearest(m, list)
			seen[m] = near
		}
		out = append(out, Miss{Message: m, Near: near, Reason: reason(m, near)})
	}
	return out
}

func reason(m, near *Message) string {
	other := store.Ham + store.Spam - m.Class
	switch {
	case near != nil:
		return fmt.Sprintf("nearly the same as %s labelled %s", near.Name(), near.Class)
	case m.Suspect():
		return fmt.Sprintf("looks like %s", other)
	case m.Last.Clues < fewClues:
		return "too few clues"
	}
	return "not known well enough yet"
}

// Name is how a message is called: by its Message-ID, or else by the beginning of its
// digest. Hostile.
func (m *Message) Name() string {
	if m.ID != "" {
		return m.ID
	}
	return m.Digest.String()[:16]
}

// nearest returns a message with the other label that is nearly the same, nil if there
// is none.
func nearest(m *Message, list []*Message) (best *Message) {
	most := nearly
	for _, o := range list {
		a, b := len(m.Features), len(o.Features)
		if o.Class == m.Class || float64(min(a, b)) < most*float64(max(a, b)) {
			continue
		}
		if l := likeness(m.Features, o.Features); l >= most {
			best, most = o, l
		}
	}
	return best
}

// likeness is the Jaccard index of two ascending lists.
func likeness(a, b []uint64) float64 {
	both, all := 0, len(a)+len(b)
	if all == 0 {
		return 0
	}
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			both++
			a, b = a[1:], b[1:]
		}
	}
	return float64(both) / float64(all-both)
}
