package stash

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// at is the stash of one ledger in a directory.
func at(dir string) *Stash { return &Stash{Dir: dir, Ledger: [16]byte{1, 2, 3}} }

func take(t testing.TB, s *Stash) map[classify.Digest]Lists {
	t.Helper()
	got := map[classify.Digest]Lists{}
	if err := s.Take(func(d classify.Digest, l Lists) bool { got[d] = l; return true }); err != nil {
		t.Fatal(err)
	}
	return got
}

func put(t testing.TB, s *Stash, lists map[classify.Digest]Lists) {
	t.Helper()
	if err := s.Put(maps.All(lists)); err != nil {
		t.Fatal(err)
	}
}

// manyLists are of more than one piece.
var manyLists = sync.OnceValue(func() map[classify.Digest]Lists {
	list := map[classify.Digest]Lists{storetest.Digest(500): {Features: []uint64{}, Grams: []uint32{}}}
	for n := range 400 {
		r := rand.New(rand.NewPCG(3, uint64(n)))
		l := Lists{Features: []uint64{r.Uint64()}, Grams: []uint32{r.Uint32N(classify.Buckets)}}
		for range n % 600 {
			l.Features = append(l.Features, r.Uint64())
		}
		for range n * 5 {
			l.Grams = append(l.Grams, r.Uint32N(classify.Buckets))
		}
		slices.Sort(l.Features)
		slices.Sort(l.Grams)
		l.Grams = slices.Compact(l.Grams)
		list[storetest.Digest(n)] = l
	}
	return list
})

// TestStash: what is put by, by one process after another, comes back once.
func TestStash(t *testing.T) {
	dir := t.TempDir()
	one, other := at(dir), at(dir)
	want := maps.Clone(manyLists())
	put(t, one, want)
	more := Lists{Features: []uint64{7}, Grams: []uint32{8}}
	put(t, other, map[classify.Digest]Lists{storetest.Digest(501): more})
	want[storetest.Digest(501)] = more
	for _, want := range []map[classify.Digest]Lists{want, {}} {
		if got := take(t, one); !reflect.DeepEqual(got, want) {
			t.Errorf("%d lists came back of %d, or others", len(got), len(want))
		}
	}
	put(t, one, want)
	seen := 0
	if err := one.Take(func(classify.Digest, Lists) bool { seen++; return seen < 3 }); err != nil || seen != 3 {
		t.Errorf("%d lists were handed out to one who wanted 3 (%v)", seen, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, FileName+"*")); len(left) > 0 || err != nil {
		t.Errorf("%v are left (%v)", left, err)
	}
}

// TestFullStash: what does not fit is left out, and the rest comes back.
func TestFullStash(t *testing.T) {
	s := at(t.TempDir())
	long := Lists{Features: make([]uint64, pieceSize/8), Grams: []uint32{}}
	for i := range long.Features {
		long.Features[i] = uint64(i)
	}
	const n = most/pieceSize + 5
	err := s.Put(func(yield func(classify.Digest, Lists) bool) {
		for i := 0; i < n && yield(storetest.Digest(i), long); i++ {
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.Dir, FileName))
	if err != nil || info.Size() > most {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	if got := len(take(t, s)); got == 0 || got >= n {
		t.Errorf("%d lists came back of %d", got, n)
	}
}

func edited(change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) { t.Helper(); storetest.Edit(t, path, change) }
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
		"noise":         edited(func([]byte) []byte { return []byte("no lists, but more bytes than the file's header has") }),
		"empty":         edited(func([]byte) []byte { return nil }),
		"other ledger":  edited(func(b []byte) []byte { b[25] ^= 1; return b }),
		"features":      edited(func(b []byte) []byte { b[16]++; return b }),
		"flipped":       edited(func(b []byte) []byte { b[500] ^= 1; return b }),
		"too long":      edited(func(b []byte) []byte { b[36+3] = 0xff; return b }),
		"cut":           edited(func(b []byte) []byte { return b[:1000] }),
		"cut in a head": edited(func(b []byte) []byte { return b[:40] }),
		"link": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Symlink(precious, path)); err != nil {
				t.Fatal(err)
			}
		},
		"pipe": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
				t.Fatal(err)
			}
		},
		"directory": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		s := at(t.TempDir())
		path := filepath.Join(s.Dir, FileName)
		got := 0
		put(t, s, manyLists())
		spoil(t, path)
		if err := s.Take(func(classify.Digest, Lists) bool { got++; return true }); got > 0 {
			t.Errorf("%s: %d lists came back (%v)", name, got, err)
		}
		put(t, s, manyLists())
		spoil(t, path)
		if err := s.Put(maps.All(manyLists())); (err != nil) != (name == "directory") {
			t.Errorf("%s: put by once more: %v", name, err)
		}
		again := map[classify.Digest]Lists{}
		err := s.Take(func(d classify.Digest, l Lists) bool { again[d] = l; return true })
		behind := map[string]bool{"flipped": true, "too long": true, "cut": true, "cut in a head": true, "directory": true}[name]
		if want := manyLists(); !behind && !reflect.DeepEqual(again, want) {
			t.Errorf("%s: %d of %d lists came back afterwards (%v)", name, len(again), len(want), err)
		}
		if b, err := os.ReadFile(precious); string(b) != "precious" || err != nil {
			t.Errorf("%s: the other file has %q (%v)", name, b, err)
		}
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
