package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"fanmill/review/safetext"
)

// Safe makes text fit for a terminal and for one line, with bounds that only
// hostile text meets.
func Safe(s string) string { return safetext.Line(s, 64<<10) }

// Fit is safe, cut to at most columns of a terminal.
func Fit(s string, columns int) string {
	s = Safe(s)
	used, end := 0, 0 // end: of what stands before the dots
	for i, r := range s {
		if used <= columns-len("...") {
			end = i
		}
		if used += cell(r); used > columns {
			return s[:end] + "..."[:min(max(columns, 0), 3)]
		}
	}
	return s
}

// Cells returns how many columns of a terminal s takes.
func Cells(s string) (n int) {
	for _, r := range s {
		n += cell(r)
	}
	return n
}

// cell is the width of a character: two columns for those of East Asia and most
// pictures, none for marks that stand on another.
func cell(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// PrintJSON writes one JSON value and a line end. JSON needs no escaping of
// ours: control characters are escaped by its own rules, and the C1 controls
// and bidirectional marks that it lets through are escaped here.
func PrintJSON(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case r < 0x7f || unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
	}
	_, err = fmt.Fprintln(w, b.String())
	return WriteError(err)
}

// WriteError words a failed write to standard output.
func WriteError(err error) error {
	if err == nil {
		return nil
	}
	return WithCode(ExitIO, fmt.Errorf("write to standard output: %w", err))
}

// Meter is the progress bar: one line on a terminal, redrawn at most eight
// times a second. Where standard error is no terminal it is nil, and a nil
// meter does nothing.
type Meter struct {
	w     io.Writer
	width int
	Verb  string // what goes on
	Unit  string // of what is counted
	start time.Time
	last  time.Time
}

// NewMeter returns a bar on standard error that counts messages; nil when quiet, or
// where there is no terminal.
func NewMeter(e *Env, quiet bool, verb string) *Meter {
	width := e.Terminal(e.Stderr)
	if width == 0 || quiet {
		return nil
	}
	return &Meter{w: e.Stderr, width: width, Verb: verb, Unit: "messages", start: time.Now()}
}

// Phase names what goes on from now on: rate and time left begin anew, and the next
// show draws at once.
func (m *Meter) Phase(verb, unit string) {
	if m != nil && m.Verb != verb {
		m.Clear()
		m.Verb, m.Unit, m.start = verb, unit, time.Now()
	}
}

// Show draws the state after n messages (or what the unit is) and done of total
// bytes; a total of 0 is not known.
func (m *Meter) Show(n int, done, total int64) {
	if m == nil || time.Since(m.last) < 125*time.Millisecond {
		return
	}
	m.last = time.Now()
	fmt.Fprintf(m.w, "\r\x1b[K%s", bar(m.Verb, m.Unit, m.width-1, n, done, total, time.Since(m.start)))
}

// Say names work of which nobody knows how far it is.
func (m *Meter) Say(what string) {
	if m != nil {
		m.last = time.Now()
		fmt.Fprintf(m.w, "\r\x1b[K%s", Fit(what, m.width-1))
	}
}

// Clear removes the bar, so that other lines can be written.
func (m *Meter) Clear() {
	if m != nil && !m.last.IsZero() {
		fmt.Fprint(m.w, "\r\x1b[K")
		m.last = time.Time{}
	}
}

// bar is the text of the progress bar, at most width characters.
func bar(verb, unit string, width, n int, done, total int64, took time.Duration) string {
	rate := float64(n) / max(took.Seconds(), 1e-3)
	tail := fmt.Sprintf(" %d %s, %.0f/s", n, unit, rate)
	share := 0.0
	if total > 0 {
		share = min(float64(done)/float64(total), 1)
	}
	if share > 0 {
		left := time.Duration(float64(took) * (1 - share) / share).Round(time.Second)
		tail = fmt.Sprintf(" %3.0f%%%s, %s left", 100*share, tail, left)
	}
	cells := min(width-len(verb)-len(tail)-3, 30)
	if share == 0 || cells < 5 {
		return Fit(verb+tail, width)
	}
	full := int(share * float64(cells))
	return verb + " [" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "]" + tail
}

// Bytes writes a number of bytes for people.
func Bytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1000 {
		return Plural(int(n), "byte", "bytes")
	}
	x, u := float64(n)/1000, 0
	for ; x >= 999.95 && u < len(units)-1; u++ {
		x /= 1000
	}
	return fmt.Sprintf("%.1f %s", x, units[u])
}

// Plural is "1 message", "2 messages".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Angle shows the null sender as such.
func Angle(sender string) string {
	if sender == "" {
		return "<>"
	}
	return sender
}
