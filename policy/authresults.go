package policy

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

const authField = "Authentication-Results"

// auth reads an Authentication-Results field (RFC 8601), if a host that is believed wrote
// it, and reports whether one did. Comments and quoted strings carry what a sender chose: nothing in them is taken for
// a result.
func (c *Content) auth(value string) bool {
	parts := strings.Split(plainTokens(value), ";")
	words := strings.Fields(parts[0])
	if len(words) == 0 || !c.policy.believed[lower(words[0])] {
		return false
	}
	c.judged = true
	for _, part := range parts[1:] {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		method, result, _ := strings.Cut(lower(words[0]), "=")
		if property := identities[method]; property != "" && result == "pass" {
			c.passed = append(c.passed, vouched(words[1:], property)...)
		}
	}
	return true
}

// identities are the properties that tell what a method has verified.
var identities = map[string]string{"dkim": "header.d", "spf": "smtp.mailfrom", "dmarc": "header.from"}

// vouched returns the domains of a result's property. OpenDKIM writes header.i in place
// of header.d at times.
func vouched(words []string, property string) (domains []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(lower(w), "=")
		if name == property || property == "header.d" && name == "header.i" {
			if domain := plainDomain(value[strings.LastIndexByte(value, '@')+1:]); domain != "" {
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
			n := commentLen(value[i:])
			if n == 0 {
				return b.String()
			}
			b.WriteByte(' ')
			i += n
			continue
		case '"':
			text, rest, ok := cutQuoted(value[i:])
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

// vouchedFor reports whether a believed host has verified a domain: itself, or another of
// the same organization (RFC 7489 section 3.1, relaxed alignment).
func (c *Content) vouchedFor(domain string) bool {
	for _, passed := range c.passed {
		if domain != "" && (passed == domain || organization(passed) == organization(domain)) {
			return true
		}
	}
	return false
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
