package words_test

import (
	"slices"
	"strings"
	"testing"

	uax "github.com/clipperhouse/uax29/v2/words"
	"pgregory.net/rapid"

	"fanmill/classify/words"
)

func split(text string) (out []string) {
	names := map[words.Kind]string{words.Word: "", words.Pair: "pair:", words.Sign: "sign:", words.URL: "url:", words.Mail: "mail:"}
	words.Split([]byte(text), func(k words.Kind, w []byte, cut bool) {
		s := names[k] + string(w)
		if cut {
			s += "..."
		}
		out = append(out, s)
	})
	return out
}

func TestSplit(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"Hello, world.", []string{"Hello", "world"}},
		{"don't e.g. 3.14 1,000 a_b", []string{"don't", "e.g", "3.14", "1,000", "a_b"}},
		{"FREE!!! $$$ 100% off", []string{"FREE", "sign:!!!", "sign:$$$", "100", "sign:%", "off"}},
		{"see http://x.example/a?b=1, or (www.y.example).", []string{"see", "url:http://x.example/a?b=1", "or", "url:www.y.example", "sign:)."}},
		{"<me@example.org>, \"you@example.com\"", []string{"mail:me@example.org", "mail:you@example.com"}},
		{"Größe и мир", []string{"Größe", "и", "мир"}},
		{"日本語 中文", []string{"pair:日本", "pair:本語", "pair:中文"}},
		{"日本go言語", []string{"pair:日本", "go", "pair:言語"}},
		{"สวัสดี", []string{"pair:สว", "pair:วั", "pair:ัส", "pair:สด", "pair:ดี"}},
		{"안녕 하세요", []string{"안녕", "하세요"}},
		{strings.Repeat("x", 50), []string{strings.Repeat("x", 40) + "..."}},
		{strings.Repeat("ü", 30), []string{strings.Repeat("ü", 20) + "..."}},
		{"a\x00b\x7fc", []string{"a", "b", "c"}},
		{"\xff\xfe bad", []string{"bad"}},
		{"", nil},
	}
	for _, tt := range tests {
		if got := split(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%q:\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

// TestASCIIFollowsUnicode compares the fast path with the library, for runs
// without the characters that make links and addresses.
func TestASCIIFollowsUnicode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abZ19._':;,-!$ ")), 0, 30, -1).Draw(t, "text")
		var want []string
		for seg := uax.FromString(text); seg.Next(); {
			w := seg.Value()
			if strings.ContainsAny(w, "abZ19_") {
				want = append(want, w)
			}
		}
		var got []string
		for _, w := range split(text) {
			if !strings.HasPrefix(w, "sign:") {
				got = append(got, w)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, the library says %q", text, got, want)
		}
	})
}
