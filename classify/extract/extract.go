// Package extract tells what is to be seen in a message. An Extractor takes the header in
// canonical form, the client at the border and, as the sink of a part walk, the parts, and
// gives features, the buckets of the linear opinion, and the names of what is attached.
//
// Which features there are is append-only: a changed rule needs a kind with a new text,
// and a new classify.FeatureVersion.
package extract

import (
	"fanmill/classify/attached"
	"fanmill/classify/feature"
	"fanmill/classify/grams"
	"fanmill/classify/html"
	"fanmill/classify/mime"
	"fanmill/classify/received"
	"fanmill/classify/words"
)

// Limits bound what an Extractor looks at.
type Limits struct {
	Fields      int  // header fields that give features
	FieldLen    int  // bytes of one field's value that give features
	Features    int  // distinct features of a message
	Attachments bool // whether Found.Attached is asked for
}

// Extractor takes one message after another.
//
// Order of calls: Reset, Header for each field from the top, Client, EndHeader, what the
// walk finds for Parts, Finish.
type Extractor struct {
	limits Limits

	set     feature.Set
	excerpt grams.Excerpt
	files   attached.List
	fields  mime.FieldDecoder
	html    html.Reader
	split   words.Splitter
	found   Found

	name      []byte // header field in hand: lower-case name
	value     []byte // and unfolded value
	kind      fieldKind
	partName  []byte
	partValue []byte
	scratch   []byte
	host      []byte       // lower-case host name in hand
	content   contentLines // of a calendar or report in hand
	hop       received.Hop // of the Received line in hand

	inBody  bool
	headers int
	topType mime.Type
	topCTE  []byte
	typed   bool // topType was met: of doubled fields the first counts
	encoded bool // and topCTE
	subject bool // a Subject was met: of others a reader sees nothing
	urls    int
	counts  counts

	plainRoom, htmlRoom textRoom
	room                *textRoom     // of the text in hand
	textPlace           feature.Place // of its beginning
	shown               bool          // HTML with words was met
	hiddenRoom          int           // bytes of text that nobody sees and that may still give words
	linkRoom            int           // bytes of links and addresses that still belong to the beginning
}

// Found is what was seen in one message. See classify.Message for the fields.
type Found struct {
	Features []uint64
	Behind   []uint8
	Grams    []uint32
	Attached []attached.File

	// What a person knows the message by: decoded, at most 256 bytes of valid UTF-8;
	// hostile.
	Subject, From, MessageID string
}

// New returns an Extractor ready for its first message.
func New(limits Limits) *Extractor {
	x := &Extractor{limits: limits}
	x.files.On = limits.Attachments
	x.Reset()
	return x
}

// Record has the Extractor record what features stand for and where they stood, for Text.
// It holds from the next Reset on.
func (x *Extractor) Record() { x.set.Record() }

// Reset forgets the message in hand.
func (x *Extractor) Reset() {
	x.set.Reset(x.limits.Features)
	x.excerpt.Reset()
	x.files.Reset()
	x.found = Found{}
	x.inBody = false
	x.headers, x.urls, x.shown = 0, 0, false
	x.plainRoom, x.hiddenRoom = textRoom{wordText, beginningText}, hiddenText
	x.htmlRoom, x.linkRoom = x.plainRoom, beginningLinks
	x.topType, x.topCTE = mime.ParseType(nil), x.topCTE[:0]
	x.typed, x.encoded, x.subject = false, false, false
	x.counts = counts{}
}

// Header takes a field in canonical form: its name in lower case, its value unfolded. It
// keeps neither.
func (x *Extractor) Header(name, value []byte) {
	x.files.Field(name, value)
	x.headers++
	if x.headers <= x.limits.Fields {
		x.set.From("header field ", name)
		x.name, x.value, x.kind = name, value, kindOf(name)
		x.headerFeatures()
	} else if x.headers == x.limits.Fields+1 {
		x.set.AddString(pShape, "many fields")
	}
}

// EndHeader ends the header. It returns what it says of the body's form: its type and
// Content-Transfer-Encoding.
func (x *Extractor) EndHeader() (t mime.Type, encoding []byte) {
	x.inBody = true
	x.files.Part(x.topType)
	return x.topType, x.topCTE
}

// Parts is the Extractor as what takes the parts of the body.
func (x *Extractor) Parts() mime.Sink { return (*partSink)(x) }

// Finish ends the message. The excerpt that grams are made of has the line of the client
// at the border, or none. What is returned is valid until Reset.
func (x *Extractor) Finish(client []byte) Found {
	x.set.From("message", nil)
	x.shapeFeatures()
	x.found.Features, x.found.Behind = x.set.Drain(x.shown)
	x.found.Grams = x.excerpt.Buckets(client)
	x.found.Attached = x.files.Files
	return x.found
}

// Text returns what a feature stands for and where it stood first, "" unless that was
// recorded.
func (x *Extractor) Text(feature uint64) (text, place string) { return x.set.Text(feature) }

// Pieces returns the excerpt that grams are made of cut into pieces. Call it after Finish.
func (x *Extractor) Pieces() []grams.Piece { return x.excerpt.Pieces() }
