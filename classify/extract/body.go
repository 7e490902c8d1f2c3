package extract

import (
	"bytes"
	"strings"

	"fanmill/classify/canon"
	"fanmill/classify/feature"
	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/words"
)

// partSink takes what the part walk finds; it is the Extractor under another name,
// so that these methods stay out of the Extractor's own.
type partSink Extractor

// PartField gives the fields of parts; those of an enclosed message as words.
func (p *partSink) PartField(name, value []byte, nested bool) {
	x := (*Extractor)(p)
	lower := octets.AppendLower(x.partName[:0], name)
	x.partName = lower
	x.set.From("part's header field ", lower)
	x.files.Field(lower, value)
	switch string(lower) {
	case "content-transfer-encoding":
		x.set.Add(pEncoding, x.lowerCut(value))
	case "subject", "from":
		if nested {
			x.partValue = canon.AppendValue(x.partValue[:0], value)
			x.words(x.decode(x.partValue, "field"), pBody)
		}
	}
}

// PartType gives what the part's header says of its content.
func (p *partSink) PartType(t mime.Type) {
	x := (*Extractor)(p)
	x.set.From("part's header", nil)
	x.files.Part(t)
	x.typeFeatures(t)
}

// Defect gives one malformation, such as mime:broken.
func (p *partSink) Defect(name string) {
	x := (*Extractor)(p)
	x.set.From("parts", nil)
	x.set.AddString(pDefect, name)
}

// Text gives the words of a text part.
func (p *partSink) Text(t mime.Type, head, tail []byte) {
	x := (*Extractor)(p)
	x.set.FromText(t.Media)
	x.files.Text(t, head)
	x.text(t, head)
	if len(tail) > 0 {
		x.set.AddString(pShape, "long text")
		x.text(t, tail)
	}
}

// Data gives what the start of a part that is no text says it is.
func (p *partSink) Data(t mime.Type, head, end []byte) {
	x := (*Extractor)(p)
	x.set.From("attachment", nil)
	x.files.Data(t, head, end)
	x.dataFeatures(t, head)
}

