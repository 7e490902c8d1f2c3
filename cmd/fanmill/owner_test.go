package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"fanmill/cmd/fanmill/daemon/daemontest"
)

// TestDataKeepsItsOwner trains as whoever runs the tests in a data directory
// that, for root, belongs to somebody else: the ledger must belong to the
// directory's owner in the end, and nothing that lies there by a trick.
func TestDataKeepsItsOwner(t *testing.T) {
	dir := t.TempDir()
	want := uint32(os.Geteuid())
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		want = 65534
		if err := os.Chown(dir, int(want), int(want)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(precious, filepath.Join(dir, "model.snap")); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(precious, filepath.Join(dir, "history.db")); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(path, []byte(daemontest.Letters("ham", 3)), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _, errs := testEnv(t)
	if code := Main(t.Context(), []string{"train", "--ham", "--data", dir, path}, e); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for name, owner := range map[string]uint32{filepath.Join(dir, "fanmill.db"): want, precious: uint32(os.Geteuid())} {
		fi, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fi.Sys().(*syscall.Stat_t).Uid; got != owner {
			t.Errorf("%s belongs to %d, want %d", name, got, owner)
		}
	}
}
