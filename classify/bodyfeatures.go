package classify

import (
	"bytes"
	"strconv"

	"fanmill/classify/mime"
	"fanmill/classify/words"
)

// partSink takes what the part walk finds; it is the Stream under another name,
// so that these methods stay out of the Stream's own.
type partSink Stream

// PartField gives the fields of parts; those of an enclosed message as words.
func (p *partSink) PartField(name, value []byte, nested bool) {
	s := (*Stream)(p)
	lower := appendLower(s.name[:0], name)
	s.name = lower
	s.set.from("part's header field ", lower)
	switch string(lower) {
	case "content-transfer-encoding":
		s.set.feature(pEncoding, s.lowerCut(value))
	case "subject", "from":
		if nested {
			s.words(s.decode(appendValue(s.value[:0], value), "field"), pBody)
		}
	}
}

// PartType gives what the part's header says of its content.
func (p *partSink) PartType(t mime.Type) {
	s := (*Stream)(p)
	s.set.from("part's header", nil)
	s.typeFeatures(t)
}

// Defect gives one malformation, such as mime:broken.
func (p *partSink) Defect(name string) {
	s := (*Stream)(p)
	s.set.from("parts", nil)
	s.set.word(pDefect, name)
}

// Text gives the words of a text part.
func (p *partSink) Text(t mime.Type, head, tail []byte) {
	s := (*Stream)(p)
	s.set.fromText(t.Media)
	s.text(t, head)
	if len(tail) > 0 {
		s.set.word(pShape, "long text")
		s.text(t, tail)
	}
}

func (s *Stream) text(t mime.Type, b []byte) {
	if t.HTML() {
		b = s.html.Text(b, (*markupSink)(s))
	}
	s.excerpt.body(b)
	b = bytes.TrimLeft(b, " \t\n")
	room := &s.plainRoom
	if t.HTML() {
		room = &s.htmlRoom
	}
	near := nearText(b, *room)
	*room -= near
	s.split.Split(b[:near], s.bodyWord)
	s.split.Split(b[near:], s.farWord)
}

// wordText is how many bytes of a message's visible text give words, for plain text
// and HTML each. What stands behind is where padding goes: so many words of good mail
// that nothing else would be heard. (Figures in docs/accuracy.md. The kinds have room
// of their own, or a plain part that nobody is shown would hide the HTML.)
const wordText = 8 << 10

// nearText measures how much of b gives words when room bytes may. It goes back to a
// blank, or where none is near to the start of a character.
func nearText(b []byte, room int) int {
	if len(b) <= room {
		return len(b)
	}
	if i := bytes.LastIndexAny(b[max(room-words.MaxWord, 0):room], " \t\n"); i >= 0 {
		return max(room-words.MaxWord, 0) + i
	}
	for room > 0 && b[room]&0xc0 == 0x80 {
		room--
	}
	return room
}

// farWord takes what stands behind the text that gives words: links and addresses
// only.
func (s *Stream) farWord(k words.Kind, w []byte, cut bool) {
	if k == words.URL || k == words.Mail {
		s.bodyWord(k, w, cut)
	}
}

func (s *Stream) bodyWord(k words.Kind, w []byte, cut bool) {
	switch {
	case k == words.URL:
		s.url(w)
	case k == words.Mail:
		s.mailInText(w)
	case k == words.Piece:
		s.set.feature(pPiece, w)
	case k == words.Sign:
		s.set.feature(pSign, w)
	case k == words.Trick:
		s.set.feature(pTrick, w)
	case cut:
		s.set.feature(pLongWord, w[:1])
	default:
		s.set.feature(pBody, w)
	}
}

func (s *Stream) mailInText(w []byte) {
	a := appendLower(s.scratch[:0], w)
	s.scratch = a
	s.set.feature(pMailAddr, a)
	if i := bytes.LastIndexByte(a, '@'); i >= 0 {
		s.hostSuffixes(a[i+1:], pMailHost)
	}
}

