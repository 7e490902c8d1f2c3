package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fanmill/store/ledger"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// ledgerOf returns a closed ledger with some training, and its model.
func ledgerOf(t *testing.T) (dir, model string) {
	dir = t.TempDir()
	db := openAt(t, dir)
	var rows []Row
	for n := range 40 {
		rows = append(rows, message(n, Ham+Class(n%2), 1))
	}
	learn(t, db, rows...)
	model = export(t, db)
	if err := db.WriteSnapshot(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, model
}

func sql(statements string) func(*testing.T, string) {
	return func(t *testing.T, path string) { t.Helper(); storetest.SQL(t, path, statements) }
}

func bytesOf(change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) { t.Helper(); storetest.Edit(t, path, change) }
}

// TestUnusableLedgers: each is refused with an error that says what to do, and its file
// is left as it was, byte by byte.
func TestUnusableLedgers(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*testing.T, string)
		want  error
		says  string
	}{
		"text":          {bytesOf(func([]byte) []byte { return []byte("this is not a database at all, but a letter\n") }), sqlite.ErrDamaged, "backup"},
		"a few bytes":   {bytesOf(func(b []byte) []byte { return b[:9] }), sqlite.ErrDamaged, "backup"},
		"emptied":       {bytesOf(func(b []byte) []byte { return nil }), sqlite.ErrDamaged, "begin anew"},
		"cut":           {bytesOf(func(b []byte) []byte { return b[:len(b)-2*ledger.PageSize] }), sqlite.ErrDamaged, "backup"},
		"page of zeros": {bytesOf(func(b []byte) []byte { clear(b[ledger.PageSize : 3*ledger.PageSize]); return b }), sqlite.ErrDamaged, "backup"},
		"header":        {bytesOf(func(b []byte) []byte { clear(b[100:200]); return b }), sqlite.ErrDamaged, "backup"},
		"flipped": {bytesOf(func(b []byte) []byte {
			for i := 100; i < len(b); i += 509 {
				b[i] ^= 0x55
			}
			return b
		}), sqlite.ErrDamaged, "backup"},
		"foreign":    {sql("PRAGMA application_id = 7"), sqlite.ErrDamaged, "not a fanmill ledger"},
		"history":    {sql("PRAGMA application_id = 1717659240"), sqlite.ErrDamaged, "not a fanmill ledger"},
		"newer":      {sql("UPDATE meta SET value = 99 WHERE key = 'schema'"), sqlite.ErrNewer, "newer fanmill"},
		"features":   {sql("UPDATE meta SET value = 1 WHERE key = 'features'"), sqlite.ErrFeatureVersion, "fanmill rebuild"},
		"newer ones": {sql("UPDATE meta SET value = 99 WHERE key = 'features'"), sqlite.ErrNewer, "feature version 99"},
		"no version": {sql("DELETE FROM meta"), sqlite.ErrDamaged, "backup"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := ledgerOf(t)
			path := filepath.Join(dir, ledger.FileName)
			c.spoil(t, path)
			before, _ := os.ReadFile(path)
			for _, readOnly := range []bool{false, true} {
				if readOnly && name == "emptied" {
					continue
				}
				db, err := Open(t.Context(), Options{Dir: dir, ReadOnly: readOnly})
				if err == nil {
					db.Close()
					t.Fatal("opened")
				}
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
					t.Errorf("error is %q, want %q saying %q", err, c.want, c.says)
				}
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file was changed: %d bytes before, %d after (%v)", len(before), len(after), err)
			}
		})
	}
}

