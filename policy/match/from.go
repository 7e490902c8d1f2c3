package match

import (
	"regexp"
	"slices"
	"strings"
)

// From are patterns over the From field: those over addresses, and regular
// expressions over the text that lists are compared with too, "From: Name <address>".
type From struct {
	addresses *Patterns
	texts     []*regexp.Regexp
}

// CompileFrom compiles the entries of the option "from"; nil for none.
func CompileFrom(entries []string) (f *From, errs []error) {
	if entries == nil {
		return nil, nil
	}
	f = &From{}
	var plain []string
	for _, entry := range entries {
		if !strings.HasPrefix(strings.TrimSpace(entry), "/") {
			plain = append(plain, entry)
			continue
		}
		re, err := compileExpression(entry)
		if err != nil {
			errs = append(errs, &OptionError{Option: "from", Entry: entry, Err: err, Hint: patternHint(entry)})
			continue
		}
		f.texts = append(f.texts, re)
	}
	var more []error
	f.addresses, more = CompilePatterns("from", plain)
	return f, append(errs, more...)
}

// Match reports whether the From field is as one of the patterns has it. Expressions see the
// text of the field, or each address alone: see Header.AddressTexts.
func (f *From) Match(h *Header, alone bool) bool {
	if slices.ContainsFunc(h.Senders(), f.addresses.Match) {
		return true
	}
	texts := []string{h.FromText()}
	if alone {
		texts = h.AddressTexts()
	}
	return slices.ContainsFunc(f.texts, func(re *regexp.Regexp) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return text != "" && re.MatchString(text) })
	})
}
