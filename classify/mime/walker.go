// Package mime walks the parts of a message that arrives line by line, decodes
// the transfer encodings of its text parts, and hands each text part's head and
// tail on as UTF-8. It never fails: what cannot be parsed is taken as text, and
// named as a defect.
//
// It exists because a reader that pulls (such as go-message) needs time that
// grows with the square of the nesting depth, and gives up all later parts for
// one bad part header. A Walker does work linear in its input, keeps at most
// the head and tail of one text part, and is not safe for concurrent use.
package mime

import (
	"bytes"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Limits bound the walk. All are counts of work at fixed offsets of the message.
type Limits struct {
	Head, Tail, Total int // decoded text: start and end of a part, whole message (bytes)
	Parts, Depth      int
	ZipTail           int // bytes from the end of a zip archive, where its listing is; 0: none
}

// Sink takes what the walk finds, in the order of the message. Byte slices are
// valid during the call only.
type Sink interface {
	// PartField is a header field of a part below the top: value unfolded.
	// Nested is set for fields of an enclosed message (message/rfc822).
	PartField(name, value []byte, nested bool)
	// PartType is called once a part's header is complete.
	PartType(t Type)
	// Text is the decoded text of a part, as UTF-8; cut: only head and tail.
	Text(t Type, head, tail []byte)
	// Data is the start of a part that is no text, decoded. Of a zip archive that is
	// longer, end is its end, together with the start where nothing is missing between.
	Data(t Type, head, end []byte)
	// Defect names something malformed, such as "broken" or "base64".
	Defect(name string)
}

// partHeaderMax bounds the bytes and the fields of one part's header.
const (
	partHeaderMax = 16 << 10
	partFieldsMax = 100
	boundaryMax   = 200 // RFC 2046 section 5.1.1 allows 70
)

// dataMax is how much is decoded of a part that is no text.
const dataMax = 4 << 10

type state uint8

const (
	inHeader state = iota // header of a part or an enclosed message
	inText                // body of a text part
	inPreamble
	inData // start of a part that is not text
	inSkip // the rest of it, or an epilogue
)

// Walker is the push parser. Call Begin with the top-level Content-Type and
// Content-Transfer-Encoding, Line for each line, and End.
type Walker struct {
	lim  Limits
	sink Sink

	stack [][]byte // boundaries of the open multiparts, outermost first
	sums  []uint64 // their hashes
	alike []bool   // whether they are multipart/alternative
	state state
	depth int
	parts int
	total int // decoded text bytes kept so far

	field    []byte // header field being unfolded
	hdrBytes int
	fields   int
	nested   bool // the header being read is an enclosed message's
	typed    bool // of doubled fields the first counts, as at the top
	encoded  bool
	typ      Type
	cte      []byte

	text    text
	decoder decoder
	conv    charsetConverter
	bounds  []byte // storage of the boundaries
	told    string // the last defect the sink was told of
}

// New returns a Walker that tells sink what it finds.
func New(lim Limits, sink Sink) *Walker { return &Walker{lim: lim, sink: sink} }

// Begin starts a message whose top-level header gave this type, and this value of
// Content-Transfer-Encoding (which may be nil).
func (w *Walker) Begin(t Type, cte []byte) {
	w.stack, w.sums, w.bounds = w.stack[:0], w.sums[:0], w.bounds[:0]
	w.told = ""
	w.depth, w.parts, w.total = 0, 0, 0
	w.field = w.field[:0]
	w.nested = false
	w.typ = t
	w.cte = append(w.cte[:0], cte...)
	w.startBody()
}

// Line takes one line without its end, or a fragment of a long one: start is
// set for the first fragment, end for the last.
func (w *Walker) Line(b []byte, start, end bool) {
	if start && len(b) > 2 && b[0] == '-' && b[1] == '-' && len(w.stack) > 0 && w.boundary(b) {
		return
	}
	switch w.state {
	case inHeader:
		w.headerLine(b, start)
	case inText, inPreamble, inData:
		w.decoder.line(&w.text, b, end)
		w.enough()
	}
}

// enough passes over the rest of a part whose start is all that is looked at.
func (w *Walker) enough() {
	if w.state == inData && len(w.text.head) == dataMax && !w.wantsEnd() {
		w.endPart()
	}
}

// wantsEnd reports whether the part in hand is an archive whose listing is wanted.
func (w *Walker) wantsEnd() bool {
	return w.text.tailMax > 0 && bytes.HasPrefix(w.text.head, []byte("PK"))
}

// Lines takes whole lines, each with its LF, at little cost for each: Line is
// called only for those that need it.
func (w *Walker) Lines(b []byte) {
	for len(b) > 0 {
		n := w.plain(b)
		switch {
		case n == 0:
			n = bytes.IndexByte(b, '\n') + 1
			w.Line(b[:n-1], true, true)
		case w.state != inSkip:
			w.decoder.lines(&w.text, b[:n])
			w.enough()
		}
		b = b[n:]
	}
}

// plain measures the lines at the start of b that are only decoded or passed
// over: no header, no possible delimiter, no encoding that depends on lines.
func (w *Walker) plain(b []byte) int {
	switch {
	case w.state == inHeader, w.state != inSkip && w.decoder.enc == quotedPrintable:
		return 0
	case len(w.stack) == 0:
		return len(b)
	case bytes.HasPrefix(b, []byte("--")):
		return 0
	}
	if i := bytes.Index(b, []byte("\n--")); i >= 0 {
		return i + 1
	}
	return len(b)
}

// Blank takes n empty lines, at no cost for each: there may be a hundred million.
func (w *Walker) Blank(n int) {
	for ; n > 0 && w.state == inHeader; n-- { // at most once for each level of enclosed messages
		w.endHeader()
	}
	if n > 0 && w.state < inSkip {
		w.decoder.blank(&w.text, n)
		w.enough()
	}
}

// defect tells the sink, but not of the same defect in a row: millions of lines
// may have it.
func (w *Walker) defect(name string) {
	if w.told != name {
		w.told = name
		w.sink.Defect(name)
	}
}

// End closes what is open; call it once after the last line.
func (w *Walker) End() {
	switch {
	case w.state == inHeader:
		w.endHeader()
		w.endPart()
	case w.state == inPreamble:
		// The multipart never began: its preamble is all there is to read.
		w.defect("no-parts")
		w.flushText()
	default:
		w.endPart()
	}
	if len(w.stack) > 0 {
		w.defect("unclosed")
	}
}

// boundary acts on a line that is the delimiter of an open multipart. Outer
// delimiters end inner parts that were never closed.
func (w *Walker) boundary(b []byte) bool {
	i, closing := w.delimiter(b[2:])
	if i < 0 {
		return false
	}
	if i < len(w.stack)-1 {
		w.defect("unclosed")
	}
	if w.state == inHeader {
		w.endHeader()
	}
	w.endPart()
	w.stack = w.stack[:i+1]
	w.depth = len(w.stack)
	if closing {
		w.stack = w.stack[:i]
		w.state = inSkip
		return true
	}
	w.startPart()
	return true
}

// delimiter finds the innermost multipart whose delimiter a line is that began
// with "--"; -1: none. Hashes are compared first: every line of a large message
// may look like each of many boundaries almost to the end.
func (w *Walker) delimiter(line []byte) (i int, closing bool) {
	for len(line) > 0 && (line[len(line)-1] == ' ' || line[len(line)-1] == '\t') {
		line = line[:len(line)-1]
	}
	if len(line) > boundaryMax+len("--") {
		return -1, false
	}
	sum := xxhash.Sum64(line)
	inner, ends := bytes.CutSuffix(line, []byte("--"))
	innerSum := uint64(0)
	if ends {
		innerSum = xxhash.Sum64(inner)
	}
	for i := len(w.stack) - 1; i >= 0; i-- {
		switch {
		case w.sums[i] == sum && bytes.Equal(w.stack[i], line):
			return i, false
		case ends && w.sums[i] == innerSum && bytes.Equal(w.stack[i], inner):
			return i, true
		}
	}
	return -1, false
}

// startPart begins the header of the next part of the innermost multipart.
func (w *Walker) startPart() {
	w.parts++
	w.typ.parse(nil)
	w.cte = w.cte[:0]
	if w.parts > w.lim.Parts {
		if w.parts == w.lim.Parts+1 {
			w.defect("many-parts")
		}
		w.state = inSkip
		return
	}
	w.beginHeader(false)
}

func (w *Walker) beginHeader(nested bool) {
	w.state, w.nested = inHeader, nested
	w.field, w.hdrBytes, w.fields = w.field[:0], 0, 0
	w.typed, w.encoded = false, false
}

// headerLine collects one field of a part's header. A line that is no field is
// a defect; where it is the first, the part has no header and begins there.
func (w *Walker) headerLine(b []byte, start bool) {
	if !start { // the rest of a line that is longer than any field we read
		w.keepField(b)
		return
	}
	if len(b) == 0 {
		w.endHeader()
		return
	}
	if b[0] == ' ' || b[0] == '\t' {
		if len(w.field) == 0 {
			w.defect("broken")
			return
		}
		w.keepField(b)
		return
	}
	w.flushField()
	colon := bytes.IndexByte(b, ':')
	if colon <= 0 || bytes.IndexByte(bytes.TrimRight(b[:colon], " \t"), ' ') >= 0 {
		w.defect("broken")
		if w.fields == 0 {
			w.endHeader()
			if w.state == inText {
				w.decoder.line(&w.text, b, true)
			}
		}
		return
	}
	w.keepField(b)
}

func (w *Walker) keepField(b []byte) {
	room := partHeaderMax - w.hdrBytes
	if len(b) > room {
		b = b[:max(room, 0)]
	}
	w.hdrBytes += len(b)
	w.field = append(w.field, b...)
}

// flushField hands the collected field on and remembers what steers decoding.
func (w *Walker) flushField() {
	if len(w.field) == 0 {
		return
	}
	field := w.field
	w.field = w.field[:0]
	w.fields++
	if w.fields > partFieldsMax {
		return
	}
	name, value, ok := bytes.Cut(field, []byte{':'})
	if !ok {
		return
	}
	name, value = bytes.TrimRight(name, " \t"), bytes.TrimSpace(value)
	switch {
	case equalFold(name, "content-type") && !w.typed:
		w.typ.parse(value)
		w.typed = true
	case equalFold(name, "content-transfer-encoding") && !w.encoded:
		w.cte = append(w.cte[:0], value...)
		w.encoded = true
	case equalFold(name, "content-disposition"):
		w.typ.disposition(value)
	}
	w.sink.PartField(name, value, w.nested)
}

func (w *Walker) endHeader() {
	w.flushField()
	w.sink.PartType(w.typ)
	w.startBody()
}

// startBody decides by the type how the body that follows is read.
func (w *Walker) startBody() {
	w.text.reset(w.lim.Head, w.lim.Tail, w.lim.Total-w.total)
	w.decoder.reset(w.cte)
	switch {
	case w.typ.Multipart():
		w.startMultipart()
	case w.typ.Message() && w.decoder.identity() && w.depth < w.lim.Depth:
		w.depth++
		w.parts++
		w.typ.parse(nil)
		w.cte = w.cte[:0]
		w.beginHeader(true)
	case w.typ.Text():
		w.state = inText
	default:
		w.text.reset(dataMax, w.lim.ZipTail, dataMax+w.lim.ZipTail)
		w.state = inData
	}
}

func (w *Walker) startMultipart() {
	b := w.typ.Boundary
	w.decoder.reset(nil) // RFC 2045 section 6.4: only identity encodings here
	switch {
	case len(b) == 0 || len(b) > boundaryMax:
		w.defect("no-boundary")
		w.state = inText
		w.typ.asText()
	case w.depth >= w.lim.Depth:
		w.defect("deep")
		w.state = inSkip
	default:
		at := len(w.bounds)
		w.bounds = append(w.bounds, b...)
		w.stack = append(w.stack, w.bounds[at:len(w.bounds):len(w.bounds)])
		w.sums = append(w.sums[:len(w.stack)-1], xxhash.Sum64(b))
		w.alike = append(w.alike[:len(w.stack)-1], w.typ.Media == "multipart/alternative")
		w.depth++
		w.state = inPreamble
	}
}

// endPart finishes the body that is being read.
func (w *Walker) endPart() {
	switch w.state {
	case inText:
		w.flushText()
	case inData:
		w.endData()
	}
	w.state = inSkip
}

func (w *Walker) endData() {
	start := len(w.text.head)
	if !w.wantsEnd() {
		w.sink.Data(w.typ, w.text.head, nil)
		return
	}
	whole, end := w.text.parts() // whole: with the tail where that follows the start
	if len(end) == 0 && len(whole) > start {
		end = whole
	}
	w.sink.Data(w.typ, whole[:start], end)
}

func (w *Walker) flushText() {
	w.decoder.end(&w.text)
	if w.decoder.bad > 0 {
		w.defect(w.decoder.defect())
	}
	w.total += w.text.kept()
	head, tail := w.text.parts()
	if len(head) == 0 {
		return
	}
	charset := w.typ.charset(head)
	h, defect := w.conv.utf8(charset, head)
	if defect != "" {
		w.defect(defect)
	}
	var t []byte
	if len(tail) > 0 {
		h = bytes.Clone(h) // the converter's buffer is used again for the tail
		t, _ = w.conv.utf8(charset, tail)
	}
	typ := w.typ
	typ.Alternative = slices.Contains(w.alike[:len(w.stack)], true)
	w.sink.Text(typ, h, t)
}
