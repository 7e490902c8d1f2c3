package daytable

import (
	"fmt"
	"io"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter/maillog"
)

// Live prints rows when they are new or have changed.
type Live struct {
	to     Writer
	out    io.Writer
	redraw bool                   // a row that changes takes the place of itself
	known  map[string]maillog.Row // by day
	last   string                 // the day printed last
}

// NewLive prints rows by w; redraw says that w writes text on out, a terminal.
func NewLive(w Writer, out io.Writer, redraw bool) *Live {
	return &Live{to: w, out: out, redraw: redraw, known: map[string]maillog.Row{}}
}

// Update prints what is different from the rows before.
func (t *Live) Update(rows []maillog.Row) error {
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
	return t.to.WriteRows(changed)
}
