package store

import (
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
)

// TestStash: what is put by comes back once, more than one piece of it too, also to
// another process.
func TestStash(t *testing.T) {
	dir := t.TempDir()
	db := openAt(t, dir)
	want := map[classify.Digest]Lists{}
	for n := range 400 {
		r := rand.New(rand.NewPCG(3, uint64(n)))
		want[digest(n)] = Lists{Features: features(r, 1+n%600, 1<<40), Grams: buckets(r, 1+n*5)}
	}
	want[digest(500)] = Lists{Features: []uint64{}, Grams: []uint32{}}
	update(t, db, func(tx *Tx) error { return tx.Stash(maps.All(want)) })
	if n, err := db.w.integer("SELECT count(*) FROM stash"); n < 2 || err != nil {
		t.Errorf("%d pieces, want several (%v)", n, err)
	}
	for _, want := range []map[classify.Digest]Lists{want, {}} {
		got := map[classify.Digest]Lists{}
		update(t, openAt(t, dir), func(tx *Tx) error {
			return tx.Unstash(func(d classify.Digest, l Lists) bool { got[d] = l; return true })
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d lists came back of %d, or others", len(got), len(want))
		}
	}
	update(t, db, func(tx *Tx) error { return tx.Stash(maps.All(want)) })
	seen := 0
	update(t, db, func(tx *Tx) error {
		return tx.Unstash(func(classify.Digest, Lists) bool { seen++; return seen < 3 })
	})
	if seen != 3 {
		t.Errorf("%d lists were handed out to one who wanted 3", seen)
	}
}

// TestDamagedStash: any bytes are lists that a model can learn, or damage.
func TestDamagedStash(t *testing.T) {
	whole, err := appendStash(nil, digest(1), Lists{Features: []uint64{1, 2}, Grams: []uint32{3, 500}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "nearly whole") {
			b = append([]byte(nil), whole...)
			b[rapid.IntRange(32, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		err := readStash(b, func(_ classify.Digest, l Lists) bool {
			for _, g := range l.Grams {
				if g >= classify.Buckets {
					t.Fatalf("gram %d", g)
				}
			}
			return true
		})
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
	})
	for n := range len(whole) {
		if err := readStash(whole[:n], func(classify.Digest, Lists) bool { return true }); n > 0 && !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}
