package daytable

import (
	"bytes"
	"testing"

	"fanmill/milter/maillog"
	"fanmill/policy"
)

func dayOf(day string, columns ...policy.Column) maillog.Row {
	r := maillog.Row{Day: day}
	for _, c := range columns {
		r.N[c]++
	}
	return r
}

// TestLiveTable: rows are printed when they change; on a terminal the last one takes the
// place of itself, and the heading comes again when it is not enough.
func TestLiveTable(t *testing.T) {
	one, two := dayOf("2026-03-01", policy.Accepted, policy.Total), dayOf("2026-03-02", policy.Accepted, policy.Total)
	more := dayOf("2026-03-02", policy.Accepted, policy.Accepted, policy.Total, policy.Total)
	held := dayOf("2026-03-02", policy.Accepted, policy.Accepted, policy.HeldBack, policy.Total, policy.Total, policy.Total)
	next := dayOf("2026-03-03", policy.Accepted, policy.Total)
	for _, redraw := range []bool{false, true} {
		var out bytes.Buffer
		live := newLive(newText(&out), &out, redraw)
		for _, rows := range [][]maillog.Row{{one}, {one}, {one, two}, {one, more}, {one, held}, {one, held, next}} {
			if err := live.update(rows); err != nil {
				t.Fatal(err)
			}
		}
		up := ""
		if redraw {
			up = "\x1b[A\r\x1b[J"
		}
		want := "day         accept   total\n" +
			"2026-03-01       1       1\n" +
			"2026-03-02       1       1\n" +
			up + "2026-03-02       2       2\n" +
			up + "day         accept    held   total\n" +
			"2026-03-02       2       1       3\n" +
			"2026-03-03       1       0       1\n"
		if out.String() != want {
			t.Errorf("redraw %v: printed\n%q, want\n%q", redraw, out.String(), want)
		}
	}
}
