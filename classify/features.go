package classify

import (
	"slices"

	"github.com/cespare/xxhash/v2"
)

// prefix is the kind of a feature. Its seed enters the hash, so its text is
// append-only: a changed rule gets a new prefix. Label is what a person reads.
type prefix struct {
	seed  uint64
	label string
	field []byte // with label empty: the field whose words these are
}

func newPrefix(text, label string) *prefix {
	return &prefix{seed: xxhash.Sum64String(text) | 1, label: label}
}

var (
	pBody       = newPrefix("b", "")
	pLongWord   = newPrefix("b-long", "long word, beginning: ")
	pPiece      = newPrefix("b2", "")
	pSign       = newPrefix("sign", "sign: ")
	pURLHost    = newPrefix("u-host", "link to host: ")
	pURLWord    = newPrefix("u-word", "link: ")
	pURLScheme  = newPrefix("u-scheme", "link scheme: ")
	pURLOdd     = newPrefix("u-odd", "odd link: ")
	pLinkTag    = newPrefix("u-tag", "link in: ")
	pMailHost   = newPrefix("m-host", "address in text at: ")
	pMailAddr   = newPrefix("m-addr", "address in text: ")
	pTag        = newPrefix("tag", "html tag: ")
	pAttr       = newPrefix("attr", "html attribute: ")
	pMarkup     = newPrefix("markup", "html: ")
	pSubject    = newPrefix("subject", "subject: ")
	pField      = newPrefix("field", "has field: ")
	pType       = newPrefix("type", "content type: ")
	pCharset    = newPrefix("charset", "charset: ")
	pEncoding   = newPrefix("cte", "transfer encoding: ")
	pDisp       = newPrefix("disp", "disposition: ")
	pFile       = newPrefix("file", "file name: ")
	pFileExt    = newPrefix("ext", "file type: ")
	pDefect     = newPrefix("mime", "mime: ")
	pClientNet  = newPrefix("c-net", "client network: ")
	pClientHost = newPrefix("c-host", "client host: ")
	pHelo       = newPrefix("c-helo", "client helo: ")
	pRecvNet    = newPrefix("r-net", "received from network: ")
	pRecvHost   = newPrefix("r-host", "received from host: ")
	pAuth       = newPrefix("auth", "authentication: ")
	pMsgIDHost  = newPrefix("msgid", "message-id: ")
	pMailer     = newPrefix("mailer", "mailer: ")
	pBoundary   = newPrefix("boundary", "boundary: ")
	pShape      = newPrefix("shape", "message: ")
	pTrick      = newPrefix("trick", "trick: ")
	pHidden     = newPrefix("hidden", "hidden: ")
	pShown      = newPrefix("shown", "link shows: ")
	pContent    = newPrefix("content", "attached: ")
	pInside     = newPrefix("inside", "in archive: ")
	pEvent      = newPrefix("event", "calendar: ")
	pReport     = newPrefix("report", "report: ")
	pScript     = newPrefix("script", "script: ")
	pPhone      = newPrefix("phone", "phone: ")
)

