package classify

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"fanmill/classify/feature"
	"fanmill/classify/mime"
	"fanmill/classify/octets"
	"fanmill/classify/received"
	"fanmill/classify/words"
)

// excerptMax bounds the decoded subject, sender and message-id of a Message.
const excerptMax = 256

// headerFeatures turns the field in hand into features. Fields that say what a
// person wrote or which program wrote it have kinds of their own; all others
// give their words under the field's name.
func (s *Stream) headerFeatures() {
	name := s.name
	if s.kind.ofList {
		name = listKind
	}
	s.set.Add(pField, name)
	v := s.value
	if len(v) > s.opt.MaxHeaderLen {
		v = v[:s.opt.MaxHeaderLen]
	}
	switch string(s.name) {
	case "received":
		s.excerpt.Field(s.kind.gram, s.name, v)
		s.receivedFeatures(v)
	case "authentication-results":
		s.excerpt.Field(s.kind.gram, s.name, v)
		s.authFeatures(v)
	case "content-type":
		s.excerpt.Field(s.kind.gram, s.name, v)
		if !s.typed {
			s.topType, s.typed = mime.ParseType(v), true
			s.typeFeatures(s.topType)
		}
	case "content-transfer-encoding":
		s.excerpt.Field(s.kind.gram, s.name, v)
		if !s.encoded {
			s.topCTE, s.encoded = append(s.topCTE, v...), true
		}
		s.set.Add(pEncoding, s.lowerCut(v))
	case "message-id":
		s.excerpt.Field(s.kind.gram, s.name, v)
		s.messageID(v)
	case "subject":
		if s.subject {
			s.set.AddString(pShape, "second subject")
			return
		}
		s.subject = true
		text := s.decode(v, "subject")
		s.msg.Subject = excerpt(text)
		s.words(text, pSubject)
	case "x-mailer", "user-agent":
		text := s.decode(v, "mailer")
		s.set.Add(pMailer, octets.Cut(text, words.MaxWord))
		s.words(text, pMailer)
	case "from":
		text := s.decode(v, "from")
		s.msg.From = excerpt(text)
		s.words(text, s.set.FieldKind(s.name))
	case "dkim-signature", "arc-seal", "arc-message-signature", "x-google-dkim-signature", "domainkey-signature":
		s.excerpt.Field(s.kind.gram, s.name, v)
		s.signatureFeatures(v)
	default:
		s.words(s.decode(v, "field"), s.set.FieldKind(name))
	}
}

// decode undoes encoded words and notes broken ones and raw 8-bit text.
func (s *Stream) decode(v []byte, where string) []byte {
	text, broken := s.fields.Decode(v)
	if !s.inBody {
		s.excerpt.Field(s.kind.gram, s.name, text)
	}
	if broken {
		s.set.AddString(pDefect, where+":broken-ew")
	}
	if !mime.ASCII(v) {
		s.set.AddString(pDefect, where+":8bit")
	}
	return text
}

// words gives every word of a header text under one kind, addresses and hosts
// taken apart.
func (s *Stream) words(text []byte, p *feature.Kind) {
	room := beginningText
	s.split.Split(text, func(k words.Kind, w []byte, cut bool) {
		room -= len(w) + 1
		s.set.SetBehind(room < 0)
		switch {
		case k == words.Mail:
			s.address(w, p)
		case k == words.URL:
			s.url(w)
		case k == words.Trick:
			s.set.Add(pTrick, w)
		case cut:
			s.set.AddString(p, "long word")
		default:
			s.set.Add(p, w)
		}
	})
	s.set.SetBehind(false)
}

// address gives an address whole, its local part, and its host with suffixes.
func (s *Stream) address(a []byte, p *feature.Kind) {
	a = octets.AppendLower(s.scratch[:0], a)
	s.scratch = a
	s.set.Add(p, a)
	local, host, _ := bytes.Cut(a, []byte{'@'})
	s.set.Add(p, a[:len(local)+1])
	s.hostSuffixes(host, p)
}

// hostSuffixes gives a host name and its parent domains, at most four.
func (s *Stream) hostSuffixes(host []byte, p *feature.Kind) {
	host = bytes.Trim(host, ".")
	for range 4 {
		if len(host) == 0 {
			return
		}
		s.set.Add(p, host)
		dot := bytes.IndexByte(host, '.')
		if dot < 0 {
			return
		}
		host = host[dot+1:]
	}
}

// addrPrefixes gives an address with the networks around it: /16 and /24 of
// IPv4, /32 and /48 of IPv6.
func (s *Stream) addrPrefixes(a netip.Addr, p *feature.Kind) {
	bits := [...]int{16, 24, 32}
	if a.Is6() {
		bits = [...]int{32, 48, 128}
	}
	for _, n := range bits {
		if net, err := a.Prefix(n); err == nil {
			s.set.Add(p, net.AppendTo(s.scratch[:0]))
		}
	}
}

