package policy

import (
	"errors"
	"regexp"
	"strings"

	"fanmill/policy/match"
)

const bypassHint = "write one word of 4 to 40 letters and digits that nobody writes by chance, such as NOTSPAM"

// compileBypass makes a pattern of the word that lets mail pass; nil for none. The word is
// ASCII, since an SMTP answer names it.
func compileBypass(word string) (*regexp.Regexp, error) {
	if word == "" {
		return nil, nil
	}
	if len(word) < 4 || len(word) > 40 || strings.ContainsFunc(word, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return nil, &match.OptionError{Option: "bypass_word", Err: errors.New("is not such a word"), Hint: bypassHint}
	}
	return regexp.MustCompile(`(?i)\b` + word + `\b`), nil
}

// Bypass reports whether the first Subject field has the word that lets mail pass.
func (c *Content) Bypass() bool {
	return c.policy.bypass != nil && c.policy.bypass.MatchString(c.header.First("Subject"))
}
