package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/classify"
)

// TestTrainedByLabels: a scope is trained by its labels and the site's together,
// whether the messages count or not, and by nothing else.
func TestTrainedByLabels(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, strings.Replace(filterTOML, "min_labels = 0", "min_labels = 50", 1))
	e, _, _ := testEnv(t)
	for _, step := range []struct {
		args        string
		n           int
		site, scope bool
	}{
		{"--ham", 50, false, false},
		{"--spam", 48, false, false},
		{"--spam --scope anna", 2, false, true}, // the first two again: labels of a scope of its own
		{"--spam", 49, false, true},
		{"--spam", 50, true, true},
		{"--ham", 50, true, true}, // again: nothing new
	} {
		path := filepath.Join(dir, "mail")
		if err := os.WriteFile(path, []byte(letters(strings.Fields(step.args)[0][2:], step.n)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := dispatch(t.Context(), append([]string{"--data", dir, "train", path}, strings.Fields(step.args)...), e); err != nil {
			t.Fatal(err)
		}
		if _, err := a.db.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		sc := &scorer{db: a.db, set: a.set.Load}
		for scope, want := range map[string]bool{"": step.site, "anna": step.scope} {
			_, trained, err := sc.Score(&classify.Message{}, scope)
			if err != nil || trained != want {
				t.Errorf("after %+v: scope %q trained %v, want %v (%v)", step, scope, trained, want, err)
			}
		}
	}
	if l, err := a.db.Labels(""); err != nil || l.HamAdds >= 50 || l.SpamAdds >= 50 {
		t.Errorf("all of them count, so this tests nothing: %+v, %v", l, err)
	}
}
