package extract

import (
	"strings"
	"testing"
)

// No cut makes a word or a character of less than there is.
func TestNearTextCutsAtBlanks(t *testing.T) {
	for _, c := range []struct {
		text string
		room int
		want int
	}{
		{"one two three", 100, 13},
		{"one two three", 10, 7},
		{"one two three", 0, 0},
		{strings.Repeat("x", 200), 150, 150},
		{strings.Repeat("é", 100), 151, 150},
	} {
		if got := nearText([]byte(c.text), c.room); got != c.want {
			t.Errorf("%.20q, room for %d: %d, want %d", c.text, c.room, got, c.want)
		}
	}
}
