package insight

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fanmill/cmd/fanmill/daytable"
	"fanmill/control"
	"fanmill/store/history"
)

// TestStatsTextIsSafe puts control characters and line ends into every text of the
// answer: none comes through, and no line is added.
func TestStatsTextIsSafe(t *testing.T) {
	text := func(s string) string {
		return Text(control.Stats{
			Scope: s, Scopes: []string{s, s}, Advice: []string{s}, Days: []control.DayCount{{Day: s, Outcome: s, Rule: s}},
			Table: []control.DayRow{{Day: s, Counts: map[string]int64{s: 1, "total": 1}}}, Zone: s,
			Labels: control.Labels{N: 1, Mislabels: []control.Mislabel{{Class: s, Source: s, Digest: s, Subject: s, From: s}}},
		}, 1, 1)
	}
	plain := text("x")
	for _, evil := range []string{"\x1b]0;owned\x07", "a\nprobably", "a\rb", "\u202eb", "\u0085", "\xff\x9b31m", strings.Repeat("\x1b[2J", 100)} {
		got := text(evil)
		if strings.Count(got, "\n") != strings.Count(plain, "\n") {
			t.Errorf("%q makes lines of its own:\n%s", evil, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 || !utf8.ValidString(got) {
			t.Errorf("%q comes through:\n%q", evil, got)
		}
	}
}

// TestDailyTableOfStats: the table goes from the first day that has something in it to
// today; below it stands which rule decided what.
func TestDailyTableOfStats(t *testing.T) {
	h, err := history.Open(t.Context(), history.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	day := func(ago int) string { return history.Day(time.Now().AddDate(0, 0, -ago)) }
	for range 3 {
		h.Tally(day(3), "accept", "total")
		h.Count(day(3), "accept", "default", 1)
	}
	h.Tally(day(1), "reject-spam", "held", "total")
	h.Count(day(1), "reject", "default", 1)
	h.Count(day(1), "hold", "relayed", 1)
	h.Tally(day(9), "accept", "total")
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var st control.Stats
	if err := (View{History: h}).days(t.Context(), &st, control.StatsRequest{Days: 7}); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	dayText(&b, st, 7)
	want := fmt.Sprintf(`
            reject
day           spam  accept    held   total
%s       0       3       0       3
%s       0       0       0       0
%s       1       0       1       1
%s       0       0       0       0
all              1       3       1       4
Days are those of %s.

by outcome and rule:
       3  accept      default
       1  hold        relayed
       1  reject      default
`, day(3), day(2), day(1), day(0), daytable.Zone())
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
	st = control.Stats{}
	if err := (View{History: h}).days(t.Context(), &st, control.StatsRequest{}); err != nil || st.Table != nil {
		t.Errorf("not asked for: %v, %v", st.Table, err)
	}
}
