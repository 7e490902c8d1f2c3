package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/store"
	"fanmill/test/harness"
	"fanmill/training"
)

// TestAutolearnDefaults keeps the documented defaults those that were measured.
func TestAutolearnDefaults(t *testing.T) {
	set, err := settings.New(config.Default(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if got := set.AutoRule(); got != training.DefaultAutoRule() {
		t.Errorf("got %+v", got)
	}
	if set.File.Autolearn.Enabled {
		t.Error("it is not off")
	}
}

const autolearnTOML = filterTOML + `
[autolearn]
enabled = true
ham_below = 0.1
spam_above = 0.5
min_labels = 20
`

// TestAutolearn shows spam to the milter of a trained daemon, twice, and takes back
// what was learned of it. It is all one whether recipients have scopes, as long as these
// have no labels.
func TestAutolearn(t *testing.T) {
	for name, toml := range map[string]string{"site": autolearnTOML, "scopes": autolearnTOML + "[scope]\nenabled = true\n"} {
		t.Run(name, func(t *testing.T) { autolearn(t, toml) })
	}
}

func autolearn(t *testing.T, toml string) {
	dir := shortDir(t)
	for _, class := range []string{"ham", "spam"} {
		path := filepath.Join(dir, class)
		if err := os.WriteFile(path, []byte(letters(class, 24)), 0o600); err != nil {
			t.Fatal(err)
		}
		e, _, errOut := testEnv(t)
		if code := Main(t.Context(), []string{"train", "--data", dir, "--quiet", "--" + class, path}, e); code != 0 {
			t.Fatalf("train: exit %d: %s", code, errOut)
		}
	}
	a, log := testApp(t, dir, toml)
	before := a.db.Seq()
	own := func() store.Labels {
		auto, _, err := a.db.LabelsBy(t.Context(), "", "auto")
		if err != nil {
			t.Fatal(err)
		}
		return auto
	}
	score := scoreOf(t, a)
	if err := harness.WaitFor("an automatic label", 10*time.Second, func() bool { return own().Spam == 1 }); err != nil {
		t.Fatalf("score %v: %v: %s", score, err, log)
	}
	scoreOf(t, a)
	if op := a.db.Seq(); op != before+1 {
		t.Errorf("%d ops", op-before)
	}
	e, out, errOut := testEnv(t)
	if code := Main(t.Context(), []string{"undo", "--data", dir, "--source", "auto"}, e); code != 0 {
		t.Fatalf("undo: exit %d: %s", code, errOut)
	}
	if got := own(); got != (store.Labels{}) {
		t.Errorf("after undo: %+v: %s", got, out)
	}
}
