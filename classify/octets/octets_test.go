package octets

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Lower case is that of ASCII, whatever else stands around it, and nothing that was given
// is changed.
func TestAppendLower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		given := bytes.Clone(b)
		got := AppendLower([]byte("X"), b)
		want := []byte("X")
		for _, c := range b {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			want = append(want, c)
		}
		if !bytes.Equal(got, want) || !bytes.Equal(b, given) {
			t.Fatalf("%q became %q", given, got)
		}
	})
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		b    string
		n    int
		want string
	}{{"abc", 5, "abc"}, {"abc", 3, "abc"}, {"abc", 1, "a"}, {"abc", 0, ""}, {"", 2, ""}} {
		if got := Cut([]byte(c.b), c.n); string(got) != c.want {
			t.Errorf("the first %d of %q: %q, want %q", c.n, c.b, got, c.want)
		}
	}
}
