package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fanmill/control"
	"fanmill/store"
	"fanmill/store/history"
)

// TestInsight trains a spam as ham and asks daemon and files alike; the label is
// doubted until a person repeats it through the control socket.
func TestInsight(t *testing.T) {
	dir := shortDir(t)
	_, _ = testApp(t, dir, filterTOML)
	const wrong = "From: winner@example.net\nSubject: you have won\n\n" +
		"Claim your prize of one million dollars now. This offer expires tonight, no risk, guaranteed cash\n"
	for _, step := range []struct{ class, mail string }{
		{"ham", letters("ham", 99)}, {"spam", letters("spam", 100)}, {"ham", wrong},
	} {
		e, _, errs := testEnv(t)
		e.Data, e.Stdin = dir, strings.NewReader(step.mail)
		if code := Main(t.Context(), []string{"train", "--" + step.class, "-"}, e); code != 0 {
			t.Fatalf("train: exit code %d: %s", code, errs)
		}
	}
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	e, _, _ := testEnv(t)
	e.Config = dir + "/fanmill.toml"
	ask := func() control.Stats {
		t.Helper()
		q := control.StatsRequest{Mislabels: 3}
		st, err := c.Stats(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		files, err := askFiles(t.Context(), e, dir, q)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(files, st); d != "" {
			t.Errorf("files and daemon differ (-files +daemon):\n%s", d)
		}
		return st
	}
	st := ask()
	if l := st.Labels; l.N != 200 || l.Spam != 100 || l.Doubtful != 1 || len(l.Mislabels) != 1 {
		t.Fatalf("labels: %+v", l)
	}
	if m := st.Labels.Mislabels[0]; m.Subject != "you have won" || m.Class != "ham" || m.Source != "train" || m.Chance < 0.5 {
		t.Errorf("the doubtful label is %+v", m)
	}
	if c := st.Calibrator; c.Labels != 200 || c.HamWrong <= 0 || c.HamWrong > 5 || c.SpamWrong <= c.HamWrong || c.SpamWrong > 5 {
		t.Errorf("one of 101 spam is labelled ham, the calibrator says %+v", c)
	}

	r, err := c.Learn(t.Context(), control.LearnRequest{Class: store.Ham.String()}, strings.NewReader(wrong))
	if err != nil || r.Result != "seen before" || r.Digest != st.Labels.Mislabels[0].Digest {
		t.Fatalf("repeat the label: %+v, %v", r, err)
	}
	if l := ask().Labels; l.N != 200 || l.Doubtful != 0 {
		t.Errorf("after it was repeated: %+v", l)
	}
}

// TestStatsTextIsSafe puts control characters and line ends into every text of the
// answer: none comes through, and no line is added.
func TestStatsTextIsSafe(t *testing.T) {
	text := func(s string) string {
		return statsText(control.Stats{
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
	if err := (insight{history: h}).days(t.Context(), &st, control.StatsRequest{Days: 7}); err != nil {
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
`, day(3), day(2), day(1), day(0), localZone())
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
	st = control.Stats{}
	if err := (insight{history: h}).days(t.Context(), &st, control.StatsRequest{}); err != nil || st.Table != nil {
		t.Errorf("not asked for: %v, %v", st.Table, err)
	}
}
