package classify

import (
	"bytes"
	"strings"

	"fanmill/classify/canon"
	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/words"
)

// partSink takes what the part walk finds; it is the Stream under another name,
// so that these methods stay out of the Stream's own.
type partSink Stream

// PartField gives the fields of parts; those of an enclosed message as words.
func (p *partSink) PartField(name, value []byte, nested bool) {
	s := (*Stream)(p)
	lower := octets.AppendLower(s.name[:0], name)
	s.name = lower
	s.set.From("part's header field ", lower)
	s.files.Field(lower, value)
	switch string(lower) {
	case "content-transfer-encoding":
		s.set.Add(pEncoding, s.lowerCut(value))
	case "subject", "from":
		if nested {
			s.words(s.decode(canon.AppendValue(s.value[:0], value), "field"), pBody)
		}
	}
}

// PartType gives what the part's header says of its content.
func (p *partSink) PartType(t mime.Type) {
	s := (*Stream)(p)
	s.set.From("part's header", nil)
	s.files.Part(t)
	s.typeFeatures(t)
}

// Defect gives one malformation, such as mime:broken.
func (p *partSink) Defect(name string) {
	s := (*Stream)(p)
	s.set.From("parts", nil)
	s.set.AddString(pDefect, name)
}

// Text gives the words of a text part.
func (p *partSink) Text(t mime.Type, head, tail []byte) {
	s := (*Stream)(p)
	s.set.FromText(t.Media)
	s.files.Text(t, head)
	s.text(t, head)
	if len(tail) > 0 {
		s.set.AddString(pShape, "long text")
		s.text(t, tail)
	}
}

// Data gives what the start of a part that is no text says it is.
func (p *partSink) Data(t mime.Type, head, end []byte) {
	s := (*Stream)(p)
	s.set.From("attachment", nil)
	s.files.Data(t, head, end)
	s.dataFeatures(t, head)
}

func (s *Stream) text(t mime.Type, b []byte) {
	switch {
	case t.HTML():
		var hidden []byte
		b, hidden = s.html.Text(b, (*markupSink)(s))
		hidden = hidden[:nearText(hidden, s.hiddenRoom)]
		s.hiddenRoom -= len(hidden)
		s.split.Split(hidden, s.hiddenWord)
	case t.Calendar(), t.Card(), t.Report():
		b = s.lineFeatures(t, b)
	}
	s.excerpt.Body(b)
	b = bytes.TrimLeft(b, " \t\n")
	s.room = &s.plainRoom
	if t.HTML() {
		s.room = &s.htmlRoom
	}
	near := nearText(b, s.room.words)
	s.room.words -= near
	s.split.Split(b[:near], s.textWord)
	s.split.Split(b[near:], s.farWord)
}

// wordText is how many bytes of a message's visible text give words, for plain text
// and HTML each. What stands behind is where padding goes: so many words of good mail
// that nothing else would be heard. (Figures in docs/accuracy.md. The kinds have room
// of their own, or a plain part that nobody is shown would hide the HTML.)
const wordText = 4 << 10

// hiddenText is that of text which nobody sees.
const hiddenText = 4 << 10

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

// hiddenWord gives a word that nobody sees. It says other things than one that is
// seen: words of good mail are hidden in spam.
func (s *Stream) hiddenWord(k words.Kind, w []byte, cut bool) {
	switch {
	case k == words.URL:
		s.url(w)
	case (k == words.Word || k == words.Piece) && !cut:
		s.set.Add(pHidden, w)
	}
}

func (s *Stream) bodyWord(k words.Kind, w []byte, cut bool) {
	switch {
	case k == words.Word && !cut: // what most text is made of
		s.counts.words++
		s.script(w)
		s.set.Add(pBody, w)
	case k == words.URL:
		s.url(w)
	case k == words.Mail:
		s.mailInText(w)
	case k == words.Piece:
		s.counts.words++
		s.script(w)
		s.set.Add(pPiece, w)
	case k == words.Sign:
		s.set.Add(pSign, w)
	case k == words.Trick:
		s.set.Add(pTrick, w)
	default:
		s.set.Add(pLongWord, w[:1])
	}
}

