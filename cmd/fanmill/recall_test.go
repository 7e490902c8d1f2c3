package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/judge"
	"fanmill/control"
	"fanmill/store/history"
)

// TestOthersLearnTheirOwnMailByID: one without all rights teaches his scope by mail
// that was scored in it; of other ids he does not even hear whether they are there.
func TestOthersLearnTheirOwnMailByID(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	m := classify.Extract(classify.DefaultOptions(), []byte(winner))
	for id, scope := range map[string]string{"0000000000000ann": "anna", "0000000000000ber": "bert", "0000000000000all": ""} {
		a.history.Add(history.Record{
			ID: id, Scope: scope, Outcome: "accept", Recipients: []string{"anna@example.org"},
			Digest: m.Digest, Features: m.Features, Grams: m.Grams,
		})
	}
	j := judge.New(judge.NewScorer(a.db, a.set.Load, a.log), judge.Recall{History: a.history, Held: a.desk, Days: 14})
	ask := func(id, class string) (string, error) {
		out, err := j.Learn(t.Context(), control.LearnRequest{ID: id, Scope: "anna", Class: class, Own: true, Actor: "anna"}, nil)
		return out.Result, err
	}
	if got, err := ask("0000000000000ann", "spam"); got != "learned" || err != nil {
		t.Errorf("her own: %q, %v", got, err)
	}
	texts := map[string]bool{}
	for _, id := range []string{"0000000000000ber", "0000000000000all", "0000000000000non"} {
		for _, class := range []string{"ham", "forget"} {
			_, err := ask(id, class)
			if !errors.Is(err, history.ErrNoRecord) || cli.CodeOf(err) != cli.ExitNoInput {
				t.Errorf("%s %s: %v", class, id, err)
				continue
			}
			texts[strings.ReplaceAll(err.Error(), id, "ID")] = true
		}
	}
	if len(texts) != 1 {
		t.Errorf("the answers tell ids apart: %v", texts)
	}
	for scope, want := range map[string]int{"anna": 1, "": 0, "bert": 0} {
		if l, err := a.db.Labels(scope); err != nil || l.Spam != want || l.Ham != 0 {
			t.Errorf("scope %q: %+v, %v", scope, l, err)
		}
	}
}

// TestLearnByIDIsLearnFromTheMessage: what the milter recorded has the digest, the
// features and the grams of the stored message, and teaches the model the same.
func TestLearnByIDIsLearnFromTheMessage(t *testing.T) {
	var models []string
	for _, byID := range []bool{true, false} {
		dir := shortDir(t)
		a, _ := testApp(t, dir, filterTOML)
		addr := a.Addr()[0]
		got, err := deliverWinner(addr.Network(), addr.String())
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
			id, ok := cli.FindID(strings.Join(got.fields, "\n"))
			if !ok {
				t.Fatalf("no id in %q", got.fields)
			}
			q.ID = id
		}
		// The delivered copy: what the milter added, and what delivery adds.
		copied := "From winner@example.net Mon Nov 16 10:00:00 2026\nReturn-Path: <winner@example.net>\n" + strings.Join(got.fields, "\n") + "\n" +
			"Received: from client.example.com (client.example.com [192.0.2.7]) by mx.example.org; Mon, 16 Nov 2026 10:00:00 +0000\n" + winner
		out, err := c.Learn(t.Context(), q, strings.NewReader(copied))
		if err != nil || out.Result != "learned" || out.ID != q.ID {
			t.Fatalf("by id %v: %+v, %v", byID, out, err)
		}
		var b strings.Builder
		if err := a.db.Export(&b); err != nil {
			t.Fatal(err)
		}
		models = append(models, out.Digest+"\n"+b.String())
		stopApp(t, a)
	}
	if models[0] != models[1] {
		t.Errorf("learned by id:\n%.600s\nlearned from the message:\n%.600s", models[0], models[1])
	}
}

// TestLearnByIDThroughTheDaemon: who may not write the ledger learns through the
// daemon, and is refused where none runs.
func TestLearnByIDThroughTheDaemon(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, filterTOML)
	addr := a.Addr()[0]
	got, err := deliverWinner(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, control.SocketName), 0o666); err != nil {
		t.Fatal(err)
	}
	env, out, _ := testEnv(t)
	run := func() error {
		return cli.Dispatch(t.Context(), commands(), []string{"--data", dir, "learn", "--ham", strings.Join(got.fields, " ")}, env)
	}
	forbidWriting(t, dir, func() {
		if err := run(); err != nil || !strings.HasSuffix(out.String(), " ham: learned\n") {
			t.Errorf("through the daemon: %q, %v", out, err)
		}
	})
	stopApp(t, a)
	forbidWriting(t, dir, func() {
		if err := run(); cli.CodeOf(err) != cli.ExitNoPerm {
			t.Errorf("without a daemon: %v", err)
		}
	})
}