func (s *Stream) clientFeatures() {
	c := s.msg.Client
	if !c.Addr.IsValid() {
		return
	}
	s.addrPrefixes(c.Addr, pClientNet)
	if c.Name == "" {
		s.set.AddString(pClientHost, "no name")
	}
	s.hostSuffixes(s.lower(c.Name), pClientHost)
	s.hostSuffixes(s.lower(c.Helo), pHelo)
}

func (s *Stream) receivedFeatures(v []byte) {
	h := &s.hop
	if h.Parse(v) {
		h.Clean()
		s.addrPrefixes(h.Addr, pRecvNet)
	}
	if len(h.Helo) <= received.HostMax {
		s.hostSuffixes(octets.Lowered(h.Helo), pRecvHost)
	}
	s.hostSuffixes(octets.Lowered(h.Name), pRecvHost)
	s.host = octets.AppendLower(s.host[:0], octets.Cut(received.By(v), received.HostMax))
	s.hostSuffixes(s.host, pRecvHost)
}

// lower returns a host name in lower case, valid until the next one.
func (s *Stream) lower(name string) []byte {
	s.host = append(s.host[:0], name...)
	return octets.Lowered(s.host)
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

// authFeatures gives each method with its result (RFC 8601 section 2.2).
func (s *Stream) authFeatures(v []byte) {
	_, v, _ = bytes.Cut(v, []byte{';'})
	for part := range bytes.SplitSeq(v, []byte{';'}) {
		result, _, _ := bytes.Cut(bytes.TrimSpace(part), []byte{' '})
		if len(result) > 0 {
			s.scratch = octets.AppendLower(s.scratch[:0], octets.Cut(result, words.MaxWord))
			s.set.Add(pAuth, s.scratch)
		}
	}
}

// signatureFeatures gives who signed, not the signature itself.
func (s *Stream) signatureFeatures(v []byte) {
	p := s.set.FieldKind(s.name)
	mime.Params(v, func(name, value []byte) {
		switch string(name) {
		case "d":
			s.host = octets.AppendLower(s.host[:0], octets.Cut(value, received.HostMax))
			s.hostSuffixes(s.host, p)
		case "a", "c", "s", "q", "v":
			s.scratch = append(append(append(s.scratch[:0], name...), '='), octets.Cut(value, words.MaxWord)...)
			s.set.Add(p, s.scratch)
		}
	})
}

func (s *Stream) messageID(v []byte) {
	if s.msg.MessageID == "" {
		s.msg.MessageID = excerpt(v)
	}
	id := bytes.Trim(v, "<> ")
	local, host, ok := bytes.Cut(id, []byte{'@'})
	if !ok {
		s.set.AddString(pMsgIDHost, "none")
	}
	s.host = octets.AppendLower(s.host[:0], octets.Cut(host, received.HostMax))
	s.hostSuffixes(s.host, pMsgIDHost)
	s.scratch = shape(s.scratch[:0], local)
	s.set.Add(pMsgIDHost, s.scratch)
}

// shape appends what a made-up string looks like: runs of letters, digits and
// other characters with their lengths, at most eight runs.
func shape(out, b []byte) []byte {
	out = append(out, "like "...)
	for n := 0; len(b) > 0 && n < 8; n++ {
		k := shapeOf(b[0])
		i := 1
		for i < len(b) && shapeOf(b[i]) == k {
			i++
		}
		if k == 0 {
			out = append(out, b[0])
		} else {
			out = strconv.AppendInt(append(out, k), int64(min(i, 20)), 10)
		}
		b = b[i:]
	}
	return out
}

func shapeOf(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return '9'
	case c >= 'a' && c <= 'z':
		return 'a'
	case c >= 'A' && c <= 'Z':
		return 'A'
	}
	return 0
}

// lowerCut is a short token in lower case without its parameters.
func (s *Stream) lowerCut(v []byte) []byte {
	if i := bytes.IndexAny(v, "; \t"); i >= 0 {
		v = v[:i]
	}
	s.scratch = octets.AppendLower(s.scratch[:0], octets.Cut(v, words.MaxWord))
	return s.scratch
}

// excerpt bounds a decoded field and makes it valid UTF-8.
func excerpt(b []byte) string {
	if len(b) > excerptMax {
		b = b[:excerptMax]
		for len(b) > 0 && b[len(b)-1]&0xc0 == 0x80 {
			b = b[:len(b)-1]
		}
		if len(b) > 0 && b[len(b)-1] >= 0xc0 {
			b = b[:len(b)-1]
		}
	}
	return strings.ToValidUTF8(string(b), "?")
}
