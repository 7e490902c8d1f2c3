package model

import (
	"math/bits"
	"unsafe"

	"fanmill/classify"
)

const (
	shardBits = 6
	shards    = 1 << shardBits
	minSlots  = 16
	// A shard is filled to maxLoad percent and then copied to one filled to
	// newLoad percent, which is growth by 1.3 when nothing was forgotten.
	maxLoad = 85
	newLoad = 65
	// spread is 2^64 divided by the golden ratio. Features are hashes already;
	// this keeps any run of close values apart as well. Being odd it maps no
	// two features to one.
	spread = 0x9E3779B97F4A7C15
)

// slot holds the counts of one feature; feature 0 marks a free slot. A slot
// whose counts have gone to zero stays until its shard is copied.
type slot struct {
	feature   uint64
	ham, spam uint32
}

// table maps features to counts. The top bits of a spread feature choose the
// shard, the next ones (multiplied by its length, high half) the slot, so slots
// in order are in order of the spread feature and a snapshot loads sequentially.
type table struct {
	shards [shards]shard
	zero   classify.Count // feature 0, which no slot can hold
	live   int            // features with a count
	slots  int            // of all shards
}

type shard struct {
	slots []slot
	used  int // slots taken, those with zero counts included
}

func home(hash uint64, slots int) uint64 {
	i, _ := bits.Mul64(hash<<shardBits, uint64(slots))
	return i
}

// find returns the slot of feature, or the free one where it would go; hash is
// feature*spread. The shard must have a free slot.
func (s *shard) find(feature, hash uint64) *slot {
	slots := s.slots
	for i := home(hash, len(slots)); ; {
		p := &slots[i]
		if p.feature == feature || p.feature == 0 {
			return p
		}
		if i++; i == uint64(len(slots)) {
			i = 0
		}
	}
}

func (t *table) get(feature uint64) classify.Count {
	if feature == 0 {
		return t.zero
	}
	hash := feature * spread
	s := &t.shards[hash>>(64-shardBits)]
	if s.used == 0 {
		return classify.Count{}
	}
	p := s.find(feature, hash)
	return classify.Count{Ham: p.ham, Spam: p.spam}
}

// lookUp sets out[i] to the counts of features[i].
func (t *table) lookUp(features []uint64, out []classify.Count) {
	out = out[:len(features)]
	for i, f := range features {
		hash := f * spread
		s := &t.shards[hash>>(64-shardBits)]
		if s.used == 0 || f == 0 {
			out[i] = t.get(f)
			continue
		}
		p := s.find(f, hash)
		out[i] = classify.Count{Ham: p.ham, Spam: p.spam}
	}
}

// add adds to the counts of feature, modulo 2^32: negative numbers are added
// as their complement, so the opposite addition always restores the counts.
func (t *table) add(feature uint64, ham, spam uint32) {
	if feature == 0 {
		t.bump(&t.zero.Ham, &t.zero.Spam, ham, spam)
		return
	}
	hash := feature * spread
	s := &t.shards[hash>>(64-shardBits)]
	if s.used >= len(s.slots)*maxLoad/100 {
		t.slots -= len(s.slots)
		s.regrow()
		t.slots += len(s.slots)
	}
	p := s.find(feature, hash)
	if p.feature == 0 {
		p.feature = feature
		s.used++
	}
	t.bump(&p.ham, &p.spam, ham, spam)
}

func (t *table) bump(h, s *uint32, ham, spam uint32) {
	was := *h|*s != 0
	*h += ham
	*s += spam
	if is := *h|*s != 0; is && !was {
		t.live++
	} else if was && !is {
		t.live--
	}
}

// regrow copies the slots that count to a shard of the right size.
func (s *shard) regrow() {
	fresh := newShard(s.live() + 1)
	for i := range s.slots {
		if s.slots[i].counts() {
			fresh.put(s.slots[i])
		}
	}
	*s = fresh
}

func newShard(features int) shard {
	return shard{slots: make([]slot, max(minSlots, features*100/newLoad+1))}
}

// put takes in a slot whose feature the shard does not have, and has room for.
func (s *shard) put(p slot) {
	*s.find(p.feature, p.feature*spread) = p
	s.used++
}

func (s *shard) live() (n int) {
	for i := range s.slots {
		if s.slots[i].counts() {
			n++
		}
	}
	return n
}

func (p *slot) counts() bool { return p.ham|p.spam != 0 }

// size is how many bytes of memory the table takes.
func (t *table) size() int64 { return int64(unsafe.Sizeof(*t)) + int64(t.slots)*slotSize }

// each calls fn with every feature that has a count, in no stated order.
func (t *table) each(fn func(feature uint64, c classify.Count)) {
	if t.zero != (classify.Count{}) {
		fn(0, t.zero)
	}
	for i := range t.shards {
		for _, p := range t.shards[i].slots {
			if p.counts() {
				fn(p.feature, classify.Count{Ham: p.ham, Spam: p.spam})
			}
		}
	}
}
