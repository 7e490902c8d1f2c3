package main

import (
	"strings"
	"testing"

	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

func series(f figures.Figures) eval.Series {
	return eval.Series{Report: figures.Report{N: 1000, Ham: 800, Spam: 200, Figures: f, Low: f, High: f}}
}

func TestLine(t *testing.T) {
	measured, base := series(figures.Figures{ROCA: 0.12, SpamUnsure: 10, SpamRejected: 190}), series(figures.Figures{ROCA: 0.08})
	for _, c := range []struct {
		figure
		want string
	}{
		{percent("area", roca, 0.15, 0.11), "| row | area | 0.15 % | 0.11 % | 0.1200 % (0.1200 to 0.1200) | must |"},
		{share("unsure", spamUnsure, spam, 4, none), "| row | unsure | 4 % |  | 5.00 % (5.00 to 5.00) | missed |"},
		{atLeast(share("rejected", spamRejected, spam, none, 90)), "| row | rejected |  | 90 % or more | 95.00 % (95.00 to 95.00) | aim |"},
		{times("times", 1.6, 1.3), "| row | times | 1.6 | 1.3 | 1.50 | must |"},
		{count("rejected", hamRejected, 0, none), "| row | rejected | 0 |  | 0.0 (0.0 to 0.0) | must |"},
	} {
		if got := c.line("row", measured, base); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// Every row can be measured: it has runs, and what its ratios divide by.
func TestRowsAreWhole(t *testing.T) {
	for _, r := range rows {
		if len(r.plans) == 0 || len(r.figures) == 0 {
			t.Errorf("%s: %d runs, %d figures", r.name, len(r.plans), len(r.figures))
		}
		for _, f := range r.figures {
			if f.ratio && len(r.times) != len(r.plans) {
				t.Errorf("%s, %s: is divided by %d runs, has %d", r.name, f.name, len(r.times), len(r.plans))
			}
		}
	}
}

// A run that cannot be done is named.
func TestErrorNamesTheRun(t *testing.T) {
	_, err := (bench{index: t.TempDir() + "/index", done: map[string]eval.Series{}}).measure(t.Context(), online)
	if err == nil || !strings.Contains(err.Error(), "online") {
		t.Errorf("error %v, want one that names the run", err)
	}
}
