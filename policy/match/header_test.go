package match

import (
	"strings"
	"testing"
)

// A header is bounded, and what is not wanted is not kept.
func TestHeaderIsBounded(t *testing.T) {
	h := NewHeader(map[string]bool{"X-A": true}, nil)
	for range 100_000 {
		h.Field([]byte("X-A"), []byte(strings.Repeat("x", 5000)))
		h.Field([]byte("X-B"), []byte("x"))
	}
	if len(h.fields) != 1 || len(h.fields["X-A"]) != maxFieldCount || len(h.fields["X-A"][0]) > maxFieldText+1 {
		t.Errorf("%d fields", len(h.fields["X-A"]))
	}
}
