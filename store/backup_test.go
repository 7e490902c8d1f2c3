package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"fanmill/store/disk"
	"fanmill/store/history"
	"fanmill/store/ledger"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// reopened puts a ledger file into a new data directory and opens it there.
func reopened(t testing.TB, path string) *DB {
	t.Helper()
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, ledger.FileName+suffix), b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return openAt(t, dir)
}

func modelOf(t testing.TB, path string) string {
	t.Helper()
	return export(t, reopened(t, path))
}

// learnedIn makes a ledger of some messages and returns its model.
func learnedIn(t testing.TB, dir string, first, n int) string {
	t.Helper()
	db := openAt(t, dir)
	for i := first; i < first+n; i++ {
		learn(t, db, message(i, Ham+Class(i%2), 1))
	}
	model := export(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return model
}

// childBackup backs a ledger up, time and again.
func childBackup(dir string) error {
	for {
		if _, err := ledger.Backup(background(), dir, filepath.Join(dir, "copy"), true); err != nil {
			return err
		}
		fmt.Println("copied")
	}
}

// childSwap restores two backups in turn until it is killed.
func childSwap(dir string) error {
	for n := 0; ; n++ {
		if _, err := ledger.Restore(background(), dir, filepath.Join(dir, fmt.Sprint("backup", n%2)), true); err != nil {
			return err
		}
		if n == 0 {
			fmt.Println("ready")
		}
	}
}

// TestBackupWhileOthersLearn takes backups while another process learns batches of
// 40: each holds whole batches, and makes a model that its rows confirm.
func TestBackupWhileOthersLearn(t *testing.T) {
	dir := t.TempDir()
	learnedIn(t, dir, 0, 20)
	c := storetest.StartChild(t, "batch", dir)
	c.Expect(t, "ready")
	last := int64(0)
	for n := range 5 {
		path := filepath.Join(t.TempDir(), "ledger")
		storetest.Eventually(t, time.Minute, "another batch", func() bool {
			got, err := ledger.Backup(t.Context(), dir, path, true)
			if err != nil {
				t.Fatal(err)
			}
			grown := got.LastOp > last
			last = got.LastOp
			if (got.LastOp-20)%40 != 0 || int64(got.Ham+got.Spam) != got.LastOp || got.LastTime.IsZero() && last > 0 {
				t.Fatalf("backup %d: %+v", n, got)
			}
			return grown
		})
		db := reopened(t, path)
		if db.Seq() != last {
			t.Errorf("backup %d holds op %d, said %d", n, db.Seq(), last)
		}
		sameAsRebuilt(t, db)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

func TestBackupRefuses(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	path := filepath.Join(out, "ledger")
	if _, err := ledger.Backup(t.Context(), dir, path, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no ledger: %v", err)
	}
	learnedIn(t, dir, 0, 300)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Backup(t.Context(), dir, path, false); !errors.Is(err, disk.ErrThere) {
		t.Errorf("a file is there: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("it is now %d bytes", len(b))
	}
	if _, err := ledger.Backup(t.Context(), dir, filepath.Join(out, "no", "ledger"), false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, ledger.FileName))
	if err != nil {
		t.Fatal(err)
	}
	for at := 5 * 4096; at < len(b); at += 2 * 4096 {
		copy(b[at:], bytes.Repeat([]byte{0xA5}, 4096))
	}
	if err := os.WriteFile(filepath.Join(dir, ledger.FileName), b, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Backup(t.Context(), dir, path, true); !errors.Is(err, sqlite.ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestKilledBackupLeavesNoHalf kills a process that backs up: the copy is always one
// that opens, or is not there.
func TestKilledBackupLeavesNoHalf(t *testing.T) {
	dir := t.TempDir()
	want := learnedIn(t, dir, 0, 30)
	for n := range 5 {
		c := storetest.StartChild(t, "backup", dir)
		c.Expect(t, "copied")
		time.Sleep(time.Duration(n) * 3 * time.Millisecond)
		c.Process.Kill()
		c.Wait()
		if modelOf(t, filepath.Join(dir, "copy")) != want {
			t.Fatal("the copy has another model")
		}
	}
}

func TestRestore(t *testing.T) {
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	before := learnedIn(t, dir, 0, 30)
	if _, err := ledger.Backup(t.Context(), dir, backup, false); err != nil {
		t.Fatal(err)
	}
	// More is learned by a process that is killed: it stands in the log alone.
	c := storetest.StartChild(t, "learn", dir)
	c.Expect(t, "ready")
	c.Proceed(t)
	c.Expect(t, "learned")
	if _, err := ledger.Restore(t.Context(), dir, backup, true); !errors.Is(err, sqlite.ErrOpen) {
		t.Errorf("while another process has it open: %v", err)
	}
	c.Process.Kill()
	c.Wait()
	after := modelOf(t, filepath.Join(dir, ledger.FileName))

	if _, err := ledger.Restore(t.Context(), dir, backup, false); !errors.Is(err, disk.ErrThere) {
		t.Errorf("without force: %v", err)
	}
	did, err := ledger.Restore(t.Context(), dir, backup, true)
	if err != nil {
		t.Fatal(err)
	}
	if did.LastOp != 30 || did.Ham+did.Spam != 30 {
		t.Errorf("restored %+v", did)
	}
	if got := modelOf(t, did.Kept); got != after {
		t.Errorf("what was kept:\n%s\nwant:\n%s", head(got), head(after))
	}
	db := openAt(t, dir)
	if got := export(t, db); got != before {
		t.Errorf("restored:\n%s\nwant:\n%s", head(got), head(before))
	}
	learn(t, db, message(700, Spam, 1))
	sameAsRebuilt(t, db)
	db.Close()

	// What was kept is a backup too.
	if _, err := ledger.Restore(t.Context(), dir, did.Kept, true); err != nil {
		t.Fatal(err)
	}
	if got := export(t, openAt(t, dir)); got != after {
		t.Errorf("put back:\n%s\nwant:\n%s", head(got), head(after))
	}
}

// TestRestoreRefusesBadBackups: nothing may have been touched.
func TestRestoreRefusesBadBackups(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	want := learnedIn(t, dir, 0, 30)
	h, err := history.Open(t.Context(), history.Options{Dir: other})
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	learnedIn(t, other, 0, 300)
	good, err := os.ReadFile(filepath.Join(other, ledger.FileName))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(other, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	holed := bytes.Clone(good)
	copy(holed[8*4096:], make([]byte, 4*4096))
	for _, x := range []struct {
		path string
		err  error
	}{
		{filepath.Join(other, "none"), fs.ErrNotExist},
		{write("text", []byte("From anna@example.org")), sqlite.ErrDamaged},
		{write("short", good[:len(good)/2]), sqlite.ErrDamaged},
		{write("holed", holed), sqlite.ErrDamaged},
		{filepath.Join(other, "history.db"), sqlite.ErrDamaged},
	} {
		if _, err := ledger.Restore(t.Context(), dir, x.path, true); !errors.Is(err, x.err) {
			t.Errorf("%s: %v, want %v", x.path, err, x.err)
		}
	}
	if _, err := ledger.Restore(t.Context(), dir, write("empty", nil), true); err == nil {
		t.Error("an empty file was restored")
	}
	for meta, want := range map[string]error{"schema": sqlite.ErrNewer, "features": sqlite.ErrNewer} {
		path := write(meta, good)
		storetest.SQL(t, path, "UPDATE meta SET value = 99 WHERE key = '"+meta+"'")
		if _, err := ledger.Restore(t.Context(), dir, path, true); !errors.Is(err, want) {
			t.Errorf("%s 99: %v, want %v", meta, err, want)
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, ledger.FileName+".*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if got := export(t, openAt(t, dir)); got != want {
		t.Errorf("model is now:\n%s", head(got))
	}
}

// TestRestoreOverDamage is what backups are for.
func TestRestoreOverDamage(t *testing.T) {
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "ledger")
	want := learnedIn(t, dir, 0, 30)
	if _, err := ledger.Backup(t.Context(), dir, backup, false); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ledger.FileName)
	for _, rubbish := range []string{"", "rubbish"} {
		for name, text := range map[string]string{path: rubbish, path + "-wal": "log"} {
			if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
				t.Fatal(err)
			}
		}
		did, err := ledger.Restore(t.Context(), dir, backup, true)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(did.Kept); err != nil || string(b) != rubbish {
			t.Errorf("kept %q, %v", b, err)
		}
		if got := export(t, openAt(t, dir)); got != want {
			t.Errorf("restored:\n%s", head(got))
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, ledger.FileName+"-wal")); err == nil && bytes.Contains(b, []byte("log")) && len(b) == 3 {
		t.Error("the log of the damaged ledger is still in use")
	}
}

// TestKilledRestore kills a process that puts two backups in place in turn: one of
// them is in place afterwards, whole.
func TestKilledRestore(t *testing.T) {
	dir, models := t.TempDir(), map[string]bool{}
	for n := range 2 {
		from := t.TempDir()
		models[learnedIn(t, from, 100*n, 20)] = true
		if _, err := ledger.Backup(t.Context(), from, filepath.Join(dir, fmt.Sprint("backup", n)), false); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		c := storetest.StartChild(t, "swap", dir)
		c.Expect(t, "ready")
		time.Sleep(time.Duration(n) * 4 * time.Millisecond)
		c.Process.Signal(syscall.SIGKILL)
		c.Wait()
		if got := modelOf(t, filepath.Join(dir, ledger.FileName)); !models[got] {
			t.Fatalf("in place is neither:\n%s", head(got))
		}
	}
	db := openAt(t, dir)
	learn(t, db, message(900, Spam, 1))
	sameAsRebuilt(t, db)
}

// TestLogModePutBack: a ledger without a log, as a restore leaves the old one that
// was cut short, is opened with one.
func TestLogModePutBack(t *testing.T) {
	dir := t.TempDir()
	want := learnedIn(t, dir, 0, 5)
	path := filepath.Join(dir, ledger.FileName)
	storetest.SQL(t, path, "PRAGMA journal_mode=DELETE")
	db := openAt(t, dir)
	if got := export(t, db); got != want {
		t.Errorf("model is now:\n%s", head(got))
	}
	if mode, err := db.w.Text("PRAGMA journal_mode"); err != nil || mode != "wal" {
		t.Errorf("journal mode %q, %v", mode, err)
	}
}
