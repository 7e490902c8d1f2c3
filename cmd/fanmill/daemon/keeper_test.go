package daemon_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/cmd/fanmill/labels"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
)

// TestStatsAreCurrent asks the daemon right after another process has trained:
// the numbers are those of the ledger, not of up to a second ago.
func TestStatsAreCurrent(t *testing.T) {
	dir := daemontest.ShortDir(t)
	a, _ := daemontest.Start(t, dir, "")
	for _, class := range []string{"ham", "spam"} {
		train(t, dir, class, 30)
		st, err := a.Stats(t.Context(), control.StatsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := map[string]uint64{"ham": uint64(st.Ham), "spam": uint64(st.Spam)}[class]; got != 30 {
			t.Errorf("%s: %d after training 30", class, got)
		}
	}
}

// train trains n messages as another process does.
func train(t *testing.T, dir, class string, n int) {
	t.Helper()
	e := daemontest.Env(dir)
	e.Stdin = strings.NewReader(daemontest.Letters(class, n))
	table := []cli.Command{{Name: "train", Max: -1, New: func() cli.Runner { return new(labels.Train) }}}
	if err := cli.Dispatch(t.Context(), table, []string{"train", "--" + class, "-"}, e); err != nil {
		t.Fatalf("train: %v", err)
	}
}

// TestStatusNamesTheFile starts a daemon with a relative --config: status is
// asked from anywhere.
func TestStatusNamesTheFile(t *testing.T) {
	dir := daemontest.ShortDir(t)
	t.Chdir(dir)
	if err := os.WriteFile("f.toml", []byte("[milter]\nlisten = [\"inet:127.0.0.1:0\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := daemon.New(t.Context(), daemon.Options{
		Data: dir, Load: func() (*settings.Settings, error) { return settings.Load("f.toml", dir) }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer daemontest.Stop(t, a)
	st, err := a.Status(t.Context())
	if err != nil || !filepath.IsAbs(st.Config) || filepath.Base(st.Config) != "f.toml" {
		t.Errorf("the configuration is %q, error %v", st.Config, err)
	}
}