// TestRefusedLedgerKeepsItsLog: what a killed process left in the write-ahead log of a
// ledger that is refused stays there.
func TestRefusedLedgerKeepsItsLog(t *testing.T) {
	dir, _ := ledgerOf(t)
	path := filepath.Join(dir, ledger.FileName)
	c, err := sqlite.Connect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Run("PRAGMA wal_autocheckpoint = 0; UPDATE meta SET value = 98 WHERE key = 'schema'"); err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	before := map[string][]byte{}
	for _, name := range []string{ledger.FileName, ledger.FileName + "-wal"} {
		if before[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil || len(before[name]) == 0 {
			t.Fatalf("%s: %d bytes, %v", name, len(before[name]), err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), before[name], 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(t.Context(), Options{Dir: copied}); !errors.Is(err, sqlite.ErrNewer) || !strings.Contains(err.Error(), "98") {
		t.Fatalf("opened: %v", err)
	}
	for name, was := range before {
		if now, err := os.ReadFile(filepath.Join(copied, name)); err != nil || !bytes.Equal(was, now) {
			t.Errorf("%s: %d bytes before, %d after (%v)", name, len(was), len(now), err)
		}
	}
}

// TestSnapshotIsUsed: a start takes the counts from the snapshot, and the ops after it.
func TestSnapshotIsUsed(t *testing.T) {
	dir, model := ledgerOf(t)
	// Without the features of the rows only the snapshot can give the counts.
	storetest.SQL(t, filepath.Join(dir, ledger.FileName), "DELETE FROM lists")
	var log storetest.Log
	db := openAt(t, dir, withLog(&log))
	if got := export(t, db); got != model || log.String() != "" {
		t.Fatalf("got\n%s\nwant\n%s\nlog: %s", head(got), head(model), log.String())
	}
	learn(t, db, message(100, Spam, 2))
	want := export(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := export(t, openAt(t, dir)); got != want {
		t.Fatalf("snapshot and later ops give\n%s\nwant\n%s", head(got), head(want))
	}
}

// snapshotHeader is how long the header of a snapshot is (see package model).
const snapshotHeader = 120

func TestUnusableSnapshots(t *testing.T) {
	put32 := func(at int, v uint32) func(t *testing.T, path string) {
		return bytesOf(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], v); return b })
	}
	for name, spoil := range map[string]func(t *testing.T, path string){
		"empty":           bytesOf(func([]byte) []byte { return nil }),
		"cut header":      bytesOf(func(b []byte) []byte { return b[:50] }),
		"cut":             bytesOf(func(b []byte) []byte { return b[:len(b)-7] }),
		"longer":          bytesOf(func(b []byte) []byte { return append(b, 0) }),
		"magic":           put32(0, 1),
		"format":          put32(16, 99),
		"feature version": put32(20, 99),
		"other ledger":    put32(28, 1),
		"later":           put32(44, 1000),
		"op time":         put32(52, 5),
		"totals":          put32(76, 5),
		"slots":           put32(96, 1<<30),
		"weights":         put32(104, 1<<30),
		"no weights":      put32(104, 0),
		"older format":    put32(16, 1),
		"a count":         bytesOf(func(b []byte) []byte { b[snapshotHeader+4+8] ^= 1; return b }),
		"a weight":        bytesOf(func(b []byte) []byte { b[len(b)-8] ^= 1; return b }),
		"checksum":        bytesOf(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"table length":    put32(snapshotHeader, 1<<31),
		"noise": bytesOf(func(b []byte) []byte {
			for i := range b[snapshotHeader:] {
				b[snapshotHeader+i] = byte(i * 7)
			}
			return b
		}),
		"a directory": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o750)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, model := ledgerOf(t)
			spoil(t, filepath.Join(dir, ledger.SnapshotName))
			var log storetest.Log
			db := openAt(t, dir, withLog(&log))
			if got := export(t, db); got != model {
				t.Errorf("got\n%s\nwant\n%s", head(got), head(model))
			}
			if log.Count("ignoring the model snapshot") != 1 {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

// TestForeignSnapshot: a snapshot that fits in all but the ledger's id is not taken.
func TestForeignSnapshot(t *testing.T) {
	var dirs, models [2]string
	for i := range dirs {
		dirs[i] = t.TempDir()
		db := openAt(t, dirs[i])
		learn(t, db, message(i, Ham, 1))
		models[i] = export(t, db)
		if err := errors.Join(db.w.Run("UPDATE op SET time = 1"), db.WriteSnapshot(), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dirs[0], ledger.SnapshotName), filepath.Join(dirs[1], ledger.SnapshotName)); err != nil {
		t.Fatal(err)
	}
	if got := export(t, openAt(t, dirs[1])); got != models[1] {
		t.Errorf("got\n%s\nwant\n%s", head(got), head(models[1]))
	}
}

// TestRestoredLedger: a ledger put back from a backup that has gone on since must not
// take the snapshot of the training that was lost, though seq and id fit.
func TestRestoredLedger(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ledger.FileName)
	db := openAt(t, dir)
	learn(t, db, message(1, Ham, 1))
	db.Close()
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db = openAt(t, dir)
	learn(t, db, message(2, Spam, 1))
	if err := db.WriteSnapshot(); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := os.WriteFile(path, backup, 0o640); err != nil {
		t.Fatal(err)
	}
	os.Rename(filepath.Join(dir, ledger.SnapshotName), filepath.Join(dir, "lost"))
	db = openAt(t, dir)
	learn(t, db, message(3, Spam, 1))
	want := export(t, db)
	db.Close()
	os.Rename(filepath.Join(dir, "lost"), filepath.Join(dir, ledger.SnapshotName))
	if got := export(t, openAt(t, dir)); got != want {
		t.Errorf("got\n%s\nwant\n%s", head(got), head(want))
	}
}

func TestSnapshotLeavesNothingBeside(t *testing.T) {
	dir, _ := ledgerOf(t)
	db := openAt(t, dir)
	learn(t, db, message(77, Ham, 1))
	if err := db.WriteSnapshot(); err != nil {
		t.Fatal(err)
	}
	db.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() != ledger.FileName && e.Name() != ledger.SnapshotName || info.Mode().Perm() != 0o640 {
			t.Errorf("%s with mode %v", e.Name(), info.Mode())
		}
	}
}

func TestReadOnlyBesideWriter(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no ledger: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("reading made %v", entries)
	}
	w := openAt(t, dir)
	learn(t, w, message(1, Ham, 1))
	r := openAt(t, dir, func(o *Options) { o.ReadOnly = true })
	learn(t, w, message(2, Spam, 1))
	if n := catchUp(t, r); n != 1 || export(t, r) != export(t, w) {
		t.Errorf("applied %d ops", n)
	}
	if err := r.Update(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("update: %v", err)
	}
	if err := r.WriteSnapshot(); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("snapshot: %v", err)
	}
	w.Close()
	if n := catchUp(t, r); n != 0 {
		t.Errorf("applied %d ops after the writer has gone", n)
	}
}

