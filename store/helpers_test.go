package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store/storetest"
)

// childEnv names what the test binary does when it runs itself as another process.
const childEnv = "FANMILL_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(runChild(job))
	}
	os.Exit(m.Run())
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

func export(t testing.TB, db *DB) string {
	t.Helper()
	var b bytes.Buffer
	if err := db.Export(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sameAsRebuilt fails unless the model equals one built from the rows alone.
func sameAsRebuilt(t testing.TB, db *DB) {
	t.Helper()
	was := export(t, db)
	if err := db.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := export(t, db); now != was {
		t.Fatalf("model in memory:\n%s\nmodel from the rows:\n%s", head(was), head(now))
	}
}

func head(s string) string {
	if lines := strings.SplitAfterN(s, "\n", 40); len(lines) == 40 {
		return strings.Join(lines[:39], "") + "...\n"
	}
	return s
}

// features returns n features drawn from a vocabulary, spread as hashes are.
func features(r *rand.Rand, n, vocabulary int) []uint64 {
	list := make([]uint64, n)
	for i := range list {
		word := r.Uint64N(uint64(vocabulary)) + 1
		list[i] = word * 0xD6E8FEB86659FD93
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// buckets returns some of the linear part's buckets, n at most, in no order.
func buckets(r *rand.Rand, n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = r.Uint32N(classify.Buckets)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// message returns a row for message n; the same n gives the same row. Two in three
// have a step, to the side of their class; opinions are right for nine in ten.
func message(n int, class Class, adds int) Row {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	y := 1.0
	if (class == Ham) == (n%10 != 7) {
		y = -1
	}
	return Row{
		Digest: storetest.Digest(n), Class: class, Adds: adds, Step: int64(y) * int64(n%3) << 10,
		Features: features(r, 30, 2000), Grams: buckets(r, 12),
		Message: fmt.Appendf(nil, "Subject: message %d\n\ntext of message %d\n", n, n), Complete: true,
		ScoreC: y * float64(n%29), ScoreE: y * r.Float64(), ScoreL: y * r.NormFloat64(), LogOdds: -1.5,
	}
}

func learn(t testing.TB, db *DB, rows ...Row) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *Tx) error {
		for _, row := range rows {
			if err := tx.Learn(row, Origin{Actor: "test", Source: "train"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func forget(t testing.TB, db *DB, scope string, d classify.Digest) bool {
	t.Helper()
	var did bool
	err := db.Update(t.Context(), func(tx *Tx) (err error) {
		did, err = tx.Forget(scope, d, Origin{Source: "train"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return did
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
