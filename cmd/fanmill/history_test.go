package main

import (
	"strings"
	"sync"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
	"fanmill/store/history"
)

// TestPurgeBesideTheDaemon: the daemon goes on recording while its history is purged
// and after, and what it had not written yet is there too.
func TestPurgeBesideTheDaemon(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, log := daemontest.Start(t, dir, daemontest.Filter)
	addr := a.Addr()[0]
	send := func(sender string) {
		if _, err := daemontest.Deliver(addr.Network(), addr.String(), []byte(daemontest.Winner), sender, "anna@example.org"); err != nil {
			t.Error(err)
		}
	}
	flush := func() {
		if _, err := a.Stats(t.Context(), control.StatsRequest{}); err != nil { // which are of all that came
			t.Fatal(err)
		}
	}
	for range 20 {
		send("zoe@example.net")
		send("max@example.com")
	}
	flush()
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
	flush()
	past, err := history.Open(t.Context(), history.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	found, err := past.Find(t.Context(), history.Query{Limit: 1000})
	if len(found) != 70 || err != nil || strings.Contains(log.String(), "lost") || strings.Contains(log.String(), "dropped") {
		t.Errorf("%d records, %v; log %s", len(found), err, log)
	}
}
