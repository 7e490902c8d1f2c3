package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
)

// Features returns n features at most, drawn from a vocabulary, spread as hashes are.
func Features(r *rand.Rand, n, vocabulary int) []uint64 {
	list := make([]uint64, n)
	for i := range list {
		word := r.Uint64N(uint64(vocabulary)) + 1
		list[i] = word * 0xD6E8FEB86659FD93
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Buckets returns some of the linear part's buckets, n at most.
func Buckets(r *rand.Rand, n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = r.Uint32N(classify.Buckets)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Message returns a row for message n; the same n gives the same row. Two in three
// have a step, to the side of their class; opinions are right for nine in ten.
func Message(n int, class model.Class, adds int) ledger.Row {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	y := 1.0
	if (class == model.Ham) == (n%10 != 7) {
		y = -1
	}
	return ledger.Row{
		Digest: Digest(n), Class: class, Adds: adds, Step: int64(y) * int64(n%3) << 10,
		Features: Features(r, 30, 2000), Grams: Buckets(r, 12),
		Message: fmt.Appendf(nil, "Subject: message %d\n\ntext of message %d\n", n, n), Complete: true,
		ScoreC: y * float64(n%29), ScoreE: y * r.Float64(), ScoreL: y * r.NormFloat64(), LogOdds: -1.5,
	}
}

// Update is the method of a store.DB with its store.Tx, T. The tests of package store use
// this package too, so it cannot name them.
type Update[T any] func(context.Context, func(T) error) error

// Learn has a ledger learn rows.
func Learn[T interface {
	Learn(ledger.Row, ledger.Origin) error
}](t testing.TB, update Update[T], rows ...ledger.Row) {
	t.Helper()
	err := update(t.Context(), func(tx T) error {
		for _, row := range rows {
			if err := tx.Learn(row, ledger.Origin{Actor: "test", Source: "train"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Forget has a ledger forget a message, and tells whether it had a label.
func Forget[T interface {
	Forget(scope string, d classify.Digest, by ledger.Origin) (bool, error)
}](t testing.TB, update Update[T], scope string, d classify.Digest) (did bool) {
	t.Helper()
	err := update(t.Context(), func(tx T) (err error) {
		did, err = tx.Forget(scope, d, ledger.Origin{Source: "train"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// Models is what a store.DB has of its models.
type Models interface {
	Export(io.Writer) error
	Rebuild(context.Context) error
}

// Export returns the models as text.
func Export(t testing.TB, db Models) string {
	t.Helper()
	var b bytes.Buffer
	if err := db.Export(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// SameAsRebuilt fails unless the models equal those built from the rows alone.
func SameAsRebuilt(t testing.TB, db Models) {
	t.Helper()
	was := Export(t, db)
	if err := db.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if now := Export(t, db); now != was {
		t.Fatalf("model in memory:\n%s\nmodel from the rows:\n%s", Head(was), Head(now))
	}
}

// Head is the first lines of a long text.
func Head(s string) string {
	if lines := strings.SplitAfterN(s, "\n", 40); len(lines) == 40 {
		return strings.Join(lines[:39], "") + "...\n"
	}
	return s
}

// Older is SQL that makes of a ledger what an older fanmill, of this schema, would have
// left: lists with the messages, all of what waits; then no undo.
var Older = map[int]string{
	2: `ALTER TABLE body RENAME TO apart;
CREATE TABLE body (id INTEGER PRIMARY KEY, features BLOB, grams BLOB, message BLOB) STRICT;
INSERT INTO body SELECT id, features, grams, message FROM msg LEFT JOIN lists USING (id) LEFT JOIN apart USING (id);
DROP TABLE apart; DROP TABLE lists; UPDATE msg SET waits = 1 WHERE waits = 3;
UPDATE meta SET value = 2 WHERE key = 'schema';`,
	1: `DROP TABLE was; DROP INDEX msg_unlabelled; ALTER TABLE op DROP COLUMN undoes;
UPDATE meta SET value = 1 WHERE key = 'schema';`,
}
