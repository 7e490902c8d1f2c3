package match

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// leadingFlags finds a pattern that sets its own flags, such as (?s) or
// (?-i:...), but not the plain group (?:...).
var leadingFlags = regexp.MustCompile(`^\(\?-?[a-zA-Z]+(-[a-zA-Z]+)?[:)]`)

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
