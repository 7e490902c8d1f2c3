package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/store"
	"fanmill/test/harness"
)

const autolearnTOML = daemontest.Filter + `
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
	dir := daemontest.ShortDir(t)
	for _, class := range []string{"ham", "spam"} {
		path := filepath.Join(dir, class)
		if err := os.WriteFile(path, []byte(daemontest.Letters(class, 24)), 0o600); err != nil {
			t.Fatal(err)
		}
		e, _, errOut := testEnv(t)
		if code := Main(t.Context(), []string{"train", "--data", dir, "--quiet", "--" + class, path}, e); code != 0 {
			t.Fatalf("train: exit %d: %s", code, errOut)
		}
	}
	a, log := daemontest.Start(t, dir, toml)
	db := ledgerOf(t, dir)
	before := seq(t, a)
	own := func() store.Labels {
		auto, _, err := db.LabelsBy(t.Context(), "", "auto")
		if err != nil {
			t.Fatal(err)
		}
		return auto
	}
	score := daemontest.ScoreOf(t, a)
	if err := harness.WaitFor("an automatic label", 10*time.Second, func() bool { return own().Spam == 1 }); err != nil {
		t.Fatalf("score %v: %v: %s", score, err, log)
	}
	daemontest.ScoreOf(t, a)
	if op := seq(t, a); op != before+1 {
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

// ledgerOf is the ledger of a daemon as other processes see it.
func ledgerOf(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Dir: dir, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing was written
	return db
}

// seq is the operation that a daemon has seen last.
func seq(t *testing.T, a *daemon.App) int64 {
	t.Helper()
	st, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Seq
}
