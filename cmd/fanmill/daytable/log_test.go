package daytable

import (
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
	"fanmill/test/harness"
)

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
	go func() { done <- (&Command{csv: true, follow: true}).Run(ctx, e) }()
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
