package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDataDir(t *testing.T) {
	e := &Env{Getenv: func(string) string { return "" }, DefaultData: filepath.Join(t.TempDir(), "no-data")}
	if _, err := e.DataDir(); CodeOf(err) != ExitUsage || len(Hints(err)) == 0 {
		t.Errorf("without any data directory: %v", err)
	}
	e.DefaultData = t.TempDir()
	check := func(want string) {
		t.Helper()
		if got, err := e.DataDir(); err != nil || got != want {
			t.Errorf("data directory %s (%v), want %s", got, err, want)
		}
	}
	check(e.DefaultData)
	e.Getenv = func(string) string { return "/from/environment" }
	check("/from/environment")
	e.Data = "/from/flag"
	check("/from/flag")
	e.Data = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(e.Data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.DataDir(); CodeOf(err) != ExitCantCreate {
		t.Errorf("a file as data directory: %v", err)
	}
	e.Data = filepath.Join(t.TempDir(), "missing")
	if _, err := e.ExistingData(); CodeOf(err) != ExitNoInput {
		t.Errorf("a missing data directory: %v", err)
	}
}
