package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// patterns is a compiled list of address patterns:
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
type patterns struct {
	exact   map[exactKey]string // values are the entries as written
	domains map[string]string
	locals  map[string]string
	globs   []glob
	regexps []expression
}

type exactKey struct{ local, domain string }

type glob struct {
	entry, text string
	detail      bool // compared with the detail in place
}

type expression struct {
	entry  string
	re     *regexp.Regexp
	detail bool
}

// compilePatterns compiles a list; the errors say what is wrong with which
// entry, the other entries are still in force.
func compilePatterns(option string, entries []string) (*patterns, []error) {
	p := &patterns{exact: map[exactKey]string{}, domains: map[string]string{}, locals: map[string]string{}}
	var errs []error
	for _, entry := range entries {
		if err := p.add(entry); err != nil {
			errs = append(errs, &OptionError{Option: option, Entry: entry, Err: err, Hint: patternHint(entry)})
		}
	}
	return p, errs
}

var (
	errEmpty     = errors.New("is empty")
	errCharacter = errors.New("has a blank, a comma, a control character or bytes that are not UTF-8")
	errNoDomain  = errors.New("is not an address: no @")
	errOpenRE    = errors.New("is a regular expression without its closing /")
	errParts     = errors.New("is not an address: local part or domain is missing or malformed")
)

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

func (p *patterns) add(entry string) error {
	s := strings.TrimSpace(entry)
	switch {
	case s == "":
		return errEmpty
	case s[0] == '/':
		return p.addRegexp(entry, s)
	case !plain(s):
		return errCharacter
	case strings.ContainsAny(s, "*?"):
		text := lower(s)
		p.globs = append(p.globs, glob{entry: entry, text: text, detail: strings.Contains(text, "+")})
		return nil
	case s[0] == '@':
		return p.addDomain(entry, s[1:])
	case s[len(s)-1] == '@':
		return p.addLocal(entry, s)
	}
	return p.addExact(entry, s)
}

func (p *patterns) addLocal(entry, s string) error {
	local, domain := splitAddress(s)
	if local == "" || domain != "" || s[0] != '"' && strings.Contains(local, "@") {
		return errParts
	}
	p.locals[lower(local)] = entry
	return nil
}

func (p *patterns) addDomain(entry, domain string) error {
	domain = plainDomain(domain)
	if domain == "" || domain[0] == '.' || strings.ContainsAny(domain, "@<>\"") {
		return errParts
	}
	p.domains[domain] = entry
	return nil
}

func (p *patterns) addExact(entry, s string) error {
	a := parseAddress(s)
	switch {
	case a.null() && s == "<>":
	case !strings.Contains(s, "@"):
		return errNoDomain
	case a.local == "" || a.domain == "" || strings.ContainsAny(a.domain, "@<>\""):
		return errParts
	}
	p.exact[exactKey{a.local, a.domain}] = entry
	return nil
}

func (p *patterns) addRegexp(entry, s string) error {
	re, err := compileExpression(s)
	if err != nil {
		return err
	}
	detail := strings.Contains(s, `\+`) || strings.Contains(s, `[+]`)
	p.regexps = append(p.regexps, expression{entry: entry, re: re, detail: detail})
	return nil
}

// leadingFlags finds a pattern that sets its own flags, such as (?s) or
// (?-i:...), but not the plain group (?:...).
var leadingFlags = regexp.MustCompile(`^\(\?-?[a-zA-Z]+(-[a-zA-Z]+)?[:)]`)

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

// match returns the first entry that matches, in the order exact, domain,
// local part, globs, regular expressions.
func (p *patterns) match(a address) (entry string, ok bool) {
	if entry, ok = p.lookup(a); ok || len(p.globs)+len(p.regexps) == 0 {
		return entry, ok
	}
	for _, g := range p.globs {
		if matchGlob(g.text, a.text(g.detail)) {
			return g.entry, true
		}
	}
	for _, x := range p.regexps {
		if x.re.MatchString(a.casedText(x.detail)) {
			return x.entry, true
		}
	}
	return "", false
}

func (p *patterns) lookup(a address) (entry string, ok bool) {
	for _, local := range [...]string{a.local, a.base} {
		if entry, ok = p.exact[exactKey{local, a.domain}]; ok {
			return entry, true
		}
		if entry, ok = p.locals[local]; ok {
			return entry, true
		}
	}
	entry, ok = p.domains[a.domain]
	return entry, ok
}

// matchGlob reports whether the whole of s matches the glob: * is any run of
// characters, ? is one. Time is at most len(pattern)*len(s).
func matchGlob(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0 // last * seen and where its run ends so far
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			_, n := utf8.DecodeRuneInString(s[i:])
			p, i = p+1, i+n
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
