package policy

import (
	"net/textproto"
	"slices"
	"strings"

	"fanmill/classify/mime"
)

// Content is what rules see of one message's header. It belongs to one goroutine.
type Content struct {
	policy  *Policy
	fields  map[string][]string // by canonical name, decoded and unfolded
	bytes   int
	decoder mime.FieldDecoder

	sender  address   // of the envelope
	senders []address // of the From field
	hasFrom bool
	rawFrom string   // the first From field, unfolded
	text    string   // "From: " and the field
	read    bool     // these two are known
	passed  []string // domains that a believed host vouches for
	judged  bool     // some believed host has said anything
	matched []match  // by rule: what its content part gave
}

// Bounds of what is kept of a header; what is beyond is not seen by rules.
const (
	maxFieldText  = 2000    // bytes of one field
	maxFieldCount = 20      // fields of one name
	maxFieldBytes = 1 << 18 // of all
	maxFromText   = 1000
	maxSenders    = 20 // addresses in a From field
)

// NewContent returns the Content of a message whose fields are to come.
func (p *Policy) NewContent() *Content {
	return &Content{policy: p, fields: map[string][]string{}, matched: make([]match, len(p.rules))}
}

// Field takes a header field; value is what stands behind the colon, folded or not. What
// no rule asks for is passed over.
func (c *Content) Field(name, value []byte) {
	key := canonicalField(string(name))
	if !c.policy.wanted[key] {
		return
	}
	value = unfold(clipBytes(value))
	if key == authField && !c.auth(string(value)) {
		return
	}
	if len(c.fields[key]) >= maxFieldCount || c.bytes > maxFieldBytes {
		return
	}
	if key == "From" && !c.hasFrom {
		c.hasFrom, c.rawFrom = true, strings.ToValidUTF8(string(value), "")
	}
	text, _ := c.decoder.Decode(value)
	c.fields[key] = append(c.fields[key], strings.TrimSpace(strings.ToValidUTF8(string(text), "")))
	c.bytes += len(text)
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

// fromText is the text that patterns are compared with.
func (c *Content) fromText() string {
	c.readFrom()
	return c.text
}

// from returns the addresses of the first From field.
func (c *Content) from() []address {
	c.readFrom()
	return c.senders
}

func (c *Content) readFrom() {
	if c.read {
		return
	}
	c.read = true
	fields := c.fields["From"]
	if len(fields) == 0 {
		return
	}
	value := fields[0]
	if len(value) > maxFromText {
		value = strings.ToValidUTF8(value[:maxFromText/2]+" "+value[len(value)-maxFromText/2:], "")
	}
	c.text = "From: " + value
	// Addresses are those before decoding: an encoded word is no part of one.
	for _, s := range addressesIn(c.rawFrom) {
		c.senders = append(c.senders, parseAddress(s))
	}
	if len(c.senders) == 1 && strings.HasPrefix(value, "<") {
		c.text = "From: " + strings.Trim(value, "<> ") // as maildrop canonicalises it
	}
}

// addressTexts are texts as fromText, of each address alone, with and without brackets.
func (c *Content) addressTexts() (texts []string) {
	for _, a := range c.from() {
		texts = append(texts, "From: "+a.text(true), "From: <"+a.text(true)+">")
	}
	return texts
}

// addressesIn finds the addresses of an address list, also of one that no grammar
// admits: what stands in angle brackets, and in each part without brackets the words
// with an @. Quoted strings and comments hold none.
func addressesIn(value string) (list []string) {
	for _, part := range splitAddresses(value) {
		if len(list) == maxSenders {
			break
		}
		if i := strings.LastIndexByte(part, '<'); i >= 0 {
			inside, _, _ := strings.Cut(part[i+1:], ">")
			if inside = strings.Join(strings.Fields(inside), ""); inside != "" {
				list = append(list, inside)
				continue
			}
		}
		for _, word := range strings.Fields(strings.NewReplacer("<", " ", ">", " ").Replace(part)) {
			if strings.Contains(word, "@") && len(list) < maxSenders {
				list = append(list, word)
			}
		}
	}
	return list
}

// splitAddresses parts an address list at commas and semicolons, without display names
// in quotes and without comments. A quoted string before an @ is a local part and stays.
func splitAddresses(value string) (parts []string) {
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			parts = append(parts, b.String())
		}
		b.Reset()
	}
	for i := 0; i < len(value); {
		switch value[i] {
		case '"':
			if _, rest, ok := cutQuoted(value[i:]); ok {
				if n := len(value) - len(rest); strings.HasPrefix(rest, "@") {
					b.WriteString(value[i:n])
				}
				i = len(value) - len(rest)
				continue
			}
		case '(':
			if n := commentLen(value[i:]); n > 0 {
				b.WriteByte(' ')
				i += n
				continue
			}
		case ',', ';':
			flush()
			i++
			continue
		}
		b.WriteByte(value[i])
		i++
	}
	flush()
	return parts
}

// commentLen returns the length of the comment at the start of s (RFC 5322 section
// 3.2.2, nested), 0 where it is not closed.
func commentLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// listID returns the identifier of the message's mailing list (RFC 2919): what stands in
// angle brackets, or all of the field, in lower case; "" for none.
func (c *Content) listID() string {
	fields := c.fields["List-Id"]
	if len(fields) == 0 {
		return ""
	}
	id := fields[0]
	if i := strings.LastIndexByte(id, '<'); i >= 0 {
		id, _, _ = strings.Cut(id[i+1:], ">")
	}
	return lower(strings.TrimSpace(id))
}

// canonicalField is the form in which field names are compared.
func canonicalField(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }
