package config

import "strings"

// Deeper than this no configuration goes. The decoder's time and memory grow
// with the square of the depth: a megabyte of brackets would end the process.
const (
	maxBrackets = 8
	maxDots     = 8 // in one dotted key
)

// tooNested returns the line where brackets, braces or dotted keys outside
// strings and comments go too deep, or 0.
func tooNested(s string) int {
	line, depth, dots := 1, 0, 0
	for i := 0; i < len(s); {
		switch s[i] {
		case '#':
			i += lineEnd(s[i:])
			continue
		case '"', '\'':
			n := stringEnd(s[i:])
			line += strings.Count(s[i:i+n], "\n")
			i += n
			continue
		case '\n':
			line, dots = line+1, 0
		case '=', ',':
			dots = 0
		case '.':
			dots++
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if depth > maxBrackets || dots > maxDots {
			return line
		}
		i++
	}
	return 0
}

func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// stringEnd returns the length of the TOML string at the start of s; one that
// is not closed ends with its line, or with s if it has several lines.
func stringEnd(s string) int {
	quote := s[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s, triple) {
		return 3 + closing(s[3:], triple)
	}
	return 1 + closing(s[1:1+lineEnd(s[1:])], quote)
}

// closing returns the length up to and including the closing quote. In basic
// strings a backslash hides what follows it.
func closing(s, quote string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && quote[0] == '"' {
			i++
			continue
		}
		if strings.HasPrefix(s[i:], quote) {
			return i + len(quote)
		}
	}
	return len(s)
}
