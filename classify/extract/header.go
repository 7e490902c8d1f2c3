package extract

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
func (x *Extractor) headerFeatures() {
	name := x.name
	if x.kind.ofList {
		name = listKind
	}
	x.set.Add(pField, name)
	v := x.value
	if len(v) > x.limits.FieldLen {
		v = v[:x.limits.FieldLen]
	}
	switch string(x.name) {
	case "received":
		x.excerpt.Field(x.kind.gram, x.name, v)
		x.receivedFeatures(v)
	case "authentication-results":
		x.excerpt.Field(x.kind.gram, x.name, v)
		x.authFeatures(v)
	case "content-type":
		x.excerpt.Field(x.kind.gram, x.name, v)
		if !x.typed {
			x.topType, x.typed = mime.ParseType(v), true
			x.typeFeatures(x.topType)
		}
	case "content-transfer-encoding":
		x.excerpt.Field(x.kind.gram, x.name, v)
		if !x.encoded {
			x.topCTE, x.encoded = append(x.topCTE, v...), true
		}
		x.set.Add(pEncoding, x.lowerCut(v))
	case "message-id":
		x.excerpt.Field(x.kind.gram, x.name, v)
		x.messageID(v)
	case "subject":
		if x.subject {
			x.set.AddString(pShape, "second subject")
			return
		}
		x.subject = true
		text := x.decode(v, "subject")
		x.found.Subject = excerpt(text)
		x.words(text, pSubject)
	case "x-mailer", "user-agent":
		text := x.decode(v, "mailer")
		x.set.Add(pMailer, octets.Cut(text, words.MaxWord))
		x.words(text, pMailer)
	case "from":
		text := x.decode(v, "from")
		x.found.From = excerpt(text)
		x.words(text, x.set.FieldKind(x.name))
	case "dkim-signature", "arc-seal", "arc-message-signature", "x-google-dkim-signature", "domainkey-signature":
		x.excerpt.Field(x.kind.gram, x.name, v)
		x.signatureFeatures(v)
	default:
		x.words(x.decode(v, "field"), x.set.FieldKind(name))
	}
}

// decode undoes encoded words and notes broken ones and raw 8-bit text.
func (x *Extractor) decode(v []byte, where string) []byte {
	text, broken := x.fields.Decode(v)
	if !x.inBody {
		x.excerpt.Field(x.kind.gram, x.name, text)
	}
	if broken {
		x.set.AddString(pDefect, where+":broken-ew")
	}
	if !mime.ASCII(v) {
		x.set.AddString(pDefect, where+":8bit")
	}
	return text
}

// words gives every word of a header text under one kind, addresses and hosts
// taken apart.
func (x *Extractor) words(text []byte, p *feature.Kind) {
	room := beginningText
	x.split.Split(text, func(k words.Kind, w []byte, cut bool) {
		room -= len(w) + 1
		x.set.At(behindIf(room < 0))
		switch {
		case k == words.Mail:
			x.address(w, p)
		case k == words.URL:
			x.url(w)
		case k == words.Trick:
			x.set.Add(pTrick, w)
		case cut:
			x.set.AddString(p, "long word")
		default:
			x.set.Add(p, w)
		}
	})
	x.set.At(feature.Beginning)
}

// address gives an address whole, its local part, and its host with suffixes.
func (x *Extractor) address(a []byte, p *feature.Kind) {
	a = octets.AppendLower(x.scratch[:0], a)
	x.scratch = a
	x.set.Add(p, a)
	local, host, _ := bytes.Cut(a, []byte{'@'})
	x.set.Add(p, a[:len(local)+1])
	x.hostSuffixes(host, p)
}

// hostSuffixes gives a host name and its parent domains, at most four.
func (x *Extractor) hostSuffixes(host []byte, p *feature.Kind) {
	host = bytes.Trim(host, ".")
	for range 4 {
		if len(host) == 0 {
			return
		}
		x.set.Add(p, host)
		dot := bytes.IndexByte(host, '.')
		if dot < 0 {
			return
		}
		host = host[dot+1:]
	}
}

