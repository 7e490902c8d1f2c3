package daemon_test

import (
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
)

// TestLearnByIDIsLearnFromTheMessage: what the milter recorded has the digest, the
// features and the grams of the stored message, and teaches the model the same.
func TestLearnByIDIsLearnFromTheMessage(t *testing.T) {
	var models []string
	for _, byID := range []bool{true, false} {
		dir := daemontest.ShortDir(t)
		a, _ := daemontest.Start(t, dir, daemontest.Filter)
		got, err := daemontest.DeliverWinner(a)
		if err != nil {
			t.Fatal(err)
		}
		c, err := control.Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		q := control.LearnRequest{Class: "spam"}
		if byID {
			id, ok := cli.FindID(strings.Join(got.Fields, "\n"))
			if !ok {
				t.Fatalf("no id in %q", got.Fields)
			}
			q.ID = id
		}
		// The delivered copy: what the milter added, and what delivery adds.
		copied := "From winner@example.net Mon Nov 16 10:00:00 2026\nReturn-Path: <winner@example.net>\n" + strings.Join(got.Fields, "\n") + "\n" +
			"Received: from client.example.com (client.example.com [192.0.2.7]) by mx.example.org; Mon, 16 Nov 2026 10:00:00 +0000\n" + daemontest.Winner
		out, err := c.Learn(t.Context(), q, strings.NewReader(copied))
		if err != nil || out.Result != "learned" || out.ID != q.ID {
			t.Fatalf("by id %v: %+v, %v", byID, out, err)
		}
		var b strings.Builder
		if err := a.Ledger().Export(&b); err != nil {
			t.Fatal(err)
		}
		models = append(models, out.Digest+"\n"+b.String())
		daemontest.Stop(t, a)
	}
	if models[0] != models[1] {
		t.Errorf("learned by id:\n%.600s\nlearned from the message:\n%.600s", models[0], models[1])
	}
}
