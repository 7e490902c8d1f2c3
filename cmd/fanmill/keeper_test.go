package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
)

// TestStatsAreCurrent asks the daemon right after another process has trained:
// the numbers are those of the ledger, not of up to a second ago.
func TestStatsAreCurrent(t *testing.T) {
	dir := shortDir(t)
	a, _ := testApp(t, dir, "")
	for _, class := range []string{"ham", "spam"} {
		e, _, errs := testEnv(t)
		e.Data, e.Stdin = dir, strings.NewReader(letters(class, 30))
		if code := Main(t.Context(), []string{"train", "--" + class, "-"}, e); code != 0 {
			t.Fatalf("train: exit code %d: %s", code, errs)
		}
		st, err := a.Stats(t.Context(), control.StatsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := map[string]uint64{"ham": uint64(st.Ham), "spam": uint64(st.Spam)}[class]; got != 30 {
			t.Errorf("%s: %d after training 30", class, got)
		}
	}
}

// TestStatusNamesTheFile starts a daemon with a relative --config: status is
// asked from anywhere.
func TestStatusNamesTheFile(t *testing.T) {
	dir := shortDir(t)
	t.Chdir(dir)
	if err := os.WriteFile("f.toml", []byte("[milter]\nlisten = [\"inet:127.0.0.1:0\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := NewApp(t.Context(), AppOptions{
		Data: dir, Load: func() (*settings.Settings, error) { return settings.Load("f.toml", dir) }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stopApp(t, a)
	st, err := a.Status(t.Context())
	if err != nil || !filepath.IsAbs(st.Config) || filepath.Base(st.Config) != "f.toml" {
		t.Errorf("the configuration is %q, error %v", st.Config, err)
	}
}
