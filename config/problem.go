package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	File  string `json:"file,omitempty"`  // as given to Parse; "" when there is no file
	Line  int    `json:"line,omitempty"`  // from 1; 0: not known
	Key   string `json:"key,omitempty"`   // section.key, or the section; "" for a file that cannot be read as TOML
	Value string `json:"value,omitempty"` // as TOML text, shortened
	Text  string `json:"text"`            // what is wrong: "is not one of ..."
	Hint  string `json:"hint"`            // what to do
}

// Error puts it all on one line: file:line: key = value: text; hint.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(p.Key)
	if p.Value != "" {
		b.WriteString(" = " + p.Value)
	}
	if p.Key != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems are all that is wrong with a configuration, by line. It is the
// error that Parse and Validate return: errors.As finds it.
type Problems []Problem

// Error writes a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems one by one.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// err returns ps in the order of the file, or nil when there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b Problem) int { return a.Line - b.Line })
	return ps
}

// about reports whether a problem with this key is known already.
func (ps Problems) about(key string) bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Key == key })
}

// clip makes text that comes from the file fit to be shown: short and clean.
func clip(s string) string {
	const limit = 120
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return clean(s)
}

// clean replaces characters that a terminal or a log would act on.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