// typeFeatures gives type, charset, disposition and file name of a part.
func (s *Stream) typeFeatures(t mime.Type) {
	s.set.word(pType, t.Media)
	if t.Charset != "" {
		s.set.feature(pCharset, cut([]byte(t.Charset), words.MaxWord))
	}
	if t.Disp != "" {
		s.set.word(pDisp, t.Disp)
	}
	if len(t.Boundary) > 0 {
		s.set.feature(pBoundary, shape(nil, t.Boundary))
	}
	if t.Name != "" {
		name, _ := s.fields.Decode(cut([]byte(t.Name), excerptMax))
		name = appendLower(nil, name)
		if dot := bytes.LastIndexByte(name, '.'); dot >= 0 {
			s.set.feature(pFileExt, cut(name[dot:], 12))
		}
		s.words(name, pFile)
	}
}

// shapeFeatures gives what only the whole message shows.
func (s *Stream) shapeFeatures() {
	if !s.typed {
		s.set.word(pShape, "no content type")
	}
	if s.headers == 0 {
		s.set.word(pShape, "no header")
	}
}

// urlsMax bounds the links of a message that are taken apart.
const urlsMax = 400

// url takes a link apart: scheme, host with its parent domains, words of path
// and query, and what is odd about it.
func (s *Stream) url(u []byte) {
	if s.urls++; s.urls > urlsMax {
		return
	}
	u = cut(u, 2000)
	scheme, rest, ok := bytes.Cut(u, []byte("://"))
	if !ok {
		scheme, rest, ok = bytes.Cut(u, []byte{':'})
		if !ok || len(scheme) > 12 {
			scheme, rest = []byte("none"), u
		}
	}
	s.host = appendLower(s.host[:0], cut(scheme, 12))
	s.set.feature(pURLScheme, s.host)
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	s.urlHost(rest[:end])
	s.urlWords(rest[end:])
}

// urlWords gives the words of a link's path and query.
func (s *Stream) urlWords(b []byte) {
	for len(b) > 0 {
		n := 0
		for n < len(b) && !partsURLWords[b[n]] {
			n++
		}
		if n > 0 && n <= words.MaxWord {
			s.set.feature(pURLWord, b[:n])
		}
		b = b[min(n+1, len(b)):]
	}
}

var partsURLWords = func() (t [256]bool) {
	for _, c := range []byte("/?#&=;.,:+-_%~!()@ ") {
		t[c] = true
	}
	return t
}()

func (s *Stream) urlHost(host []byte) {
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		s.set.word(pURLOdd, "user")
		host = host[i+1:]
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && i+1 < len(host) && host[len(host)-1] != ']' {
		s.set.feature(pURLOdd, cut(host[i:], 8))
		host = host[:i]
	}
	if bytes.IndexByte(host, '%') >= 0 {
		s.set.word(pURLOdd, "escaped host")
	}
	host = appendLower(s.host[:0], cut(host, 255))
	s.host = host
	if len(host) > 0 && (host[0] == '[' || host[0] >= '0' && host[0] <= '9') {
		if a, ok := parseLiteral(host); ok {
			s.set.word(pURLOdd, "address")
			s.addrPrefixes(a, pURLHost)
			return
		}
		if _, err := strconv.ParseUint(string(host), 0, 64); err == nil {
			s.set.word(pURLOdd, "number")
		}
	}
	s.hostSuffixes(host, pURLHost)
}

// markupSink takes what the HTML reader finds; see partSink.
type markupSink Stream

// Link gives a link's parts and where it stood.
func (m *markupSink) Link(tag, attr, url []byte) {
	s := (*Stream)(m)
	s.set.feature(pLinkTag, append(append(append(s.scratch[:0], cut(tag, 16)...), ' '), cut(attr, 16)...))
	s.url(bytes.TrimSpace(url))
}

// Tag gives a tag's name.
func (m *markupSink) Tag(tag []byte) { (*Stream)(m).set.feature(pTag, cut(tag, words.MaxWord)) }

// Attr gives an attribute with its value.
func (m *markupSink) Attr(tag, name, value []byte) {
	s := (*Stream)(m)
	b := append(append(append(s.scratch[:0], cut(tag, 16)...), ' '), cut(name, 24)...)
	b = append(append(b, '='), cut(value, words.MaxWord)...)
	s.scratch = b
	s.set.feature(pAttr, b)
}

// Oddity gives a property of the markup.
func (m *markupSink) Oddity(name string) { (*Stream)(m).set.word(pMarkup, name) }
