package judge_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/cmd/fanmill/judge"
	"fanmill/control"
	"fanmill/store/history"
)

// TestOthersLearnTheirOwnMailByID: one without all rights teaches his scope by mail
// that was scored in it; of other ids he does not even hear whether they are there.
func TestOthersLearnTheirOwnMailByID(t *testing.T) {
	dir := t.TempDir()
	db, set := open(t, dir, "")
	past, err := history.Open(t.Context(), history.Options{Dir: dir, Days: 14, MaxBytes: 1 << 20, Features: true})
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	m := classify.Extract(classify.DefaultOptions(), []byte(daemontest.Winner))
	for id, scope := range map[string]string{"0000000000000ann": "anna", "0000000000000ber": "bert", "0000000000000all": ""} {
		past.Add(history.Record{
			ID: id, Scope: scope, Outcome: "accept", Recipients: []string{"anna@example.org"},
			Digest: m.Digest, Features: m.Features, Grams: m.Grams,
		})
	}
	j := judge.New(judge.NewScorer(db, set, slog.New(slog.DiscardHandler)), judge.Recall{History: past, Days: 14})
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
		if l, err := db.Labels(scope); err != nil || l.Spam != want || l.Ham != 0 {
			t.Errorf("scope %q: %+v, %v", scope, l, err)
		}
	}
}
