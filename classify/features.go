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

func newPrefix(text, label string) prefix {
	return prefix{seed: xxhash.Sum64String(text) | 1, label: label}
}

var (
	pBody       = newPrefix("b", "")
	pLongWord   = newPrefix("b-long", "long word: ")
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
	pMsgIDHost  = newPrefix("msgid", "message-id host: ")
	pMailer     = newPrefix("mailer", "mailer: ")
	pBoundary   = newPrefix("boundary", "boundary like: ")
	pShape      = newPrefix("shape", "message: ")
	pTrick      = newPrefix("trick", "trick: ")
)

// mix joins a kind and the hash of a word into the feature's hash. The
// multiplier is the 64-bit golden ratio (Knuth, TAOCP 3, 6.4).
func mix(seed, h uint64) uint64 {
	h = (h ^ seed) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// set is the distinct features of a message in the order they were met: open
// addressing over a power of two, cleared by Reset.
type set struct {
	slots []uint64
	list  []uint64
	other []uint64 // room for sorting
	max   int
	texts *texts // recorded only for explanations
}

// texts are what features stand for, one after another in the order of the
// message: no allocation each.
type texts struct {
	hashes []uint64
	ends   []int
	bytes  []byte
}

// textMax bounds the text of a feature, and the field name in it: a message may
// have names of a megabyte, and would have them recorded with each of its words.
const textMax = 256

func (t *texts) add(h uint64, p prefix, w []byte) {
	t.hashes = append(t.hashes, h)
	t.bytes = append(t.bytes, p.label...)
	if p.field != nil {
		t.bytes = append(append(t.bytes, cut(p.field, textMax)...), ": "...)
	}
	t.bytes = append(t.bytes, cut(w, textMax)...)
	t.ends = append(t.ends, len(t.bytes))
}

// text returns the text of a feature, "" when it was not recorded.
func (t *texts) text(h uint64) string {
	i := slices.Index(t.hashes, h)
	if i < 0 {
		return ""
	}
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return string(t.bytes[start:t.ends[i]])
}

func (t *texts) reset() {
	t.hashes, t.ends, t.bytes = t.hashes[:0], t.ends[:0], t.bytes[:0]
}

const setMin = 1024

func (s *set) reset(max int) {
	s.max = max
	s.list = s.list[:0]
	if len(s.slots) == 0 || len(s.slots) > 8*setMin {
		s.slots = make([]uint64, setMin)
	} else {
		clear(s.slots)
	}
	if s.texts != nil {
		s.texts.reset()
	}
}

// add reports whether h is new.
func (s *set) add(h uint64) bool {
	if h == 0 {
		h = 1 // 0 marks an empty slot
	}
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == h {
			return false
		}
	}
	if len(s.list) >= s.max {
		return false
	}
	s.slots[i] = h
	s.list = append(s.list, h)
	if 2*len(s.list) > len(s.slots) {
		s.grow()
	}
	return true
}

func (s *set) grow() {
	s.slots = make([]uint64, 2*len(s.slots))
	mask := uint64(len(s.slots) - 1)
	for _, h := range s.list {
		i := h & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = h
	}
}

// feature adds one feature: a kind and its word.
func (s *set) feature(p prefix, w []byte) {
	h := mix(p.seed, xxhash.Sum64(w))
	if s.add(h) && s.texts != nil {
		s.texts.add(h, p, w)
	}
}

func (s *set) word(p prefix, w string) { s.feature(p, []byte(w)) }

// sorted returns the features in ascending order. Hashes are spread evenly, so
// one pass over their first byte leaves runs that are all but sorted.
func (s *set) sorted() []uint64 {
	var next [257]int32
	for _, h := range s.list {
		next[h>>56+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	s.other = slices.Grow(s.other[:0], len(s.list))[:len(s.list)]
	for _, h := range s.list {
		s.other[next[h>>56]] = h
		next[h>>56]++
	}
	s.list, s.other = s.other, s.list
	start := int32(0)
	for _, end := range next[:256] { // each has moved on to the end of its run
		if end-start > 1 {
			slices.Sort(s.list[start:end])
		}
		start = end
	}
	return s.list
}

// fieldPrefix makes the kind of words in a header field that has no kind of its own.
func (s *set) fieldPrefix(name []byte) prefix {
	return prefix{seed: mix(0x66, xxhash.Sum64(name)) | 1, field: name}
}
