package safetext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"plain Grüße 你好 👩‍👩‍👧 שלום": "plain Grüße 你好 👩‍👩‍👧 שלום",
		"a\x1b[2Jb":        `a\x1b[2Jb`,
		"a\nb\r\nc\td":     `a\x0ab\x0d\x0ac\x09d`,
		"\x00\x7f\xff\xc3": `\x00\x7f\xff\xc3`,
		"\u0085\u009b31m":  `\u0085\u009b31m`,
		"gpj.\u202eexe":    `gpj.\u202eexe`,
		"\u2066a\u2069\u200e\ufeff\u200b\u00ad\u061c": `\u2066a\u2069\u200e\ufeff\u200b\u00ad\u061c`,
		"a\u2028b\u2029":                  `a\u2028b\u2029`,
		"\U000e0041\ue000":                `\U000e0041\ue000`,
		"\u3164":                          `\u3164`,
		"e\u0301 x\u0302":                 "e\u0301 x\u0302",
		"z" + strings.Repeat("\u0301", 8): "z" + strings.Repeat("\u0301", 6) + `\u0301\u0301`,
		"\ufffd":                          "\ufffd",
	} {
		if got := Line(in, 1000); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestText(t *testing.T) {
	if got, want := Text("a\r\nb\n\tc\rd\x1b", 1000), "a\nb\n    c\\x0dd\\x1b"; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func TestLimit(t *testing.T) {
	for _, in := range []string{"", "a", "abcdef", "üüüüüü", "\x1b\x1b\x1b", "abc\u202e"} {
		for limit := -1; limit < 30; limit++ {
			got := Line(in, limit)
			if len(got) > max(limit, 0) || !utf8.ValidString(got) {
				t.Errorf("Line(%q, %d) = %q, %d bytes", in, limit, got, len(got))
			}
			if whole := Line(in, 1000); len(whole) <= limit && got != whole {
				t.Errorf("Line(%q, %d) = %q, though %q fits", in, limit, got, whole)
			}
		}
	}
	if got := Line("abcdef", 5); got != "ab"+more {
		t.Errorf("cut: %q", got)
	}
}

func FuzzSafe(f *testing.F) {
	f.Add("a\x1b]0;x\a\u202e\r\n\u009b", 20)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		for _, got := range []string{Line(s, limit), Text(s, limit)} {
			if len(got) > max(limit, 0) || !utf8.ValidString(got) {
				t.Errorf("%q: %d bytes, limit %d", got, len(got), limit)
			}
			for _, r := range strings.ReplaceAll(got, "\n", "") {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' {
					t.Errorf("%U in %q", r, got)
				}
			}
			raw, err := json.Marshal(got)
			var back string
			if err != nil || json.Unmarshal(raw, &back) != nil || back != got {
				t.Errorf("%q does not survive JSON", got)
			}
		}
		if strings.Contains(Line(s, limit), "\n") {
			t.Error("a line end in a line")
		}
	})
}
