package match

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"fanmill/policy/address"
)

// Patterns is a compiled list of address patterns:
//
//	user@example.org   this address, whatever the case
//	@example.org       every address of this domain, not of its sub-domains
//	user@              this local part at any domain, or without one
//	*-owner@lists.*    glob over the whole address: * any run, ? one character
//	/^(news|list)-/    RE2, unanchored, case-insensitive unless it begins with flags
//	<>                 the null sender
//
// "+detail" of the address is ignored by a pattern that has no "+" itself
// (for a regular expression: neither `\+` nor `[+]`). The first three kinds
// are map lookups, so long lists of them cost nothing.
type Patterns struct {
	known   address.Table[struct{}]
	domains map[string]struct{}
	globs   []glob
	regexps []expression
}

type glob struct {
	text   string
	detail bool // compared with the detail in place
}

type expression struct {
	re     *regexp.Regexp
	detail bool
}

// CompilePatterns compiles the list of an option; the errors say what is wrong with which
// entry, the other entries are still in force.
func CompilePatterns(option string, entries []string) (*Patterns, []error) {
	p := &Patterns{domains: map[string]struct{}{}}
	var errs []error
	for _, entry := range entries {
		if err := p.add(entry); err != nil {
			errs = append(errs, &OptionError{Option: option, Entry: entry, Err: err, Hint: patternHint(entry)})
		}
	}
	return p, errs
}

// patternHint says how to write the entry right.
func patternHint(entry string) string {
	s := strings.TrimSpace(entry)
	switch {
	case strings.HasPrefix(s, "/"):
		return "write a regular expression in RE2 syntax between slashes, such as /^list-/; look-around and back-references do not exist there"
	case s != "" && len(s) < 80 && plain(s) && !strings.ContainsAny(s, "@*?"):
		return fmt.Sprintf("write @%[1]s for a domain, %[1]s@ for a local part at any domain", s)
	}
	return "write one of user@example.org, @example.org, user@, a glob such as *-owner@lists.example.org, or /RE2/"
}

func (p *Patterns) add(entry string) error {
	s := strings.TrimSpace(entry)
	switch {
	case s == "":
		return errEmpty
	case s[0] == '/':
		return p.addRegexp(s)
	case !plain(s):
		return errCharacter
	case strings.ContainsAny(s, "*?"):
		p.globs = append(p.globs, glob{text: address.Lower(s), detail: strings.Contains(s, "+")})
		return nil
	case s[0] == '@':
		return p.addDomain(s[1:])
	case s[len(s)-1] == '@':
		return p.addLocal(s)
	}
	return p.addExact(s)
}

func (p *Patterns) addLocal(s string) error {
	local, domain := address.Split(s)
	if local == "" || domain != "" || s[0] != '"' && strings.Contains(local, "@") {
		return address.ErrMalformed
	}
	p.known.AddLocal(address.Lower(local), struct{}{})
	return nil
}

func (p *Patterns) addDomain(domain string) error {
	domain = address.Domain(domain)
	if domain == "" || domain[0] == '.' || strings.ContainsAny(domain, "@<>\"") {
		return address.ErrMalformed
	}
	p.domains[domain] = struct{}{}
	return nil
}

func (p *Patterns) addExact(s string) error {
	a := address.Parse(s)
	switch {
	case a.Null() && s == "<>":
	case !strings.Contains(s, "@"):
		return errNoDomain
	case a.Local == "" || a.Domain == "" || strings.ContainsAny(a.Domain, "@<>\""):
		return address.ErrMalformed
	}
	p.known.Add(a.Local, a.Domain, struct{}{})
	return nil
}

func (p *Patterns) addRegexp(s string) error {
	re, err := compileExpression(s)
	if err != nil {
		return err
	}
	detail := strings.Contains(s, `\+`) || strings.Contains(s, `[+]`)
	p.regexps = append(p.regexps, expression{re: re, detail: detail})
	return nil
}

// plain reports whether s can be an address or a glob: UTF-8 without control
// characters, and without blanks and separators outside quotes.
func plain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	quoted, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case unicode.IsControl(r), !quoted && (unicode.IsSpace(r) || r == ',' || r == ';'):
			return false
		}
	}
	return !quoted
}

// Match reports whether an entry matches.
func (p *Patterns) Match(a address.Address) bool {
	if _, ok := p.known.Lookup(a); ok {
		return true
	}
	if _, ok := p.domains[a.Domain]; ok {
		return true
	}
	return slices.ContainsFunc(p.globs, func(g glob) bool { return matchGlob(g.text, a.Text(g.detail)) }) ||
		slices.ContainsFunc(p.regexps, func(x expression) bool { return x.re.MatchString(a.CasedText(x.detail)) })
}
