package pack

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"pgregory.net/rapid"

	"fanmill/classify"
	"fanmill/store/sqlite"
)

// TestGramsComeBack: any buckets are stored and read, appended to what is there already.
func TestGramsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bucket := rapid.OneOf(
			rapid.Uint32Range(0, classify.Buckets-1),
			rapid.Uint32Range(0, 600),
			rapid.Uint32Range(classify.Buckets-3, classify.Buckets-1),
		)
		grams := rapid.SliceOf(bucket).Draw(t, "grams")
		slices.Sort(grams)
		grams = slices.Compact(grams)
		stored, err := AppendGrams([]byte("x"), grams)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadGramsTo([]uint32{7}, stored[1:])
		if err != nil || stored[0] != 'x' || got[0] != 7 || !slices.Equal(got[1:], grams) {
			t.Fatalf("%v came back as %v from %x (%v)", grams, got, stored, err)
		}
		if most := len(grams) + classify.Buckets/255 + 1; len(stored) > 1+most {
			t.Fatalf("%d grams take %d bytes, want at most %d", len(grams), len(stored), most)
		}
	})
}

// TestGramsThatAreNone: what is no ascending list of buckets is refused.
func TestGramsThatAreNone(t *testing.T) {
	for _, grams := range [][]uint32{{4, 4}, {7, 4}, {classify.Buckets}, {1, math.MaxUint32}} {
		if b, err := AppendGrams(nil, grams); err == nil {
			t.Errorf("%v is stored as %x", grams, b)
		}
	}
}

// TestAnyBytesAreGramsOrDamage: whatever lies in the column gives buckets that weights
// can be looked up by, or an error.
func TestAnyBytesAreGramsOrDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.Just(byte(255)))).Draw(t, "bytes")
		grams, err := ReadGramsTo(nil, b)
		var again []byte
		if err == nil {
			again, err = AppendGrams(nil, grams)
		}
		switch {
		case err != nil && !errors.Is(err, sqlite.ErrDamaged):
			t.Fatalf("%x: %v", b, err)
		case err == nil && (!slices.IsSorted(grams) || !slices.Equal(again, b)):
			t.Fatalf("%x gives %v", b, grams)
		}
	})
	last, err := AppendGrams(nil, []uint32{classify.Buckets - 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"cut":       {3, 255},
		"too large": slices.Repeat([]byte{255}, classify.Buckets/255+1),
		"after all": append(last, 0),
	} {
		if grams, err := ReadGramsTo(nil, b); !errors.Is(err, sqlite.ErrDamaged) {
			t.Errorf("%s: %v, %v", name, grams, err)
		}
	}
}

// TestDamagedMessages: what is no stored message, or would be longer than any that was
// stored, is an error.
func TestDamagedMessages(t *testing.T) {
	packed := func(message []byte) []byte {
		b, err := NewPacker().Message(message)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ham := slices.Repeat([]byte("ham "), 100)
	for name, b := range map[string][]byte{
		"empty":               {},
		"noise":               []byte("no packed text"),
		"cut":                 packed(ham)[:9],
		"cut to the magic":    packed(ham)[:4],
		"very long":           packed(make([]byte, MaxMessage+1)),
		"older, cut":          s2.EncodeSnappy(nil, ham)[:9],
		"older and very long": s2.EncodeSnappy(nil, make([]byte, MaxMessage+1)),
	} {
		if m, err := ReadMessage(b); !errors.Is(err, sqlite.ErrDamaged) {
			t.Errorf("%s: %d bytes, %v", name, len(m), err)
		}
	}
	longest := slices.Repeat([]byte("abcdefgh"), MaxMessage/8)
	for name, stored := range map[string][]byte{"longest": packed(longest), "older": s2.EncodeSnappy(nil, longest)} {
		if m, err := ReadMessage(stored); err != nil || !slices.Equal(m, longest) {
			t.Errorf("%s: %d bytes, %v", name, len(m), err)
		}
	}
	if m, err := ReadMessage(packed([]byte{})); err != nil || len(m) != 0 {
		t.Errorf("empty: %q, %v", m, err)
	}
}
