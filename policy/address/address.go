// Package address takes apart the addresses of envelopes and From fields, in any form
// that mail brings them in, and holds them in the form in which they are compared.
// Nothing in it fails. InList may look at what is behind a quote or bracket that is not
// closed once for each of them: its callers give it no more than some kilobytes.
package address

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ErrMalformed says that an entry that somebody has written is no address.
var ErrMalformed = errors.New("is not an address: local part or domain is missing or malformed")

// Address is an address taken apart, in the form patterns are compared with.
type Address struct {
	Local  string // lower case, quotes and backslashes undone
	Base   string // Local without "+detail"; equal to Local when there is none
	Domain string // as the function Domain has it; "" when there is none
	cased  string // local part as written, quotes undone: for case-sensitive patterns
	casedD string // domain as written
}

// Parse reads an address in any form an MTA may hand on: with or
// without angle brackets, with a source route (RFC 5321 appendix C), with a
// quoted local part, without a domain, or malformed. It never fails: what
// cannot be taken apart is one local part, which no ordinary pattern matches.
func Parse(s string) Address {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		s = s[1 : len(s)-1]
	}
	local, domain := Split(stripRoute(s))
	a := Address{Local: Lower(local), Domain: Domain(domain), cased: local, casedD: strings.TrimSuffix(domain, ".")}
	a.Base = cutDetail(a.Local)
	return a
}

// Domain is the form in which domains are compared: in lower case, without a dot at
// the end, and with the labels of internationalized names (RFC 5890) in their own script,
// as people write them in patterns.
func Domain(domain string) string {
	domain = Lower(strings.TrimSuffix(domain, "."))
	for i := range len(domain) {
		if domain[i] >= utf8.RuneSelf || domain[i] == 'x' && strings.HasPrefix(domain[i:], "xn--") {
			if unicode, err := idna.Lookup.ToUnicode(domain); err == nil {
				return unicode
			}
			return domain
		}
	}
	return domain
}

// Null reports whether a is the null sender, <>.
func (a Address) Null() bool { return a.Local == "" && a.Domain == "" }

// Text returns the address as globs see it. A local part that is no dot-atom
// keeps its quotes, so that `"boss@good.example"` is not boss@good.example.
func (a Address) Text(detail bool) string {
	if detail {
		return Join(a.Local, a.Domain)
	}
	return Join(a.Base, a.Domain)
}

// CasedText is Text in the case the address was written in.
func (a Address) CasedText(detail bool) string {
	if detail {
		return Join(a.cased, a.casedD)
	}
	return Join(cutDetail(a.cased), a.casedD)
}

// Join writes an address, its local part in quotes where it must be.
func Join(local, domain string) string {
	if strings.ContainsAny(local, "@\"\\<>()[]:;, ") {
		local = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	if domain == "" {
		return local
	}
	return local + "@" + domain
}

// cutDetail returns user for user+detail. A local part that begins with the
// plus sign has no detail: nothing would be left.
func cutDetail(local string) string {
	if i := strings.IndexByte(local, '+'); i > 0 {
		return local[:i]
	}
	return local
}

// stripRoute removes a source route: "@a,@b:user@c" is user@c. Colons in
// address literals such as [IPv6:::1] do not end a route.
func stripRoute(s string) string {
	if !strings.HasPrefix(s, "@") {
		return s
	}
	literal := false
	for i := range len(s) {
		switch s[i] {
		case '[':
			literal = true
		case ']':
			literal = false
		case ':':
			if !literal {
				return s[i+1:]
			}
		}
	}
	return s
}

// Split separates local part and domain. In a quoted local part an "@"
// is an ordinary character; elsewhere the last one counts, as in both MTAs.
func Split(s string) (local, domain string) {
	if unquoted, rest, ok := CutQuoted(s); ok {
		if rest == "" {
			return unquoted, ""
		}
		if rest[0] == '@' {
			return unquoted, rest[1:]
		}
	}
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// CutQuoted undoes a quoted string at the start of s and returns what follows
// it; ok is false when s does not begin with a complete one.
func CutQuoted(s string) (unquoted, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", s, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}

// Lower maps to lower case; bytes that are not UTF-8 are left as they are, so
// that two different broken addresses never become equal.
func Lower(s string) string {
	if utf8.ValidString(s) {
		return strings.ToLower(s)
	}
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
