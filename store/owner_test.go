package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"fanmill/store/history"
	"fanmill/store/ledger"
)

// TestFilesOfTheDirectorysOwner: whatever root makes in a directory of another user
// belongs to that user from the beginning, and everybody's files can be read by the
// group, whatever the umask.
func TestFilesOfTheDirectorysOwner(t *testing.T) {
	dir, want := t.TempDir(), uint32(os.Geteuid())
	if want == 0 {
		want = 65534
		if err := os.Chown(dir, int(want), int(want)); err != nil {
			t.Fatal(err)
		}
	}
	defer syscall.Umask(syscall.Umask(0o077))
	db := openAt(t, dir)
	learn(t, db, message(1, Ham, 1))
	h, err := history.Open(t.Context(), history.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Add(history.Record{ID: "id1"})
	if err := errors.Join(h.Flush(t.Context()), db.WriteSnapshot()); err != nil {
		t.Fatal(err)
	}
	const historyFile = "history.db"
	for _, name := range []string{ledger.FileName, ledger.FileName + "-wal", ledger.FileName + "-shm", ledger.SnapshotName, historyFile, historyFile + "-wal", historyFile + "-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != want || info.Mode().Perm() != 0o640 {
			t.Errorf("%s belongs to %d with mode %v, want %d and 0640", name, got, info.Mode(), want)
		}
	}
}

// TestNoLedgerThroughALink: who owns the directory cannot have root make a file
// elsewhere.
func TestNoLedgerThroughALink(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Symlink(elsewhere, filepath.Join(dir, ledger.FileName)); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(t.Context(), Options{Dir: dir}); err == nil {
		db.Close()
		t.Error("opened")
	}
	if _, err := os.Lstat(elsewhere); err == nil {
		t.Error("a file was made where the link leads")
	}
}
