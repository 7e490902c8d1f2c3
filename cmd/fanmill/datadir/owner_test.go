package datadir

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A data directory that serve makes can be entered by its group.
func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	for range 2 { // the second time it is there
		if err := Make(dir); err != nil {
			t.Fatal(err)
		}
	}
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm() != 0o750 {
		t.Fatalf("mode %v, %v", fi.Mode(), err)
	}
	if group := Administrators(); os.Geteuid() == 0 && group >= 0 {
		if got := int(fi.Sys().(*syscall.Stat_t).Gid); got != group {
			t.Errorf("group %d, want %d", got, group)
		}
	}
}
