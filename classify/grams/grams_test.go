package grams

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// excerptOf is the excerpt of a message with these values in the order of Fields.
func excerptOf(x *Excerpt, text string, values ...string) []uint32 {
	x.Reset()
	for i, v := range values {
		x.Field(int8(i), []byte(Fields()[i]), []byte(v))
	}
	x.Body([]byte(text))
	return x.Buckets([]byte("client\n"))
}

// No gram crosses from the header to the text, blanks are squeezed, and only so much of
// a field and of the text is read.
func TestExcerpt(t *testing.T) {
	var x Excerpt
	want := map[uint32]bool{}
	for _, segment := range []string{"from:a@b.example\nclient\n", "two words"} {
		for i := range len(segment) - 3 {
			b := segment[i:]
			want[gram(uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24)] = true
		}
	}
	got := excerptOf(&x, " two \n\t words", "a@b.example")
	if len(got) != len(want) || !slices.IsSorted(got) {
		t.Fatalf("%d buckets, want %d, in order: %v", len(got), len(want), slices.IsSorted(got))
	}
	for _, g := range got {
		if !want[g] {
			t.Errorf("bucket %d is of no gram", g)
		}
	}
	long := strings.Repeat("0123456789", 500)
	excerptOf(&x, long, long)
	if n := len(x.all) - len("from:\nclient\n"); n != fieldMax || len(x.text) != textMax {
		t.Errorf("%d bytes of a field and %d of the text", n, len(x.text))
	}
}

// The pieces hold each bucket of the message once, whatever it is made of.
func TestPiecesHoldEachBucketOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var x Excerpt
	for range 200 {
		b := make([]byte, rng.IntN(3000))
		for i := range b {
			b[i] = "ab c:\n\x00\xe3\x81\x82"[rng.IntN(10)]
		}
		got := slices.Clone(excerptOf(&x, string(b), string(b), string(bytes.ToUpper(b)), "x"))
		var all []uint32
		for _, p := range x.Pieces() {
			all = append(all, p.Grams...)
		}
		slices.Sort(all)
		if !slices.Equal(all, got) {
			t.Fatalf("%d buckets in pieces, %d in the message", len(all), len(got))
		}
	}
}
