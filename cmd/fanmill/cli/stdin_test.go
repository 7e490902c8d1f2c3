package cli

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestInterruptibleReads holds the reader against the interface's rules: small
// buffers, data that come with the end, errors in the middle.
func TestInterruptibleReads(t *testing.T) {
	text := strings.Repeat("all that is read arrives\n", 10_000)
	for name, r := range map[string]io.Reader{
		"plain": strings.NewReader(text), "one byte at a time": iotest.OneByteReader(strings.NewReader(text[:5000])),
		"end with data": iotest.DataErrReader(strings.NewReader(text)),
	} {
		want := text
		if name == "one byte at a time" {
			want = text[:5000]
		}
		if err := iotest.TestReader(NewInterruptible(t.Context(), r), []byte(want)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken")
	got, err := io.ReadAll(NewInterruptible(t.Context(), io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken))))
	if string(got) != "abc" || !errors.Is(err, broken) {
		t.Errorf("read %q, error %v", got, err)
	}
}