// addrPrefixes gives an address with the networks around it: /16 and /24 of
// IPv4, /32 and /48 of IPv6.
func (x *Extractor) addrPrefixes(a netip.Addr, p *feature.Kind) {
	bits := [...]int{16, 24, 32}
	if a.Is6() {
		bits = [...]int{32, 48, 128}
	}
	for _, n := range bits {
		if net, err := a.Prefix(n); err == nil {
			x.set.Add(p, net.AppendTo(x.scratch[:0]))
		}
	}
}

// Client takes the client at the border, if there was one: its address, verified name and
// HELO.
func (x *Extractor) Client(addr netip.Addr, name, helo string) {
	x.set.From("client", nil)
	if !addr.IsValid() {
		return
	}
	x.addrPrefixes(addr, pClientNet)
	if name == "" {
		x.set.AddString(pClientHost, "no name")
	}
	x.hostSuffixes(x.lower(name), pClientHost)
	x.hostSuffixes(x.lower(helo), pHelo)
}

func (x *Extractor) receivedFeatures(v []byte) {
	h := &x.hop
	if h.Parse(v) {
		h.Clean()
		x.addrPrefixes(h.Addr, pRecvNet)
	}
	if len(h.Helo) <= received.HostMax {
		x.hostSuffixes(octets.Lowered(h.Helo), pRecvHost)
	}
	x.hostSuffixes(octets.Lowered(h.Name), pRecvHost)
	x.host = octets.AppendLower(x.host[:0], octets.Cut(received.By(v), received.HostMax))
	x.hostSuffixes(x.host, pRecvHost)
}

// lower returns a host name in lower case, valid until the next one.
func (x *Extractor) lower(name string) []byte {
	x.host = append(x.host[:0], name...)
	return octets.Lowered(x.host)
}

// authFeatures gives each method with its result (RFC 8601 section 2.2).
func (x *Extractor) authFeatures(v []byte) {
	_, v, _ = bytes.Cut(v, []byte{';'})
	for part := range bytes.SplitSeq(v, []byte{';'}) {
		result, _, _ := bytes.Cut(bytes.TrimSpace(part), []byte{' '})
		if len(result) > 0 {
			x.scratch = octets.AppendLower(x.scratch[:0], octets.Cut(result, words.MaxWord))
			x.set.Add(pAuth, x.scratch)
		}
	}
}

// signatureFeatures gives who signed, not the signature itself.
func (x *Extractor) signatureFeatures(v []byte) {
	p := x.set.FieldKind(x.name)
	mime.Params(v, func(name, value []byte) {
		switch string(name) {
		case "d":
			x.host = octets.AppendLower(x.host[:0], octets.Cut(value, received.HostMax))
			x.hostSuffixes(x.host, p)
		case "a", "c", "s", "q", "v":
			x.scratch = append(append(append(x.scratch[:0], name...), '='), octets.Cut(value, words.MaxWord)...)
			x.set.Add(p, x.scratch)
		}
	})
}

func (x *Extractor) messageID(v []byte) {
	if x.found.MessageID == "" {
		x.found.MessageID = excerpt(v)
	}
	id := bytes.Trim(v, "<> ")
	local, host, ok := bytes.Cut(id, []byte{'@'})
	if !ok {
		x.set.AddString(pMsgIDHost, "none")
	}
	x.host = octets.AppendLower(x.host[:0], octets.Cut(host, received.HostMax))
	x.hostSuffixes(x.host, pMsgIDHost)
	x.scratch = shape(x.scratch[:0], local)
	x.set.Add(pMsgIDHost, x.scratch)
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
func (x *Extractor) lowerCut(v []byte) []byte {
	if i := bytes.IndexAny(v, "; \t"); i >= 0 {
		v = v[:i]
	}
	x.scratch = octets.AppendLower(x.scratch[:0], octets.Cut(v, words.MaxWord))
	return x.scratch
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
