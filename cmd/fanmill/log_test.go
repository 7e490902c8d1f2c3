package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/milter/maillog"
	"fanmill/policy"
	"fanmill/test/harness"
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
		live := &liveTable{tableWriter: &dayTable{w: &out}, out: &out, redraw: redraw, known: map[string]maillog.Row{}}
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

func messageLine(day, outcome string) string {
	return fmt.Sprintf("time=%sT12:00:00Z level=INFO msg=message id=a outcome=%s rule=default duration=0.1\n", day, outcome)
}

// TestLogFollows reads an old log, then follows one that is rotated, until it is
// interrupted.
func TestLogFollows(t *testing.T) {
	dir := t.TempDir()
	old, log := filepath.Join(dir, "log.1"), filepath.Join(dir, "log")
	write := func(path, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	write(old, messageLine("2026-03-01", "accept"))
	write(log, messageLine("2026-03-02", "reject"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs harness.Buffer
	e := &cli.Env{Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Args: []string{old, log}}
	done := make(chan error, 1)
	go func() { done <- (&logCmd{csv: true, follow: true}).Run(ctx, e) }()
	want := func(row []string) {
		t.Helper()
		for range 2000 {
			rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
			if err == nil && slices.ContainsFunc(rows, func(r []string) bool {
				return slices.Equal([]string{r[0], r[1], r[7], r[15]}, row)
			}) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("no row %v in\n%s%s", row, &out, &errs)
	}
	want([]string{"day", "reject-spam", "accept", "total"})
	want([]string{"2026-03-01", "0", "1", "1"})
	want([]string{"2026-03-02", "1", "0", "1"})
	write(log, messageLine("2026-03-02", "accept"))
	want([]string{"2026-03-02", "1", "1", "2"})
	if err := os.Rename(log, log+".2"); err != nil {
		t.Fatal(err)
	}
	write(log, messageLine("2026-03-04", "reject"))
	want([]string{"2026-03-04", "1", "0", "1"})
	want([]string{"2026-03-03", "0", "0", "0"})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("interrupted: %v, want no error", err)
	}
	if errs.String() != "" {
		t.Errorf("said %q", &errs)
	}
}
