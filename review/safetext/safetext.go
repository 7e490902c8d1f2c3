// Package safetext makes hostile text safe to show: on a terminal, in a log
// line, in JSON. What comes out is valid UTF-8 of bounded length without
// control characters, escape sequences, text direction overrides and invisible
// characters; what was dangerous stays legible as \x1b or \u202e. It is pure.
//
// The functions do not escape for HTML: a page does that by its template.
package safetext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// more ends a text that was cut.
const more = "…"

// maxMarks is how many combining marks may stand on one character. Languages
// need up to four; stacks of hundreds paint over the neighbouring lines.
const maxMarks = 6

// Line makes s one line of at most limit bytes. Line ends and tabs in it are
// escaped too.
func Line(s string, limit int) string { return clean(s, limit, false) }

// Text is Line for text of several lines: LF stays, CRLF becomes LF and a tab
// becomes blanks.
func Text(s string, limit int) string { return clean(s, limit, true) }

func clean(s string, limit int, lines bool) string {
	var b strings.Builder
	b.Grow(min(len(s), max(limit, 0)))
	marks, cut := 0, 0 // cut: up to there the mark of a cut text still fits behind
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		out := s[i : i+n]
		switch {
		case lines && r == '\r' && strings.HasPrefix(s[i+n:], "\n"):
			out = ""
		case lines && r == '\n':
		case lines && r == '\t':
			out = "    "
		case r == utf8.RuneError && n == 1, r < 0x80 && unicode.IsControl(r):
			out = fmt.Sprintf(`\x%02x`, s[i])
		case hidden(r):
			out = escape(r)
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				out = escape(r)
			}
		}
		if !unicode.Is(unicode.M, r) {
			marks = 0
		}
		if b.Len()+len(out) > limit {
			return b.String()[:cut] + fit(more, limit-cut)
		}
		b.WriteString(out)
		if b.Len()+len(more) <= limit {
			cut = b.Len()
		}
		i += n
	}
	return b.String()
}

// fit drops what does not fit at all.
func fit(s string, limit int) string {
	if len(s) > limit {
		return ""
	}
	return s
}

// hidden reports whether a character is invisible, moves text, or has no
// agreed meaning. The joiners stay: scripts and emoji need them.
func hidden(r rune) bool {
	switch {
	case r == '\u200c', r == '\u200d': // joiners
		return false
	case r == '\u115f', r == '\u1160', r == '\u3164', r == '\uffa0': // Hangul fillers: letters that show nothing
		return true
	}
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cf, unicode.Cc)
}

func escape(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
