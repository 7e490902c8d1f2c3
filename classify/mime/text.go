package mime

import "bytes"

// text keeps the head and the tail of a decoded part within its bounds.
type text struct {
	head    []byte
	tail    []byte // ring buffer of tailMax bytes once it is full
	headMax int
	tailMax int
	pos     int // next write position in a full ring
	n       int // bytes written past the head
	out     []byte
}

func (t *text) reset(head, tail, room int) {
	room = max(room, 0)
	t.headMax = min(head, room)
	t.tailMax = min(tail, room-t.headMax)
	t.head, t.tail, t.pos, t.n = t.head[:0], t.tail[:0], 0, 0
}

func (t *text) write(b []byte) {
	if room := t.headMax - len(t.head); room > 0 {
		k := min(room, len(b))
		t.head = append(t.head, b[:k]...)
		b = b[k:]
	}
	if len(b) == 0 || t.tailMax == 0 {
		return
	}
	t.n += len(b)
	if len(b) >= t.tailMax {
		t.tail, t.pos = append(t.tail[:0], b[len(b)-t.tailMax:]...), 0
		return
	}
	if room := t.tailMax - len(t.tail); room > 0 {
		k := min(room, len(b))
		t.tail = append(t.tail, b[:k]...)
		b = b[k:]
	}
	for len(b) > 0 {
		k := copy(t.tail[t.pos:], b)
		t.advance(k)
		b = b[k:]
	}
}

// advance moves the position in a full ring, by no more than to its end.
func (t *text) advance(k int) {
	if t.pos += k; t.pos == t.tailMax {
		t.pos = 0
	}
}

func (t *text) writeByte(c byte) {
	switch {
	case len(t.head) < t.headMax:
		t.head = append(t.head, c)
		return
	case t.tailMax == 0:
		return
	case len(t.tail) < t.tailMax:
		t.tail = append(t.tail, c)
	default:
		t.tail[t.pos] = c
		t.advance(1)
	}
	t.n++
}

// manyNewlines is what newlines writes at a time.
var manyNewlines = bytes.Repeat([]byte{'\n'}, 4096)

// newlines writes n of them.
func (t *text) newlines(n int) {
	for n > 0 {
		k := min(n, len(manyNewlines))
		t.write(manyNewlines[:k])
		n -= k
	}
}

func (t *text) kept() int { return len(t.head) + len(t.tail) }

// parts returns the head and the tail in order. A tail that follows the head
// without a gap is joined to it, so that a word across the seam stays whole.
func (t *text) parts() (head, tail []byte) {
	if t.n == 0 {
		return t.head, nil
	}
	t.out = append(append(t.out[:0], t.tail[t.pos:]...), t.tail[:t.pos]...)
	if t.n <= t.tailMax {
		t.head = append(t.head, t.out...)
		return t.head, nil
	}
	return t.head, t.out
}
