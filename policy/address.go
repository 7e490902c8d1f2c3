package policy

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// address is an envelope address taken apart, in the form patterns are
// compared with.
type address struct {
	local  string // lower case, quotes and backslashes undone
	base   string // local without "+detail"; equal to local when there is none
	domain string // lower case, without a dot at the end; "" when there is none
	cased  string // local part as written, quotes undone: for case-sensitive patterns
	casedD string // domain as written
}

// parseAddress reads an address in any form an MTA may hand on: with or
// without angle brackets, with a source route (RFC 5321 appendix C), with a
// quoted local part, without a domain, or malformed. It never fails: what
// cannot be taken apart is one local part, which no ordinary pattern matches.
func parseAddress(s string) address {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '<' && s[len(s)-1] == '>' {
		s = s[1 : len(s)-1]
	}
	local, domain := splitAddress(stripRoute(s))
	a := address{local: lower(local), domain: plainDomain(domain), cased: local, casedD: strings.TrimSuffix(domain, ".")}
	a.base = cutDetail(a.local)
	return a
}

// plainDomain is the form in which domains are compared: in lower case, without a dot at
// the end, and with the labels of internationalized names (RFC 5890) in their own script,
// as people write them in patterns.
func plainDomain(domain string) string {
	domain = lower(strings.TrimSuffix(domain, "."))
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

// null reports whether a is the null sender, <>.
func (a address) null() bool { return a.local == "" && a.domain == "" }

// text returns the address as globs see it. A local part that is no dot-atom
// keeps its quotes, so that `"boss@good.example"` is not boss@good.example.
func (a address) text(detail bool) string {
	if detail {
		return joinAddress(a.local, a.domain)
	}
	return joinAddress(a.base, a.domain)
}

// casedText is text in the case the address was written in.
func (a address) casedText(detail bool) string {
	if detail {
		return joinAddress(a.cased, a.casedD)
	}
	return joinAddress(cutDetail(a.cased), a.casedD)
}

func joinAddress(local, domain string) string {
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

// splitAddress separates local part and domain. In a quoted local part an "@"
// is an ordinary character; elsewhere the last one counts, as in both MTAs.
func splitAddress(s string) (local, domain string) {
	if unquoted, rest, ok := cutQuoted(s); ok {
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

// cutQuoted undoes a quoted string at the start of s and returns what follows
// it; ok is false when s does not begin with a complete one.
func cutQuoted(s string) (unquoted, rest string, ok bool) {
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

// lower maps to lower case; bytes that are not UTF-8 are left as they are, so
// that two different broken addresses never become equal.
func lower(s string) string {
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
