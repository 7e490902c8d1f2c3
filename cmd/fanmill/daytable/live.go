package daytable

import (
	"fmt"
	"io"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter/maillog"
)

// live prints rows when they are new or have changed.
type live struct {
	to     writer
	out    io.Writer
	redraw bool                   // a row that changes takes the place of itself
	known  map[string]maillog.Row // by day
	last   string                 // the day printed last
}

// newLive prints rows by w; redraw says that w writes text on out, a terminal.
func newLive(w writer, out io.Writer, redraw bool) *live {
	return &live{to: w, out: out, redraw: redraw, known: map[string]maillog.Row{}}
}

// update prints what is different from the rows before.
func (t *live) update(rows []maillog.Row) error {
	var changed []maillog.Row
	for _, r := range rows {
		if old, ok := t.known[r.Day]; !ok || old != r {
			changed = append(changed, r)
			t.known[r.Day] = r
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if t.redraw && changed[0].Day == t.last {
		if _, err := fmt.Fprint(t.out, "\x1b[A\r\x1b[J"); err != nil {
			return cli.WriteError(err)
		}
	}
	t.last = changed[len(changed)-1].Day
	return t.to.write(changed)
}
