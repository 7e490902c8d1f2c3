// Package senders looks senders up in plain text lists, as people keep them who have never
// seen TOML: whom they welcome, and whom they block.
package senders

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"fanmill/policy/address"
	"fanmill/policy/match"
)

// List is a compiled plain text list of senders, one entry a line, as people keep them
// who have never seen TOML. A line of letters, digits and @ . _ + - only, with an @ or a
// dot, is an address or a domain:
//
//	user@bad.example   this address
//	bad.example        every address of this domain and its sub-domains
//	@bad.example       the same
//	user@              this local part at any domain
//
// and is compared with the addresses of the From field, label by label. Any other line is
// a pattern: RE2, unanchored, whatever the case, compared with the text
// `From: Name <user@bad.example>`, the first From field decoded and unfolded, as
// maildrop's lookup has it. Blank lines and lines that begin with # are comments; blanks
// at either end, a byte order mark and CRLF do not matter.
//
// A List is immutable and safe for concurrent use; nil matches nothing. Looking one up
// costs as much for 20,000 addresses as for one; patterns are found by a literal that
// their matches contain, and compiled when they are first needed.
type List struct {
	known    address.Table[int32] // values are line numbers
	domains  map[string]int32
	patterns *expressions
	entries  int
}

// LineError is a line of a list that is passed over.
type LineError struct {
	Line int    // from 1
	Text string // the line, not cleaned
	Err  error
}

// Error names the line and what is wrong with it.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

const (
	maxListLine    = 1000   // bytes of a line
	maxListEntries = 500000 // of one list
)

var (
	errLineLong    = errors.New("is too long for an entry")
	errLineBytes   = errors.New("is not plain UTF-8 text")
	errLineComment = errors.New("has a comment behind the entry: put it on a line of its own")
	errLineShort   = errors.New("matches every sender")
	errListLong    = errors.New("and all after it are too many entries for one list")
)

// Parse compiles the text of a list. Lines that are wrong are passed over, and named
// in the errors; the others are in force.
func Parse(text string) (*List, []*LineError) {
	l := &List{domains: map[string]int32{}, patterns: newExpressions()}
	var errs []*LineError
	n := int32(0)
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		n++
		entry := strings.TrimSpace(line)
		if entry == "" || entry[0] == '#' {
			continue
		}
		err := errListLong
		if l.entries < maxListEntries {
			err = l.add(entry, n)
		}
		if err != nil {
			errs = append(errs, &LineError{Line: int(n), Text: entry, Err: err})
		}
		if err == errListLong {
			break
		}
	}
	return l, errs
}

func (l *List) add(entry string, line int32) error {
	switch {
	case len(entry) > maxListLine:
		return errLineLong
	case !utf8.ValidString(entry), strings.ContainsFunc(entry, unicode.IsControl):
		return errLineBytes
	case strings.Contains(entry, " #"):
		return errLineComment
	case isPlainEntry(entry):
		return l.addPlain(entry, line)
	}
	if err := l.patterns.add(entry, line); err != nil {
		return err
	}
	l.entries++
	return nil
}

// isPlainEntry tells an address or a domain from a pattern. Letters are those of all
// scripts.
func isPlainEntry(s string) bool {
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("@._+-", r) {
			return false
		}
	}
	return strings.ContainsAny(s, "@.")
}

func (l *List) addPlain(entry string, line int32) error {
	local, domain := "", entry
	if i := strings.LastIndexByte(entry, '@'); i >= 0 {
		local, domain = entry[:i], entry[i+1:]
	}
	local, domain = address.Lower(local), address.Domain(strings.TrimPrefix(domain, "."))
	switch {
	case strings.Contains(local, "@"):
		return address.ErrMalformed
	case domain == "" && local == "":
		return errLineShort
	case domain == "":
		l.known.AddLocal(local, line)
	case local == "":
		if _, ok := l.domains[domain]; !ok {
			l.domains[domain] = line
		}
	default:
		l.known.Add(local, domain, line)
	}
	l.entries++
	return nil
}

// Len returns how many entries are in force.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return l.entries
}

// Match returns the line of an entry that matches the sender of a message. Addresses are
// looked for before domains, and these before patterns.
func (l *List) Match(h *match.Header) (line int, ok bool) { return l.match(h, h.FromText()) }

// MatchAddress is Match with patterns that see each address alone, see
// match.Header.AddressTexts.
func (l *List) MatchAddress(h *match.Header) (line int, ok bool) {
	return l.match(h, h.AddressTexts()...)
}

func (l *List) match(h *match.Header, texts ...string) (line int, ok bool) {
	if l.Len() == 0 {
		return 0, false
	}
	for _, a := range h.Senders() {
		if n, ok := l.lookup(a); ok {
			return int(n), true
		}
	}
	n, ok := l.patterns.match(texts...)
	return int(n), ok
}

func (l *List) lookup(a address.Address) (line int32, ok bool) {
	if line, ok = l.known.Lookup(a); ok {
		return line, true
	}
	for domain := a.Domain; domain != ""; {
		if line, ok = l.domains[domain]; ok {
			return line, true
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return 0, false
}