// TestCreatedAtOnce: many that open a new ledger at the same time make one.
func TestCreatedAtOnce(t *testing.T) {
	for range 5 {
		dir := filepath.Join(t.TempDir(), "new", "data %41?#")
		var wg sync.WaitGroup
		ids := make([]string, 8)
		for i := range ids {
			wg.Go(func() {
				db, err := Open(t.Context(), Options{Dir: dir})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = db.uuid
				if err := errors.Join(learnSome(db, 10*i, 1), db.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] || len(id) != 32 {
				t.Fatalf("ledger ids %q", ids)
			}
		}
		if l, err := openAt(t, dir).Labels(""); err != nil || l.Ham+l.Spam != len(ids) {
			t.Errorf("labels %+v, %v", l, err)
		}
		if _, err := os.Stat(filepath.Join(dir, ledger.FileName)); err != nil {
			t.Error(err)
		}
	}
}

// TestStrangeStart: creation that was cut short is taken up again.
func TestStrangeStart(t *testing.T) {
	for name, begin := range map[string]func(path string) error{
		"empty file": func(path string) error { return os.WriteFile(path, nil, 0o640) },
		"no tables": func(path string) error {
			if err := os.WriteFile(path, nil, 0o640); err != nil {
				return err
			}
			c, err := sqlite.Connect(path, "journal_mode=WAL")
			if err != nil {
				return err
			}
			return c.Close()
		},
	} {
		dir := t.TempDir()
		if err := begin(filepath.Join(dir, ledger.FileName)); err != nil {
			t.Fatal(err)
		}
		db, err := Open(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := errors.Join(learnSome(db, 1, 3), db.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenNamesTheFault(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ledger.FileName), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(file, "below")} {
		db, err := Open(t.Context(), Options{Dir: d})
		if err == nil {
			db.Close()
			t.Errorf("opened in %s", d)
		} else if !strings.Contains(fmt.Sprint(err), dir) {
			t.Errorf("error %q does not name the file", err)
		}
	}
}
