package headers

import (
	"strconv"
	"strings"

	"fanmill/classify"
)

// The names of the fields that carry clues, folded by their length.
const (
	cluesName    = "X-Fanmill-Clues"
	evidenceName = "X-Spambayes-Evidence"
)

// maxText is how many bytes of a clue's text are written, before what stands for
// bytes that a header cannot have.
const maxText = 120

// clueList writes each clue as "text" probability.
func clueList(clues []classify.Clue) string {
	items := make([]string, len(clues))
	for i, c := range clues {
		items[i] = printable(c.Text, maxText) + " " + decimals(clamp(c.Prob), 2)
	}
	return fold(cluesName, items)
}

// evidence writes each clue as 'text': probability, the text as Python's repr has it.
func evidence(clues []classify.Clue) string {
	items := make([]string, len(clues))
	for i, c := range clues {
		items[i] = repr(c.Text) + ": " + decimals(clamp(c.Prob), 2)
	}
	return fold(evidenceName, items)
}

// fold puts semicolons between items, and line ends where a line would have more than
// 78 columns, a tab being 8 of them: as SpamBayes does.
func fold(name string, items []string) string {
	var b strings.Builder
	line := len(name) + len(": ")
	for n, item := range items {
		switch {
		case n == 0:
		case line+len("; ")+len(item) < 78:
			b.WriteString("; ")
			line += len("; ")
		default:
			b.WriteString(";\n\t")
			line = 8
		}
		b.WriteString(item)
		line += len(item)
	}
	return b.String()
}

// factors writes the number of clues, then each on a line of its own, as DSPAM does:
// what is not printable ASCII, and the percent sign, as % and two hexadecimal digits.
func factors(clues []classify.Clue) string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(clues)))
	for _, c := range clues {
		b.WriteString(",\n\t")
		for _, ch := range []byte(c.Text[:min(len(c.Text), maxText)]) {
			if ch < ' ' || ch > '~' || ch == '%' {
				b.WriteByte('%')
				hex(&b, ch)
				continue
			}
			b.WriteByte(ch)
		}
		b.WriteString(", " + decimals(clamp(c.Prob), 5))
	}
	return b.String()
}

// repr writes hostile text as Python does a byte string: in single quotes, or in
// double ones if there is a single quote in it and no double one.
func repr(s string) string {
	s = s[:min(len(s), maxText)]
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteByte(quote)
	for _, c := range []byte(s) {
		switch {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c > '~':
			b.WriteString(`\x`)
			hex(&b, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

func hex(b *strings.Builder, c byte) {
	const digits = "0123456789abcdef"
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}

// printable quotes hostile text in printable ASCII of at most limit+2 bytes.
func printable(s string, limit int) string {
	q := strconv.QuoteToASCII(s[:min(len(s), limit)])
	if len(q) <= limit+2 {
		return q
	}
	return strings.TrimRight(q[:limit], `\`) + `"`
}
