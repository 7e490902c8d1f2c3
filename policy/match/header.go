package match

import (
	"bytes"
	"net/textproto"
	"slices"
	"strings"

	"fanmill/classify/mime"
	"fanmill/policy/address"
	"fanmill/policy/authresults"
)

// Header is what is seen of one message's header. It belongs to one goroutine.
type Header struct {
	Auth authresults.Results // which domains have been verified

	wanted   map[string]bool
	believed authresults.Hosts
	fields   map[string][]string // by canonical name, decoded and unfolded
	bytes    int
	decoder  mime.FieldDecoder

	hasFrom bool
	rawFrom string            // the first From field, unfolded
	read    bool              // the next two are known
	senders []address.Address // of the From field
	text    string            // "From: " and the field
}

// Bounds of what is kept of a header; what is beyond is not seen by rules.
const (
	maxFieldText  = 2000    // bytes of one field
	maxFieldCount = 20      // fields of one name
	maxFieldBytes = 1 << 18 // of all but the first of each name
	maxFromText   = 1000
)

// NewHeader returns the Header of a message whose fields are to come. Of these the wanted
// ones are kept, by their canonical names, and of Authentication-Results those of hosts
// that are believed.
func NewHeader(wanted map[string]bool, believed authresults.Hosts) *Header {
	return &Header{wanted: wanted, believed: believed, fields: map[string][]string{}}
}

// Field takes a header field; value is what stands behind the colon, folded or not. What
// is not wanted is passed over.
func (h *Header) Field(name, value []byte) {
	plain := bytes.TrimRight(name, " \t") // as mail programs read it (RFC 5322 section 4.5)
	key := canonicalName(string(plain))
	if !h.wanted[key] {
		return
	}
	// One with a blank behind its name nobody has removed who removes forged ones.
	if key == authresults.Field && (len(plain) < len(name) || !h.Auth.Read(string(unfold(value)), h.believed)) {
		return
	}
	value = unfold(clipBytes(value))
	if n := len(h.fields[key]); n >= maxFieldCount || n > 0 && h.bytes > maxFieldBytes {
		return
	}
	if key == "From" && !h.hasFrom {
		h.hasFrom, h.rawFrom = true, strings.ToValidUTF8(string(value), "")
	}
	text, _ := h.decoder.Decode(value)
	h.fields[key] = append(h.fields[key], strings.TrimSpace(strings.ToValidUTF8(string(text), "")))
	h.bytes += len(text)
}

// clipBytes cuts the middle out of a long value: an address list ends in an address.
func clipBytes(b []byte) []byte {
	if len(b) <= maxFieldText {
		return b
	}
	return slices.Concat(b[:maxFieldText/2], []byte(" "), b[len(b)-maxFieldText/2:])
}

// unfold takes line breaks and the blanks behind them for one blank (RFC 5322 section
// 2.2.3), and other control characters for none.
func unfold(value []byte) []byte {
	out := make([]byte, 0, len(value))
	folded := false
	for _, b := range value {
		switch {
		case b == '\r' || b == '\n':
			folded = true
		case folded && (b == ' ' || b == '\t'):
		case b < ' ' && b != '\t' && b != 0x1b || b == 0x7f: // ISO-2022 texts have escapes
		default:
			if folded && len(out) > 0 {
				out = append(out, ' ')
			}
			folded = false
			out = append(out, b)
		}
	}
	return out
}

// FromText is "From: Name <address>", the first From field decoded and unfolded; "" for
// none.
func (h *Header) FromText() string {
	h.readFrom()
	return h.text
}

// Senders returns the addresses of the first From field.
func (h *Header) Senders() []address.Address {
	h.readFrom()
	return h.senders
}

func (h *Header) readFrom() {
	if h.read {
		return
	}
	h.read = true
	fields := h.fields["From"]
	if len(fields) == 0 {
		return
	}
	value := fields[0]
	if len(value) > maxFromText {
		value = strings.ToValidUTF8(value[:maxFromText/2]+" "+value[len(value)-maxFromText/2:], "")
	}
	h.text = "From: " + value
	// Addresses are those before decoding: an encoded word is no part of one.
	for _, s := range address.InList(h.rawFrom) {
		h.senders = append(h.senders, address.Parse(s))
	}
	if len(h.senders) == 1 && strings.HasPrefix(value, "<") {
		h.text = "From: " + strings.Trim(value, "<> ") // as maildrop canonicalises it
	}
}

// AddressTexts are texts as FromText, of each address alone, with and without brackets:
// anybody can write somebody's address into his own display name.
func (h *Header) AddressTexts() (texts []string) {
	for _, a := range h.Senders() {
		texts = append(texts, "From: "+a.Text(true), "From: <"+a.Text(true)+">")
	}
	return texts
}

// First returns the first field of a name, in its canonical form; "" for none.
func (h *Header) First(name string) string {
	if fields := h.fields[name]; len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// ListID returns the identifier of the message's mailing list (RFC 2919): what stands in
// angle brackets, or all of the field, in lower case; "" for none.
func (h *Header) ListID() string {
	fields := h.fields["List-Id"]
	if len(fields) == 0 {
		return ""
	}
	id := fields[0]
	if i := strings.LastIndexByte(id, '<'); i >= 0 {
		id, _, _ = strings.Cut(id[i+1:], ">")
	}
	return address.Lower(strings.TrimSpace(id))
}

// canonicalName is the form in which field names are compared.
func canonicalName(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }
