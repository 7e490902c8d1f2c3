package classify

import (
	"bytes"
	"hash"
	"slices"

	"golang.org/x/crypto/blake2b"

	"fanmill/classify/attached"
	"fanmill/classify/canon"
	"fanmill/classify/extract"
	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/received"
)

// Stream turns one message, fed by stages, into its features. Every byte string
// is a message: nothing fails, and memory is bounded by Options whatever comes.
// A Stream is used again after Reset and is not safe for concurrent use.
//
// Order of calls: Reset, SetClient (SMTP only), Header for each field from the
// top, EndHeaders, Body in any chunks, Finish.
type Stream struct {
	opt   Options
	trust received.Trust
	auth  map[string]bool

	walker  *mime.Walker
	feeder  canon.Feeder // of stored messages
	lines   canon.Lines
	extract *extract.Extractor
	sum     hash.Hash
	sumBuf  []byte
	msg     Message
	name    []byte // field in hand: lower-case name
	field   []byte // field in hand: as it stands in the canonical form
	value   []byte // field in hand: unfolded value, part of field
	scratch []byte
	hop     received.Hop // step to the border in hand

	why     Scorer // of Clues
	walking bool   // on the way to the border
	inBody  bool
}

// NewStream returns a Stream ready for its first message. Options that do not
// validate are used as far as they go; call Validate first to tell the user.
func NewStream(o Options) *Stream {
	sum, _ := blake2b.New256(nil) // an error is possible only with a key
	s := &Stream{opt: o, sum: sum, auth: map[string]bool{}}
	s.trust, _ = received.NewTrust(o.OwnHosts)
	for _, id := range o.AuthservIDs {
		s.auth[string(octets.AppendLower(nil, []byte(id)))] = true
	}
	lim := mime.Limits{Head: o.TextHead, Tail: o.TextTail, Total: o.TextTotal, Parts: o.MaxParts, Depth: o.MaxDepth}
	if o.Attachments {
		lim.ZipTail = attached.ZipTail
	}
	s.extract = extract.New(extract.Limits{Fields: o.MaxHeaders, FieldLen: o.MaxHeaderLen, Features: o.MaxFeatures, Attachments: o.Attachments})
	s.walker = mime.New(lim, s.extract.Parts())
	s.Reset()
	return s
}

// Reset forgets the message in hand.
func (s *Stream) Reset() {
	s.extract.Reset()
	s.sum.Reset()
	s.sumBuf = s.sumBuf[:0]
	s.msg = Message{Canonical: s.msg.Canonical[:0], Complete: true}
	s.walking, s.inBody = true, false
	s.lines.Reset((*bodySink)(s))
}

// EnableClues records what features stand for and where they stood, so that Clues
// and Explain can tell. It holds from the next Reset on.
func (s *Stream) EnableClues() {
	s.extract.Record()
	s.Reset()
}

// SetClient tells who is connected. It counts as the top-most Received line.
func (s *Stream) SetClient(c Client) {
	s.hop.Set(c.Addr, c.Name, c.Helo)
	s.border(c.Addr.IsValid())
}

// border takes one step of the walk to the border: the hop in hand, ok if it names an
// address.
//
// The walk has one rule: from the top, a line whose client is the site's own, or that
// names no client, is dropped and the walk goes on; the first line with any other client
// is the border, dropped too, and its client gives the client features. At SMTP time the
// connection counts as the top-most line. Without a border there are no client features
// and no Received lines.
func (s *Stream) border(ok bool) {
	if !ok {
		return
	}
	s.hop.Clean()
	if !s.trust.Own(&s.hop) {
		s.walking = false
		s.msg.Client = Client{Addr: s.hop.Addr, Name: string(s.hop.Name), Helo: string(s.hop.Helo)}
	}
}

// Header takes one field as it stands in the message: the value may be folded
// and may begin with a blank.
func (s *Stream) Header(name, value []byte) {
	s.msg.Size += int64(len(name) + len(value) + 3)
	if s.inBody {
		return
	}
	s.name = octets.AppendLower(s.name[:0], name)
	if canon.Dropped(s.name) {
		return
	}
	s.field = append(append(s.field[:0], s.name...), ": "...)
	start := len(s.field)
	s.field = append(canon.AppendValue(s.field, value), '\n')
	s.value = s.field[start : len(s.field)-1]
	switch string(s.name) {
	case "received":
		if s.walking {
			s.border(s.hop.Parse(s.value))
			return
		}
	case "authentication-results":
		if !s.vouched(s.value) {
			return
		}
	}
	s.canon(s.field)
	s.extract.Header(s.name, s.value)
}

