// Package daytable is the daily table: what became of the mail of each day, a row a day
// and a column an outcome. It has the command log, which makes the table from log files,
// once or live, as text, CSV or JSON; stats prints the same table from the daemon's
// counters.
package daytable

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
	"fanmill/milter/maillog"
	"fanmill/policy"
)

// writer writes rows of the daily table in some form.
type writer interface {
	write(rows []maillog.Row) error
}

// textTable writes the daily table for people: each column that has something in some
// row, and always what was accepted and the total. Rows may come a few at a time; the
// heading comes again when they need more columns.
type textTable struct {
	w     io.Writer
	shown []policy.Column
}

// newText writes the table for people, who need not see columns of zeros.
func newText(w io.Writer) writer { return &textTable{w: w} }

// write writes rows, below a heading where one is needed.
func (t *textTable) write(rows []maillog.Row) error {
	var b strings.Builder
	if more := t.needed(rows); len(more) > len(t.shown) {
		t.shown = more
		t.heading(&b)
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "%-10s", cli.Fit(r.Day, 10))
		for _, c := range t.shown {
			fmt.Fprintf(&b, "%*d", cellWidth(c), r.N[c])
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(t.w, b.String())
	return cli.WriteError(err)
}

func (t *textTable) needed(rows []maillog.Row) (columns []policy.Column) {
	for c := range policy.Column(policy.Columns) {
		has := slices.ContainsFunc(rows, func(r maillog.Row) bool { return r.N[c] != 0 })
		if has || c == policy.Accepted || c == policy.Total || slices.Contains(t.shown, c) {
			columns = append(columns, c)
		}
	}
	return columns
}

// heading writes names such as reject-spam on two lines.
func (t *textTable) heading(b *strings.Builder) {
	for line := range 2 {
		text := strings.Repeat(" ", 10)
		if line == 1 {
			text = "day       "
		}
		for _, c := range t.shown {
			text += fmt.Sprintf("%*s", cellWidth(c), headingWords(c)[line])
		}
		if text = strings.TrimRight(text, " "); text != "" {
			b.WriteString(text + "\n")
		}
	}
}

// headingWords splits a column's name; one word stands on the lower line.
func headingWords(c policy.Column) [2]string {
	upper, lower, two := strings.Cut(c.String(), "-")
	if !two {
		return [2]string{"", upper}
	}
	return [2]string{upper, lower}
}

func cellWidth(c policy.Column) int {
	words := headingWords(c)
	return 2 + max(len(words[0]), len(words[1]), 6)
}

// Page is the daily table with a line below it that says what it is.
func Page(rows []maillog.Row, zone string) string {
	if len(rows) == 0 {
		return "no message\n"
	}
	if len(rows) > 1 {
		rows = append(slices.Clip(rows), sumRow(rows))
	}
	var b strings.Builder
	_ = (&textTable{w: &b}).write(rows) // writes to memory
	return b.String() + "Days are those of " + cli.Safe(zone) + ".\n"
}

// sumRow adds rows up; its day is what is written in place of one.
func sumRow(rows []maillog.Row) maillog.Row {
	sum := maillog.Row{Day: "all"}
	for _, r := range rows {
		for c, n := range r.N {
			sum.N[c] += n
		}
	}
	return sum
}

// csvTable writes rows as comma-separated values; the first call a heading too.
type csvTable struct {
	w      *csv.Writer
	headed bool
}

// newCSV writes comma-separated values, all columns.
func newCSV(w io.Writer) writer { return &csvTable{w: csv.NewWriter(w)} }

// write is writer.
func (t *csvTable) write(rows []maillog.Row) error {
	if !t.headed {
		t.headed = true
		heading := []string{"day"}
		for c := range policy.Column(policy.Columns) {
			heading = append(heading, c.String())
		}
		_ = t.w.Write(heading) // errors stay with the writer
	}
	for _, r := range rows {
		cells := []string{r.Day}
		for _, n := range r.N {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		_ = t.w.Write(cells)
	}
	t.w.Flush()
	return cli.WriteError(t.w.Error())
}

// jsonTable writes rows as JSON, one a line.
type jsonTable struct{ w io.Writer }

// newJSON writes a JSON object a line, all columns.
func newJSON(w io.Writer) writer { return jsonTable{w} }

// write is writer.
func (t jsonTable) write(rows []maillog.Row) error {
	for _, r := range rows {
		if err := cli.PrintJSON(t.w, Answer(r)); err != nil {
			return err
		}
	}
	return nil
}

// Answer is a row as JSON has it.
func Answer(r maillog.Row) control.DayRow {
	d := control.DayRow{Day: r.Day, Counts: make(map[string]int64, policy.Columns)}
	for c, n := range r.N {
		d.Counts[policy.Column(c).String()] = n
	}
	return d
}

// Row is a row to reckon with, of one as JSON has it.
func Row(d control.DayRow) maillog.Row {
	r := maillog.Row{Day: d.Day}
	for name, n := range d.Counts {
		if c, ok := policy.ParseColumn(name); ok {
			r.N[c] = n
		}
	}
	return r
}

// Zone names the time zone that days are counted in.
func Zone() string {
	now := time.Now()
	if name := now.Location().String(); name != "Local" {
		return name
	}
	return now.Format("MST (-07:00)")
}
