package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store/history"
)

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "lo..."},
		{"日本語", 6, "日本語"},
		{"日本語です", 9, "日本語..."},
		{"日本語です", 8, "日本..."},
		{"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"", 0, ""},
		{"x", 0, ""},
		{"xyz", 2, ".."},
		{"\x1b[2J", 80, `\x1b[2J`},
	} {
		got := fit(tt.in, tt.width)
		if got != tt.want || cells(got) > tt.width {
			t.Errorf("fit(%q, %d) = %q, %d columns, want %q", tt.in, tt.width, got, cells(got), tt.want)
		}
	}
}

// TestRecordLine: no line is wider than the terminal, whatever stands in the mail, and
// each is one line.
func TestRecordLine(t *testing.T) {
	for _, r := range []history.Record{
		{ID: "0mws89v353iij0cg", Outcome: "quarantine", Verdict: "unsure", Unscored: true},
		{
			ID: "0mws89v353iij0cg", Outcome: "accept", Verdict: "ham", Score: classify.Score{P: 1}, Sender: strings.Repeat("日", 200) + "@example.org",
			Recipients: []string{strings.Repeat("x", 300), "b"}, Subject: "\x1b[2J\r\n" + strings.Repeat("語\u202e", 100),
		},
	} {
		for _, width := range []int{0, 20, 40, 79, 80, 120, 300} {
			line := recordLine(&r, width)
			if n := cells(line); width > 0 && n > width || n > 300 || strings.ContainsAny(line, "\n\r\x1b\u202e") {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
			if width >= 80 && !strings.HasPrefix(line, r.ID+"  ") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestMoment(t *testing.T) {
	for _, tt := range []struct {
		in   string
		end  bool
		want time.Time
	}{
		{"2026-03-14", false, time.Date(2026, 3, 14, 0, 0, 0, 0, time.Local)},
		{"2026-03-14", true, time.Date(2026, 3, 15, 0, 0, 0, 0, time.Local)},
		{"2026-03-14T15:04", true, time.Date(2026, 3, 14, 15, 4, 0, 0, time.Local)},
		{"2026-03-14 15:04:05", false, time.Date(2026, 3, 14, 15, 4, 5, 0, time.Local)},
		{"2026-03-14T15:04:05Z", false, time.Date(2026, 3, 14, 15, 4, 5, 0, time.UTC)},
	} {
		m := momentValue{end: tt.end}
		if err := m.Set(tt.in); err != nil || !m.Equal(tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.in, m.Time, err, tt.want)
		}
	}
	for in, ago := range map[string]time.Duration{"2h": 2 * time.Hour, "3d": 72 * time.Hour, "1d12h": 36 * time.Hour} {
		var m momentValue
		if err := m.Set(in); err != nil || time.Since(m.Time)-ago < 0 || time.Since(m.Time)-ago > time.Minute {
			t.Errorf("%s: %v, %v", in, m.Time, err)
		}
	}
	for _, in := range []string{"", "yesterday", "-2h", "2026-13-01", "14.3.2026"} {
		if err := new(momentValue).Set(in); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}

// TestPurgeBesideTheDaemon: the daemon goes on recording while its history is purged
// and after, and what it had not written yet is there too.
func TestPurgeBesideTheDaemon(t *testing.T) {
	dir := shortDir(t)
	a, log := testApp(t, dir, filterTOML)
	addr := a.Addr()[0]
	send := func(sender string) {
		if _, err := deliver(addr.Network(), addr.String(), []byte(winner), sender, "anna@example.org"); err != nil {
			t.Error(err)
		}
	}
	for range 20 {
		send("zoe@example.net")
		send("max@example.com")
	}
	if err := a.history.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 50 {
			send("max@example.com")
		}
	})
	env, out, _ := testEnv(t)
	if err := dispatch(t.Context(), []string{"--data", dir, "history", "purge", "--from", "zoe@example.net"}, env); err != nil || out.String() != "20 records removed\n" {
		t.Errorf("%q, %v", out, err)
	}
	wg.Wait()
	if err := a.history.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := a.history.Find(t.Context(), history.Query{Limit: 1000})
	if len(found) != 70 || err != nil || strings.Contains(log.String(), "lost") || strings.Contains(log.String(), "dropped") {
		t.Errorf("%d records, %v; log %s", len(found), err, log)
	}
}
