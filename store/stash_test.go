package store

import (
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"fanmill/classify"
	"fanmill/store/stash"
	"fanmill/store/storetest"
)

// TestStashIsOfOneLedger: what a process has put by is there for another one; where nothing
// can be put by or taken that is logged, and the transaction goes on.
func TestStashIsOfOneLedger(t *testing.T) {
	dir := t.TempDir()
	var log storetest.Log
	db, other := openAt(t, dir), openAt(t, dir, withLog(&log))
	lists := map[classify.Digest]Lists{storetest.Digest(1): {Features: []uint64{7}, Grams: []uint32{8}}}
	seen := 0
	take := func(tx *Tx) error {
		tx.Unstash(func(classify.Digest, Lists) bool { seen++; return true })
		return nil
	}
	update(t, db, func(tx *Tx) error { tx.Stash(maps.All(lists)); return nil })
	update(t, other, take)
	if seen != 1 || log.String() != "" {
		t.Errorf("%d lists, log: %s", seen, log.String())
	}
	path := filepath.Join(dir, stash.FileName)
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	update(t, other, func(tx *Tx) error { tx.Stash(maps.All(lists)); return take(tx) })
	if seen != 1 || log.Count("cannot put by") != 1 || log.Count("cannot use all") != 1 || log.Count(path) < 2 {
		t.Errorf("%d lists, log: %s", seen, log.String())
	}
}

// childStashFull puts lists of a megabyte by under a limit on the size of files, as on a full
// disk.
func childStashFull(dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1 << 19, Max: 1 << 19}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	db, err := Open(background(), Options{Dir: dir})
	if err != nil {
		return err
	}
	lists := map[classify.Digest]Lists{storetest.Digest(2): {Features: make([]uint64, 1<<17), Grams: []uint32{}}}
	if err := db.Update(background(), func(tx *Tx) error { tx.Stash(maps.All(lists)); return nil }); err != nil {
		return err
	}
	fmt.Println("done")
	return db.Close()
}

// TestStashDiskFull: on a full disk nothing is put by, what is there is removed, and whoever
// trains goes on.
func TestStashDiskFull(t *testing.T) {
	for _, first := range []map[classify.Digest]Lists{nil, {storetest.Digest(1): {Features: []uint64{7}, Grams: []uint32{8}}}} {
		dir := t.TempDir()
		update(t, openAt(t, dir), func(tx *Tx) error { tx.Stash(maps.All(first)); return nil })
		c := storetest.StartChild(t, "stash full", dir)
		c.Expect(t, "done")
		c.Rest(t)
		if left, err := filepath.Glob(filepath.Join(dir, stash.FileName+"*")); len(left) > 0 || err != nil {
			t.Errorf("%v are left (%v)", left, err)
		}
	}
}