// vouched tells whether a host that is believed wrote an Authentication-Results
// field: its name comes first.
func (s *Stream) vouched(v []byte) bool {
	if len(s.auth) == 0 {
		return false
	}
	if i := bytes.IndexAny(v, "; "); i >= 0 {
		v = v[:i]
	}
	s.scratch = octets.AppendLower(s.scratch[:0], v)
	return s.auth[string(s.scratch)]
}

// EndHeaders ends the header; the body follows.
func (s *Stream) EndHeaders() {
	if s.inBody {
		return
	}
	s.inBody = true
	c := s.msg.Client
	s.extract.Client(c.Addr, c.Name, c.Helo)
	s.keepClient()
	s.canon(newline)
	s.walker.Begin(s.extract.EndHeader())
}

// Body takes the next bytes of the body, cut anywhere.
func (s *Stream) Body(b []byte) {
	s.EndHeaders()
	s.msg.Size += int64(len(b))
	s.lines.Write(b)
}

// bodySink takes the body in canonical lines; it is the Stream under another name, so
// that these methods stay out of the Stream's own.
type bodySink Stream

// Line takes a line, or a fragment of one.
func (k *bodySink) Line(b []byte, start, end bool) {
	s := (*Stream)(k)
	s.canon(b)
	if end {
		s.canon(newline)
	}
	s.walker.Line(b, start, end)
}

// WholeLines takes some, each with its LF.
func (k *bodySink) WholeLines(b []byte) {
	(*Stream)(k).canon(b)
	k.walker.Lines(b)
}

// BlankLines takes n empty ones.
func (k *bodySink) BlankLines(n int) {
	for left := n; left > 0; left -= len(newlines) {
		(*Stream)(k).canon(newlines[:min(left, len(newlines))])
	}
	k.walker.Blank(n)
}

var (
	newline  = []byte{'\n'}
	newlines = bytes.Repeat(newline, 4096)
)

// Finish ends the message. What it returns is valid until Reset.
func (s *Stream) Finish() *Message {
	s.EndHeaders()
	s.lines.Close()
	s.walker.End()
	s.sum.Write(s.sumBuf)
	s.sumBuf = s.sumBuf[:0]
	s.sum.Sum(s.msg.Digest[:0])
	found := s.extract.Finish(s.clientLine())
	s.msg.Features, s.msg.Behind, s.msg.Grams, s.msg.Attachments = found.Features, found.Behind, found.Grams, found.Attached
	s.msg.Subject, s.msg.From, s.msg.MessageID = found.Subject, found.From, found.MessageID
	return &s.msg
}

// canon adds bytes of the canonical form to the digest, and keeps them if asked.
func (s *Stream) canon(b []byte) {
	if len(s.sumBuf)+len(b) > sumMax {
		s.sum.Write(s.sumBuf)
		s.sumBuf = s.sumBuf[:0]
	}
	s.sumBuf = append(s.sumBuf, b...)
	if s.opt.Keep > 0 && s.msg.Complete {
		s.keep(b)
	}
}

// sumMax is how much of the canonical form is hashed at a time.
const sumMax = 8192

func (s *Stream) keep(b []byte) {
	if room := s.opt.Keep - len(s.msg.Canonical); len(b) > room {
		b = b[:room]
		s.msg.Complete = false
	}
	s.msg.Canonical = append(s.msg.Canonical, b...)
}

// keepClient puts the border's client at the top of the kept form, as a
// Received line, so that reading the kept form again gives the same features.
func (s *Stream) keepClient() {
	if s.opt.Keep == 0 || !s.msg.Client.Addr.IsValid() {
		return
	}
	s.msg.Canonical = slices.Insert(s.msg.Canonical, 0, appendClient(nil, s.msg.Client)...)
	if len(s.msg.Canonical) > s.opt.Keep {
		s.msg.Canonical = s.msg.Canonical[:s.opt.Keep]
		s.msg.Complete = false
	}
}

// clientLine is the border's client as the excerpt has it.
func (s *Stream) clientLine() []byte {
	if !s.msg.Client.Addr.IsValid() {
		return nil
	}
	s.scratch = appendClient(s.scratch[:0], s.msg.Client)
	return s.scratch
}

func appendClient(dst []byte, c Client) []byte {
	name := c.Name
	if name == "" {
		name = "unknown"
	}
	dst = append(dst, "received: from "...)
	dst = append(dst, c.Helo...)
	dst = append(dst, " ("...)
	dst = append(dst, name...)
	dst = append(dst, " ["...)
	dst = c.Addr.AppendTo(dst)
	return append(dst, "]) by border\n"...)
}
