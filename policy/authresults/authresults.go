// Package authresults reads Authentication-Results fields (RFC 8601) of hosts that are
// believed, and tells which domains they have verified: whether a sender who is welcome is
// whom the header says.
package authresults

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"fanmill/policy/address"
)

// Field is the name of the field.
const Field = "Authentication-Results"

// Hosts are the hosts that are believed, by their authserv-id in lower case.
type Hosts map[string]bool

// NewHosts returns the Hosts of these names.
func NewHosts(names []string) Hosts {
	h := Hosts{}
	for _, name := range names {
		h[address.Lower(name)] = true
	}
	return h
}

// Bounds of what is read. What is in front is what the hosts of the site have written: each
// puts its field on top.
const (
	maxField  = 8 << 10 // bytes of a field; a longer one vouches for nobody
	maxFields = 20      // of hosts that are believed
)

// Results are what hosts that are believed have found out about one message.
type Results struct {
	fields int             // that they have written
	passed map[string]bool // organizations of domains that have been verified
}

// Read reads a field, unfolded, if a host that is believed wrote it, and reports whether
// one did. Comments and quoted strings carry what a sender chose: nothing in them is taken
// for a result.
func (r *Results) Read(value string, believed Hosts) bool {
	// A part of a field could end in a domain that the whole does not name.
	whole := len(value) <= maxField
	parts := strings.Split(plainTokens(value[:min(len(value), maxField)]), ";")
	words := strings.Fields(parts[0])
	if len(words) == 0 || !believed[address.Lower(words[0])] {
		return false
	}
	if r.fields++; !whole || r.fields > maxFields {
		return true
	}
	for _, part := range parts[1:] {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		method, result, _ := strings.Cut(address.Lower(words[0]), "=")
		if property := identities[method]; property != "" && result == "pass" {
			r.pass(vouched(words[1:], property))
		}
	}
	return true
}

func (r *Results) pass(domains []string) {
	if r.passed == nil {
		r.passed = map[string]bool{}
	}
	for _, d := range domains {
		r.passed[organization(d)] = true
	}
}

// Trust reports whether a sender who must own all of the domains is believed to. From is
// easily forged: where a host that is believed has looked, it must have verified all of
// them. (One of several would let anybody add his own to a From.)
func (r *Results) Trust(m Mode, domains []string) bool {
	switch m {
	case Never:
		return true
	case Present:
		if r.fields == 0 {
			return true
		}
	}
	return !slices.ContainsFunc(domains, func(d string) bool { return !r.vouchFor(d) })
}

// vouchFor reports whether a believed host has verified a domain: itself, or another of
// the same organization (RFC 7489 section 3.1, relaxed alignment).
func (r *Results) vouchFor(domain string) bool {
	return domain != "" && r.passed[organization(domain)]
}

// identities are the properties that tell what a method has verified.
var identities = map[string]string{"dkim": "header.d", "spf": "smtp.mailfrom", "dmarc": "header.from"}

// vouched returns the domains of a result's property. OpenDKIM writes header.i in place
// of header.d at times.
func vouched(words []string, property string) (domains []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(address.Lower(w), "=")
		if name == property || property == "header.d" && name == "header.i" {
			if domain := address.Domain(value[strings.LastIndexByte(value, '@')+1:]); domain != "" {
				domains = append(domains, domain)
			}
		}
	}
	return domains
}

// plainTokens blanks out comments, and what stands in quotes but for letters, digits and
// the signs of addresses. What is not closed ends the field there.
func plainTokens(value string) string {
	var b strings.Builder
	for i := 0; i < len(value); {
		switch value[i] {
		case '(':
			n := address.CommentLen(value[i:])
			if n == 0 {
				return b.String()
			}
			b.WriteByte(' ')
			i += n
			continue
		case '"':
			text, rest, ok := address.CutQuoted(value[i:])
			if !ok {
				return b.String()
			}
			b.WriteString(strings.Map(tokenRune, text))
			i = len(value) - len(rest)
			continue
		}
		b.WriteByte(value[i])
		i++
	}
	return b.String()
}

func tokenRune(r rune) rune {
	if r <= ' ' || strings.ContainsRune(`;="()\`, r) {
		return '_'
	}
	return r
}

// organization returns the registered domain, or the domain itself where there is none.
func organization(domain string) string {
	ascii, err := idna.ToASCII(domain)
	if err != nil {
		return domain
	}
	org, err := publicsuffix.EffectiveTLDPlusOne(ascii)
	if err != nil {
		return ascii
	}
	return org
}