// mix joins a kind and the hash of a word into the feature's hash. The
// multiplier is the 64-bit golden ratio (Knuth, TAOCP 3, 6.4).
func mix(seed, h uint64) uint64 {
	h = (h ^ seed) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// set is the distinct features of a message, in open addressing over a power of
// two of slots. The top bits of a feature are its slot and nothing wraps around:
// read from the first slot to the last, the set is all but sorted. Half of the
// slots again lie behind the power of two for what collides at its end.
type set struct {
	slots []uint64 // 0: empty
	other []uint64 // room to grow into
	list  []uint64 // what drain returned

	// For each slot and each feature of list, whether it stands behind the beginning of
	// the message only, 0 or 1.
	behind, otherBehind, listBehind []uint8
	behindNow                       uint8 // of what is added now

	power uint8 // the power of two
	n     int   // features held
	room  int   // how many may be held without a look at max and slots
	max   int
	field prefix // what fieldPrefix returned
	texts *texts // recorded only for explanations
}

// setMin is the power of two of slots that a set begins with, setKept the one up
// to which it keeps its memory from one message to the next.
const (
	setMin  = 10
	setKept = 14
)

// slotsFor is how many slots go with a power of two.
func slotsFor(power uint8) int { return 3 << power / 2 }

func (s *set) reset(max int) {
	if s.n > 0 { // the message was given up before its end
		clear(s.slots)
		clear(s.behind)
		s.n = 0
	}
	if len(s.slots) == 0 || len(s.slots) > slotsFor(setKept) {
		n := slotsFor(setMin)
		s.slots, s.other, s.behind, s.otherBehind = make([]uint64, n), nil, make([]uint8, n), nil
	}
	s.max, s.behindNow = max, 0
	s.resize(s.slots, s.behind, setMin)
	if s.texts != nil {
		s.texts.reset()
	}
}

// resize takes the slots for a power of two from those given.
func (s *set) resize(slots []uint64, behind []uint8, power uint8) {
	s.slots, s.behind, s.power = slots[:slotsFor(power)], behind[:slotsFor(power)], power
	s.room = min(s.max, 1<<power/2)
}

// add reports whether h is new.
func (s *set) add(h uint64) bool {
	if h == 0 {
		h = 1 // 0 marks an empty slot
	}
	slots := s.slots
	i := s.first(h)
	var held uint64 // all ones where the slot is taken
	// Whether a feature is new cannot be predicted, but that its first slot is
	// free or its own can: so this is one branch, and counting has none.
	for {
		was := slots[i]
		held = -((was | -was) >> 63)
		if (was^h)&held == 0 {
			break
		}
		i++
	}
	isNew := held == 0
	if s.n >= s.room && isNew {
		return s.addToFull(h)
	}
	slots[i] = h
	s.behind[i] = (s.behind[i] | uint8(held+1)) & s.behindNow
	s.n += int(held + 1)
	return isNew
}

// first is the slot where a feature belongs.
func (s *set) first(h uint64) uint64 { return h >> ((64 - s.power) & 63) }

// addToFull adds a new feature for which there is room only in more slots, if at all.
func (s *set) addToFull(h uint64) bool {
	if s.n >= s.max {
		return false
	}
	s.grow()
	return s.add(h)
}

// grow moves the features to twice as many slots.
func (s *set) grow() {
	if need := slotsFor(s.power + 1); cap(s.other) < need {
		s.other, s.otherBehind = make([]uint64, need), make([]uint8, need)
	}
	old, behind := s.slots, s.behind
	s.resize(s.other, s.otherBehind, s.power+1)
	s.other, s.otherBehind = old[:0], behind[:0]
	for was, h := range old {
		if h == 0 {
			continue
		}
		i := s.first(h)
		for s.slots[i] != 0 {
			i++
		}
		s.slots[i], s.behind[i] = h, behind[was]
	}
	clear(old)
	clear(behind)
}

// drain empties the set and returns its features in ascending order, and for each of
// them whether it stands behind the beginning only, 0 or 1; valid until the next call.
// Only features that collided stand in the wrong order at first, and they are neighbours.
func (s *set) drain() (list []uint64, behind []uint8) {
	list, behind = slices.Grow(s.list[:0], s.n)[:s.n], slices.Grow(s.listBehind[:0], s.n)[:s.n]
	n := 0
	for i, h := range s.slots {
		if n >= len(list) {
			break
		}
		list[n], behind[n] = h, s.behind[i]
		if h != 0 { // no branch in machine code: which slots are taken is not to be predicted
			n++
		}
	}
	clear(s.slots)
	clear(s.behind)
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j-1] > list[j]; j-- {
			list[j-1], list[j] = list[j], list[j-1]
			behind[j-1], behind[j] = behind[j], behind[j-1]
		}
	}
	s.list, s.listBehind, s.n = list, behind, 0
	return list, behind
}

// feature adds one feature: a kind and its word.
func (s *set) feature(p *prefix, w []byte) {
	h := mix(p.seed, sum64(w))
	if isNew := s.add(h); s.texts != nil && isNew {
		s.texts.add(h, p, w)
	}
}

func (s *set) word(p *prefix, w string) { s.feature(p, []byte(w)) }

// fieldPrefix makes the kind of words in a header field that has no kind of its
// own. It is good until the next call.
func (s *set) fieldPrefix(name []byte) *prefix {
	s.field = prefix{seed: mix(0x66, sum64(name)) | 1, field: name}
	return &s.field
}