func (s *Stream) mailInText(w []byte) {
	a := octets.AppendLower(s.scratch[:0], w)
	s.scratch = a
	s.set.Add(pMailAddr, a)
	if i := bytes.LastIndexByte(a, '@'); i >= 0 {
		s.hostSuffixes(a[i+1:], pMailHost)
	}
}

// typeFeatures gives type, charset, disposition and file name of a part.
func (s *Stream) typeFeatures(t mime.Type) {
	s.set.AddString(pType, t.Media)
	if t.Charset != "" {
		s.set.Add(pCharset, octets.Cut([]byte(t.Charset), words.MaxWord))
	}
	if t.Disp != "" {
		s.set.AddString(pDisp, t.Disp)
	}
	if len(t.Boundary) > 0 {
		s.set.Add(pBoundary, shape(nil, t.Boundary))
	}
	if strings.HasPrefix(t.Media, "image/") {
		s.counts.images++
	}
	if t.Name != "" {
		name, _ := s.fields.Decode(octets.Cut([]byte(t.Name), excerptMax))
		name = octets.AppendLower(nil, name)
		s.endings(name)
		s.words(name, pFile)
	}
}

// counts are of what a message has in its body.
type counts struct {
	words  int
	images int
	links  int // that can be followed

	scripts uint32 // seen, bits by their place in scripts
}

// fewWords is what hardly says anything: a message of an image or a link.
const fewWords = 12

// shapeFeatures gives what only the whole message shows.
func (s *Stream) shapeFeatures() {
	if !s.typed {
		s.set.AddString(pShape, "no content type")
	}
	if s.headers == 0 {
		s.set.AddString(pShape, "no header")
	}
	switch c := s.counts; {
	case c.words == 0 && c.images == 0:
		s.set.AddString(pShape, "no text")
	case c.words < fewWords && c.images > 0:
		s.set.AddString(pShape, "image and few words")
	case c.words < fewWords && c.links > 0:
		s.set.AddString(pShape, "link and few words")
	}
}

// markupSink takes what the HTML reader finds; see partSink.
type markupSink Stream

// Link gives a link's parts and where it stood.
func (m *markupSink) Link(tag, attr, url []byte) {
	s := (*Stream)(m)
	if len(tag) == 1 { // a
		s.counts.links++
	}
	s.set.Add(pLinkTag, append(append(append(s.scratch[:0], octets.Cut(tag, 16)...), ' '), octets.Cut(attr, 16)...))
	s.url(bytes.TrimSpace(url))
}

// LinkText gives the site that the text of a link shows, if it leads to another.
func (m *markupSink) LinkText(text, url []byte) {
	s := (*Stream)(m)
	if shown := shownSite(text, url); shown != "" {
		s.set.AddString(pURLOdd, "text shows another site")
		s.set.AddString(pShown, shown)
	}
}

// Tag gives a tag's name.
func (m *markupSink) Tag(tag []byte) {
	s := (*Stream)(m)
	if string(tag) == "img" {
		s.counts.images++
	}
	s.set.Add(pTag, octets.Cut(tag, words.MaxWord))
}

// Attr gives an attribute with its value.
func (m *markupSink) Attr(tag, name, value []byte) {
	s := (*Stream)(m)
	b := append(append(append(s.scratch[:0], octets.Cut(tag, 16)...), ' '), octets.Cut(name, 24)...)
	b = append(append(b, '='), octets.Cut(value, words.MaxWord)...)
	s.scratch = b
	s.set.Add(pAttr, b)
}

// Oddity gives a property of the markup.
func (m *markupSink) Oddity(name string) { (*Stream)(m).set.AddString(pMarkup, name) }
