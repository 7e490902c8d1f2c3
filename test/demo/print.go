package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printer writes for people; the first error is kept in err.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

// title begins a section.
func (p *printer) title(format string, args ...any) { p.printf("\n== "+format+"\n", args...) }

// line prints one line of a section.
func (p *printer) line(format string, args ...any) { p.printf("   "+format+"\n", args...) }

// quote prints the output of a command, indented; what does not belong on a
// terminal was escaped by fanmill and is escaped here once more.
func (p *printer) quote(output string) {
	for line := range strings.Lines(output) {
		p.line("%s", safe(strings.TrimRight(line, "\n"), 150))
	}
}

// safe returns hostile text fit for a terminal: control characters, invisible
// and bidirectional marks and broken UTF-8 become '?', and it is cut to width.
func safe(text string, width int) string {
	text = strings.ToValidUTF8(text, "?")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}
