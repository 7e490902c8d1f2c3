package main

import (
	"strings"
	"sync"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/store/history"
)

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