func (x *Extractor) text(t mime.Type, b []byte) {
	switch {
	case t.HTML():
		var hidden []byte
		b, hidden = x.html.Text(b, (*markupSink)(x))
		hidden = hidden[:nearText(hidden, x.hiddenRoom)]
		x.hiddenRoom -= len(hidden)
		x.split.Split(hidden, x.hiddenWord)
	case t.Calendar(), t.Card(), t.Report():
		b = x.lineFeatures(t, b)
	}
	x.excerpt.Body(b)
	b = bytes.TrimLeft(b, " \t\n")
	x.room, x.textPlace = &x.plainRoom, feature.Beginning
	switch {
	case t.HTML():
		x.room = &x.htmlRoom
		x.shown = x.shown || t.Alternative && len(b) > 0
	case t.Alternative: // readers are shown the HTML, if there is some
		x.textPlace = feature.Unshown
	}
	near := nearText(b, x.room.words)
	x.room.words -= near
	x.split.Split(b[:near], x.textWord)
	x.split.Split(b[near:], x.farWord)
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
func (x *Extractor) farWord(k words.Kind, w []byte, cut bool) {
	if k == words.URL || k == words.Mail {
		x.bodyWord(k, w, cut)
	}
}

// hiddenWord gives a word that nobody sees. It says other things than one that is
// seen: words of good mail are hidden in spam.
func (x *Extractor) hiddenWord(k words.Kind, w []byte, cut bool) {
	switch {
	case k == words.URL:
		x.url(w)
	case (k == words.Word || k == words.Piece) && !cut:
		x.set.Add(pHidden, w)
	}
}

func (x *Extractor) bodyWord(k words.Kind, w []byte, cut bool) {
	switch {
	case k == words.Word && !cut: // what most text is made of
		x.counts.words++
		x.script(w)
		x.set.Add(pBody, w)
	case k == words.URL:
		x.url(w)
	case k == words.Mail:
		x.mailInText(w)
	case k == words.Piece:
		x.counts.words++
		x.script(w)
		x.set.Add(pPiece, w)
	case k == words.Sign:
		x.set.Add(pSign, w)
	case k == words.Trick:
		x.set.Add(pTrick, w)
	default:
		x.set.Add(pLongWord, w[:1])
	}
}

func (x *Extractor) mailInText(w []byte) {
	x.nextLink(len(w))
	defer x.endLink()
	a := octets.AppendLower(x.scratch[:0], w)
	x.scratch = a
	x.set.Add(pMailAddr, a)
	if i := bytes.LastIndexByte(a, '@'); i >= 0 {
		x.hostSuffixes(a[i+1:], pMailHost)
	}
}

// typeFeatures gives type, charset, disposition and file name of a part.
func (x *Extractor) typeFeatures(t mime.Type) {
	x.set.AddString(pType, t.Media)
	if t.Charset != "" {
		x.set.Add(pCharset, octets.Cut([]byte(t.Charset), words.MaxWord))
	}
	if t.Disp != "" {
		x.set.AddString(pDisp, t.Disp)
	}
	if len(t.Boundary) > 0 {
		x.set.Add(pBoundary, shape(nil, t.Boundary))
	}
	if strings.HasPrefix(t.Media, "image/") {
		x.counts.images++
	}
	if t.Name != "" {
		name, _ := x.fields.Decode(octets.Cut([]byte(t.Name), excerptMax))
		name = octets.AppendLower(nil, name)
		x.endings(name)
		x.words(name, pFile)
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
func (x *Extractor) shapeFeatures() {
	if !x.typed {
		x.set.AddString(pShape, "no content type")
	}
	if x.headers == 0 {
		x.set.AddString(pShape, "no header")
	}
	switch c := x.counts; {
	case c.words == 0 && c.images == 0:
		x.set.AddString(pShape, "no text")
	case c.words < fewWords && c.images > 0:
		x.set.AddString(pShape, "image and few words")
	case c.words < fewWords && c.links > 0:
		x.set.AddString(pShape, "link and few words")
	}
}

// markupSink takes what the HTML reader finds; see partSink.
type markupSink Extractor

// Link gives a link's parts and where it stood.
func (m *markupSink) Link(tag, attr, url []byte) {
	x := (*Extractor)(m)
	if len(tag) == 1 { // a
		x.counts.links++
	}
	x.set.Add(pLinkTag, append(append(append(x.scratch[:0], octets.Cut(tag, 16)...), ' '), octets.Cut(attr, 16)...))
	x.url(bytes.TrimSpace(url))
}

// LinkText gives the site that the text of a link shows, if it leads to another.
func (m *markupSink) LinkText(text, url []byte) {
	x := (*Extractor)(m)
	if shown := shownSite(text, url); shown != "" {
		x.set.AddString(pURLOdd, "text shows another site")
		x.set.AddString(pShown, shown)
	}
}

// Tag gives a tag's name.
func (m *markupSink) Tag(tag []byte) {
	x := (*Extractor)(m)
	if string(tag) == "img" {
		x.counts.images++
	}
	x.set.Add(pTag, octets.Cut(tag, words.MaxWord))
}

// Attr gives an attribute with its value.
func (m *markupSink) Attr(tag, name, value []byte) {
	x := (*Extractor)(m)
	b := append(append(append(x.scratch[:0], octets.Cut(tag, 16)...), ' '), octets.Cut(name, 24)...)
	b = append(append(b, '='), octets.Cut(value, words.MaxWord)...)
	x.scratch = b
	x.set.Add(pAttr, b)
}

// Oddity gives a property of the markup.
func (m *markupSink) Oddity(name string) { (*Extractor)(m).set.AddString(pMarkup, name) }
