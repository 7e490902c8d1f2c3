package match

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"fanmill/policy/address"
)

// Fields are patterns over header fields of any name. Nil ones match every header.
type Fields []fieldPattern

// ListIDs are patterns over the identifier in a List-Id field.
type ListIDs []fieldPattern

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

// CompileFields compiles the entries of the option "headers"; nil for none.
func CompileFields(entries []string) (list Fields, errs []error) {
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
	f.name = canonicalName(name)
	if pattern[0] == '/' {
		f.re, err = compileExpression(pattern)
		return f, err
	}
	f.glob = address.Lower(pattern)
	return f, nil
}

// Names returns the names of the fields that are looked at.
func (list Fields) Names() []string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.name
	}
	return names
}

// Match reports whether some field is as one of the patterns has it.
func (list Fields) Match(h *Header) bool {
	return list == nil || slices.ContainsFunc(list, func(f fieldPattern) bool {
		return slices.ContainsFunc(h.fields[f.name], f.match)
	})
}

func (f *fieldPattern) match(value string) bool {
	if f.re != nil {
		return f.re.MatchString(value)
	}
	return matchGlob(f.glob, address.Lower(value))
}

// CompileListIDs compiles the entries of the option "list": identifiers, globs and
// expressions over them; nil for none.
func CompileListIDs(entries []string) (list ListIDs, errs []error) {
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

// Match reports whether the identifier of the message's list is as one of the patterns
// has it.
func (list ListIDs) Match(h *Header) bool {
	id := h.ListID()
	return id != "" && slices.ContainsFunc(list, func(f fieldPattern) bool { return f.match(id) })
}
