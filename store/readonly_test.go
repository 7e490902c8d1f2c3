package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// whereOnlyReading runs fn with dir and its files open for reading only. Root
// may do anything, so it looks at them as another user meanwhile.
func whereOnlyReading(t *testing.T, dir string, fn func()) {
	t.Helper()
	modes := func(folder, file os.FileMode) {
		entries, err := os.ReadDir(dir)
		if err = errors.Join(err, os.Chmod(dir, folder)); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := os.Chmod(filepath.Join(dir, e.Name()), file); err != nil {
				t.Fatal(err)
			}
		}
	}
	modes(0o555, 0o444)
	defer modes(0o755, 0o644)
	if os.Geteuid() == 0 {
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // testing makes it for its user only
			t.Fatal(err)
		}
		runtime.LockOSThread() // file rights are the thread's
		defer runtime.UnlockOSThread()
		const nobody = 65534
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
		defer unix.Setfsuid(0)
	}
	fn()
}

// TestOnlyReading: a ledger at rest is read where nothing may be written, not even
// the index of a write-ahead log; writing is refused as not permitted.
func TestOnlyReading(t *testing.T) {
	dir, model := ledgerOf(t)
	historyAt(t, dir, newClock(), func(o *HistoryOptions) {}).Close()
	whereOnlyReading(t, dir, func() {
		db, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if got := export(t, db); got != model {
			t.Errorf("got\n%s\nwant\n%s", head(got), head(model))
		}
		if _, found, err := db.Find(t.Context(), "", digest(3)); err != nil || !found {
			t.Errorf("found: %v, %v", found, err)
		}
		h, err := OpenHistory(t.Context(), HistoryOptions{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if _, err := h.Daily(t.Context(), 1); err != nil {
			t.Error(err)
		}
		if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("opened for writing: %v", err)
		}
	})
}

// TestOnlyReadingDisturbed: what is read as a file at rest is known to be none once
// somebody writes to it.
func TestOnlyReadingDisturbed(t *testing.T) {
	dir, _ := ledgerOf(t)
	path := filepath.Join(dir, ledgerFile)
	var c *conn
	whereOnlyReading(t, dir, func() {
		var err error
		if c, err = connectToRead(path); err != nil {
			t.Fatal(err)
		}
	})
	defer c.close()
	if !c.still || c.disturbed(path) {
		t.Errorf("read as a file at rest: %v; disturbed: %v", c.still, c.disturbed(path))
	}
	learn(t, openAt(t, dir), message(100, Spam, 1))
	if !c.disturbed(path) || !isBusy(errDisturbed) {
		t.Error("the writer was not noticed")
	}
}
