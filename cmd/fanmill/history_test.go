package main

import (
	"strings"
	"sync"
	"testing"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/store/history"
)

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
			if n := cli.Cells(line); width > 0 && n > width || n > 300 || strings.ContainsAny(line, "\n\r\x1b\u202e") {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
			if width >= 80 && !strings.HasPrefix(line, r.ID+"  ") {
				t.Errorf("width %d: %q", width, line)
			}
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
	if err := cli.Dispatch(t.Context(), commands(), []string{"--data", dir, "history", "purge", "--from", "zoe@example.net"}, env); err != nil || out.String() != "20 records removed\n" {
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
