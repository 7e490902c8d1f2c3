package judge_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/cmd/fanmill/judge"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/store"
	"fanmill/training"
	"fanmill/training/corpus"
)

// open opens a ledger on dir, and gives the settings of a configuration.
func open(t *testing.T, dir, toml string) (*store.DB, func() *settings.Settings) {
	t.Helper()
	set, err := settings.Load(daemontest.WriteConfig(t, dir, toml), dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, func() *settings.Settings { return set }
}

// TestTrainedByLabels: a scope is trained by its labels and the site's together,
// whether the messages count or not, and by nothing else.
func TestTrainedByLabels(t *testing.T) {
	dir := t.TempDir()
	db, set := open(t, dir, "[policy]\nmin_labels = 50\n")
	for _, step := range []struct {
		class       store.Class
		to          string // the scope
		n           int
		site, scope bool
	}{
		{store.Ham, "", 50, false, false},
		{store.Spam, "", 48, false, false},
		{store.Spam, "anna", 2, false, true}, // the first two again: labels of a scope of its own
		{store.Spam, "", 49, false, true},
		{store.Spam, "", 50, true, true},
		{store.Ham, "", 50, true, true}, // again: nothing new
	} {
		path := filepath.Join(dir, "mail")
		if err := os.WriteFile(path, []byte(daemontest.Letters(step.class.String(), step.n)), 0o600); err != nil {
			t.Fatal(err)
		}
		trainer := training.New(db, set().Trainer(step.to, store.Origin{Source: "train"}, slog.New(slog.DiscardHandler)))
		if _, err := trainer.Train(t.Context(), step.class, []string{path}, corpus.Options{}, nil); err != nil {
			t.Fatal(err)
		}
		sc := judge.NewScorer(db, set, slog.New(slog.DiscardHandler))
		for scope, want := range map[string]bool{"": step.site, "anna": step.scope} {
			sc.Load(scope)
			sc.Await([]string{scope}, time.Minute)
			_, l, err := sc.Score(&classify.Message{}, scope)
			if trained := set().Rules.Trained(l.Ham, l.Spam); err != nil || trained != want {
				t.Errorf("after %+v: scope %q trained %v, want %v (%v)", step, scope, trained, want, err)
			}
		}
	}
	if l, err := db.Labels(""); err != nil || l.HamAdds >= 50 || l.SpamAdds >= 50 {
		t.Errorf("all of them count, so this tests nothing: %+v, %v", l, err)
	}
}

// TestImportedIsNotTrained: by what another filter has counted no score leaves the unsure
// band before there are labels of both classes, and nothing is refused: only labels make a
// site trained. What it counted has its say all the same.
func TestImportedIsNotTrained(t *testing.T) {
	dir := t.TempDir()
	db, set := open(t, dir, "[policy]\nmin_labels = 1\n")
	m := classify.Extract(classify.DefaultOptions(), []byte(daemontest.Letters("spam", 1)))
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for i, row := range []store.Row{{Class: store.HamCounts, Features: []uint64{}}, {Class: store.SpamCounts, Features: m.Features}} {
			row.Adds, row.Digest[0], row.Grams = 500, byte(i), []uint32{}
			if err := tx.Learn(row, store.Origin{Source: "import"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sc := judge.NewScorer(db, set, slog.New(slog.DiscardHandler))
	s, known, err := sc.Score(m, "")
	if trained := set().Rules.Trained(known.Ham, known.Spam); err != nil || trained || sc.Taught().Ham+sc.Taught().Spam > 0 {
		t.Errorf("trained %v by %+v, %v", trained, known, err)
	}
	cut := classify.DefaultCutoffs()
	if cut.Verdict(s.P) != classify.Unsure || s.P < 0.8 {
		t.Errorf("score %v of what the other filter knows for spam, without a label", s.P)
	}
	for i := range classify.MinLabels {
		for class, text := range map[store.Class]string{store.Ham: "Subject: agenda %d\n\nminutes %[1]d", store.Spam: "Subject: prize %d\n\nmillions %[1]d"} {
			to := training.Options{Classify: classify.DefaultOptions(), Origin: store.Origin{Source: "learn"}}
			if _, err := training.New(db, to).Learn(t.Context(), class, fmt.Appendf(nil, text, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s, _, err = sc.Score(m, ""); err != nil || cut.Verdict(s.P) != classify.Spam {
		t.Errorf("score %v with %d labels of each class, %v", s.P, classify.MinLabels, err)
	}
}

// TestColdScope: where a scope is not in memory Score judges by the site and touches no
// disk; once it was loaded its own labels have their say.
func TestColdScope(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	own := store.Row{
		Scope: "anna", Digest: classify.Digest{1}, Class: store.Spam, Adds: 30, Features: []uint64{1, 2}, Grams: []uint32{1},
	}
	site := own
	site.Scope, site.Digest, site.Class = "", classify.Digest{2}, store.Ham
	for _, row := range []store.Row{own, site} {
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.Learn(row, store.Origin{}) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(t.Context(), store.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	set, err := settings.New(config.Default(dir))
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	sc := judge.NewScorer(db, func() *settings.Settings { return set }, slog.New(slog.NewTextHandler(&said, nil)))
	score := func() float64 {
		s, _, err := sc.Score(&classify.Message{Features: own.Features, Grams: own.Grams}, "anna")
		if err != nil {
			t.Fatal(err)
		}
		return s.LogOdds
	}
	cold := score()
	if _, ok := db.Loaded("anna"); ok || !strings.Contains(said.String(), "scope=anna") {
		t.Errorf("Score has read the scope (%v), and says %q", ok, said.String())
	}
	sc.Load("anna")
	sc.Await([]string{"anna", "ben"}, time.Minute)
	if warm := score(); warm <= cold {
		t.Errorf("log-odds %g with what the scope knows, %g without", warm, cold)
	}
}
