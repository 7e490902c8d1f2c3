package store

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

func unstash(t testing.TB, db *DB) map[classify.Digest]Lists {
	t.Helper()
	got := map[classify.Digest]Lists{}
	update(t, db, func(tx *Tx) error {
		tx.Unstash(func(d classify.Digest, l Lists) bool { got[d] = l; return true })
		return nil
	})
	return got
}

func stash(t testing.TB, db *DB, lists map[classify.Digest]Lists) {
	t.Helper()
	update(t, db, func(tx *Tx) error { tx.Stash(maps.All(lists)); return nil })
}

// manyLists are of more than one piece.
func manyLists() map[classify.Digest]Lists {
	list := map[classify.Digest]Lists{storetest.Digest(500): {Features: []uint64{}, Grams: []uint32{}}}
	for n := range 400 {
		r := rand.New(rand.NewPCG(3, uint64(n)))
		list[storetest.Digest(n)] = Lists{Features: features(r, 1+n%600, 1<<40), Grams: buckets(r, 1+n*5)}
	}
	return list
}

// TestStash: what is put by, by one process after another, comes back once.
func TestStash(t *testing.T) {
	dir := t.TempDir()
	db, other := openAt(t, dir), openAt(t, dir)
	want := manyLists()
	stash(t, db, want)
	more := Lists{Features: []uint64{7}, Grams: []uint32{8}}
	stash(t, other, map[classify.Digest]Lists{storetest.Digest(501): more})
	want[storetest.Digest(501)] = more
	for _, want := range []map[classify.Digest]Lists{want, {}} {
		if got := unstash(t, db); !reflect.DeepEqual(got, want) {
			t.Errorf("%d lists came back of %d, or others", len(got), len(want))
		}
	}
	stash(t, db, want)
	seen := 0
	update(t, db, func(tx *Tx) error {
		tx.Unstash(func(classify.Digest, Lists) bool { seen++; return seen < 3 })
		return nil
	})
	if seen != 3 {
		t.Errorf("%d lists were handed out to one who wanted 3", seen)
	}
	if left, err := filepath.Glob(filepath.Join(dir, stashFile+"*")); len(left) > 0 || err != nil {
		t.Errorf("%v are left (%v)", left, err)
	}
}

// TestUselessStash: what is damaged, of another ledger, of other features or no plain file
// is not used, nor is a file changed that lies there by a trick, and the next stash takes
// its place.
func TestUselessStash(t *testing.T) {
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(t *testing.T, path string){
		"noise":         bytesOf(func([]byte) []byte { return []byte("no lists, but more bytes than the file's header has") }),
		"empty":         bytesOf(func([]byte) []byte { return nil }),
		"other ledger":  bytesOf(func(b []byte) []byte { b[25] ^= 1; return b }),
		"features":      bytesOf(func(b []byte) []byte { b[16]++; return b }),
		"flipped":       bytesOf(func(b []byte) []byte { b[500] ^= 1; return b }),
		"too long":      bytesOf(func(b []byte) []byte { b[36+3] = 0xff; return b }),
		"cut":           bytesOf(func(b []byte) []byte { return b[:1000] }),
		"cut in a head": bytesOf(func(b []byte) []byte { return b[:40] }),
		"link": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Symlink(precious, path)); err != nil {
				t.Fatal(err)
			}
		},
		"directory": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openAt(t, t.TempDir())
			path := filepath.Join(db.opts.Dir, stashFile)
			stash(t, db, manyLists())
			spoil(t, path)
			if got := unstash(t, db); len(got) > 0 {
				t.Errorf("%d lists came back", len(got))
			}
			stash(t, db, manyLists())
			spoil(t, path)
			stash(t, db, manyLists())
			again := unstash(t, db)
			behind := map[string]bool{"flipped": true, "too long": true, "cut": true, "cut in a head": true, "directory": true}[name]
			if want := manyLists(); !behind && !reflect.DeepEqual(again, want) {
				t.Errorf("%d of %d lists came back afterwards", len(again), len(want))
			}
			if b, err := os.ReadFile(precious); string(b) != "precious" || err != nil {
				t.Errorf("the other file has %q (%v)", b, err)
			}
		})
	}
}

// TestAnyBytesAreLists: any piece has lists that a model can learn, or is damaged.
func TestAnyBytesAreLists(t *testing.T) {
	whole, err := appendLists(nil, storetest.Digest(1), Lists{Features: []uint64{1, 2}, Grams: []uint32{3, 500}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "nearly whole") {
			b = append([]byte(nil), whole...)
			b[rapid.IntRange(32, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		_, err := readLists(b, func(_ classify.Digest, l Lists) bool {
			for _, g := range l.Grams {
				if g >= classify.Buckets {
					t.Fatalf("gram %d", g)
				}
			}
			return true
		})
		if err != nil && !errors.Is(err, sqlite.ErrDamaged) {
			t.Fatal(err)
		}
	})
	for n := range len(whole) {
		if _, err := readLists(whole[:n], func(classify.Digest, Lists) bool { return true }); n > 0 && !errors.Is(err, sqlite.ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}
