package store

import (
	"context"
	"math/rand/v2"
	"testing"

	"fanmill/classify"
	"fanmill/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, map[string]func(dir string) error{
		"memory": childMemory,
		"learn":  childLearn,
		"batch":  childBatch,
		"busy":   childBusy,
		"lock":   func(dir string) error { return childLock(dir, "NORMAL") },
		"seize":  func(dir string) error { return childLock(dir, "EXCLUSIVE") },
		"full":   childFull,
		"backup": childBackup,
		"swap":   childSwap,
		"prune":  childPrune,

		"stash full": childStashFull,
	})
}

func openAt(t testing.TB, dir string, change ...func(*Options)) *DB {
	t.Helper()
	o := Options{Dir: dir}
	for _, f := range change {
		f(&o)
	}
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustModel(t testing.TB, db *DB, scope string) *Model {
	t.Helper()
	m, err := db.Model(scope)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What the tests of other packages use too.
var (
	message = storetest.Message
	head    = storetest.Head
)

func export(t testing.TB, db *DB) string {
	t.Helper()
	return storetest.Export(t, db)
}

func sameAsRebuilt(t testing.TB, db *DB) {
	t.Helper()
	storetest.SameAsRebuilt(t, db)
}

func learn(t testing.TB, db *DB, rows ...Row) {
	t.Helper()
	storetest.Learn(t, db.Update, rows...)
}

func forget(t testing.TB, db *DB, scope string, d classify.Digest) bool {
	t.Helper()
	return storetest.Forget(t, db.Update, scope, d)
}

func catchUp(t testing.TB, db *DB) int {
	t.Helper()
	n, err := db.CatchUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func withLog(l *storetest.Log) func(*Options) { return func(o *Options) { o.Logger = l.Logger() } }

func background() context.Context { return context.Background() }

// noise makes n bytes that cannot be packed.
func noise(seed, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b) // never fails
	return b
}
