package store

import (
	"maps"
	"os"
	"path/filepath"
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
