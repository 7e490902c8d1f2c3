package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// fromPatterns are patterns over the From field: those over addresses, and regular
// expressions over the text that lists are compared with too, "From: Name <address>".
type fromPatterns struct {
	addresses *patterns
	texts     []*regexp.Regexp
}

func compileFrom(entries []string) (f *fromPatterns, errs []error) {
	if entries == nil {
		return nil, nil
	}
	f = &fromPatterns{}
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
	f.addresses, more = compilePatterns("from", plain)
	return f, append(errs, more...)
}

// match reports whether the From field is as one of the patterns has it; for a welcome
// sender, expressions see each address alone, as in List.matchAddress.
func (f *fromPatterns) match(c *Content, welcome bool) bool {
	for _, a := range c.from() {
		if _, ok := f.addresses.match(a); ok {
			return true
		}
	}
	texts := []string{c.fromText()}
	if welcome {
		texts = c.addressTexts()
	}
	return slices.ContainsFunc(f.texts, func(re *regexp.Regexp) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return text != "" && re.MatchString(text) })
	})
}

// fieldPattern is a header field and what it is to hold: a glob over all of it, whatever
// the case, or an expression that matches somewhere in it.
type fieldPattern struct {
	name string
	glob string
	re   *regexp.Regexp
}

var (
	errFieldForm = errors.New("is not a field name, a colon and a pattern")
	errFieldName = errors.New("has characters that a field name cannot have")
)

func compileFields(entries []string) (list []fieldPattern, errs []error) {
	for _, entry := range entries {
		f, err := compileField(entry)
		if err != nil {
			errs = append(errs, &OptionError{
				Option: "headers", Entry: entry, Err: err,
				Hint: `write "Name: glob" or "Name: /RE2/", such as "X-Mailer: *bulk*" or "Subject: /\bcasino\b/"`,
			})
			continue
		}
		list = append(list, f)
	}
	return list, errs
}

func compileField(entry string) (f fieldPattern, err error) {
	name, pattern, ok := strings.Cut(entry, ":")
	name, pattern = strings.TrimSpace(name), strings.TrimSpace(pattern)
	switch {
	case !ok || name == "" || pattern == "":
		return f, errFieldForm
	case strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return f, errFieldName
	case !utf8.ValidString(pattern):
		return f, errCharacter
	}
	f.name = canonicalField(name)
	if pattern[0] == '/' {
		f.re, err = compileExpression(pattern)
		return f, err
	}
	f.glob = lower(pattern)
	return f, nil
}

// matchFields reports whether some field is as one of the patterns has it; no patterns
// match always.
func matchFields(list []fieldPattern, c *Content) bool {
	return list == nil || slices.ContainsFunc(list, func(f fieldPattern) bool {
		return slices.ContainsFunc(c.fields[f.name], f.match)
	})
}

func (f *fieldPattern) match(value string) bool {
	if f.re != nil {
		return f.re.MatchString(value)
	}
	return matchGlob(f.glob, lower(value))
}

// compileListIDs compiles globs and expressions over list identifiers. A plain one is
// compared as it is.
func compileListIDs(entries []string) (list []fieldPattern, errs []error) {
	for _, entry := range entries {
		f, err := compileField("List-Id:" + entry)
		if err != nil {
			errs = append(errs, &OptionError{
				Option: "list", Entry: entry, Err: err,
				Hint: "write what stands between < and > in the List-Id field, such as announce.lists.example.org, a glob or /RE2/",
			})
			continue
		}
		f.glob = strings.Trim(f.glob, "<>")
		list = append(list, f)
	}
	return list, errs
}

func matchListID(list []fieldPattern, id string) bool {
	return id != "" && slices.ContainsFunc(list, func(f fieldPattern) bool { return f.match(id) })
}

// compileExpression compiles /RE2/, unanchored and whatever the case unless it begins
// with flags.
func compileExpression(entry string) (*regexp.Regexp, error) {
	s := strings.TrimSpace(entry)
	if len(s) < 2 || s[len(s)-1] != '/' {
		return nil, errOpenRE
	}
	source := s[1 : len(s)-1]
	if source == "" {
		return nil, errEmpty
	}
	if !leadingFlags.MatchString(source) {
		source = "(?i)" + source
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("is not a regular expression: %w", err)
	}
	return re, nil
}
