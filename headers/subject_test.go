package headers

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTagSubject(t *testing.T) {
	const tag, umlaut = "[SPAM]", "[M\u00dcLL]"
	const umlautWord, umlautBlank = "=?utf-8?q?[M=C3=9CLL]?=", "=?utf-8?q?[M=C3=9CLL]_?="
	long := strings.Repeat("x", 990)
	for _, tt := range []struct {
		name, tag, value, want string // want "": not changed
	}{
		{"plain", tag, "hello", tag + " hello"},
		{"with the blank of the MTA", tag, " hello", tag + " hello"},
		{"blanks at the end stay", tag, " hello \t", tag + " hello \t"},
		{"missing", tag, "", tag},
		{"empty", tag, "  ", tag},
		{"folded", tag, " hello\n\tworld\n again", tag + " hello\n\tworld\n again"},
		{"folded with CRLF", tag, " hello\r\n world", tag + " hello\r\n world"},
		{"begins on its second line", tag, "\n hello", tag + "\n hello"},
		{"the same with a blank and CRLF", tag, " \r\n hello", tag + "\r\n hello"},
		{"encoded words", tag, " =?utf-8?q?gr=C3=BC=C3=9Fe?=\n =?utf-8?b?w7w=?=", tag + " =?utf-8?q?gr=C3=BC=C3=9Fe?=\n =?utf-8?b?w7w=?="},
		{"8-bit", tag, " gr\xfc\xdfe \u00fc", tag + " gr\xfc\xdfe \u00fc"},
		{"a tag that is not ASCII", umlaut, "hello", umlautWord + " hello"},
		{"before an encoded word", umlaut, "=?utf-8?q?=C3=BC?=", umlautBlank + " =?utf-8?q?=C3=BC?="},
		{"a tag with a line end", "[a]\r\nBcc: x", "hello", "=?utf-8?q?[a]=0D=0ABcc:_x?= hello"},
		{"too long for its line", tag, long, tag + "\n " + long},
		{"long, but folded", tag, "hello\n " + long, tag + " hello\n " + long},
		{"a tag elsewhere", tag, "about [SPAM] and you", tag + " about [SPAM] and you"},
		{"a word with a colon is no reply", tag, "Note: [SPAM]", tag + " Note: [SPAM]"},
		{"unknown charset", umlaut, "=?x-none?q?a?=", umlautBlank + " =?x-none?q?a?="},

		{"no tag", "", "hello", ""},
		{"there already", tag, " [SPAM] hello", ""},
		{"there, without more", tag, "[SPAM]", ""},
		{"there, encoded", tag, " =?utf-8?q?[SPAM]_gr=C3=BC=C3=9Fe?=", ""},
		{"there, in base64", umlaut, " =?UTF-8?B?W03DnExMXSBoaQ==?=", ""},
		{"there, as we wrote it", umlaut, " " + umlautBlank + " =?utf-8?q?=C3=BC?=", ""},
		{"there, on the second line", tag, "\r\n [SPAM] hello", ""},
		{"there, behind a reply", tag, "Re: [SPAM] hello", ""},
		{"there, behind several", tag, "AW: Fwd:RE: [SPAM] hello", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, changed := TagSubject(tt.tag, tt.value)
			want := tt.want
			if want == "" {
				want = strings.TrimLeft(tt.value, " \t")
			}
			if got != want || changed != (tt.want != "") {
				t.Errorf("%q, %v; want %q", got, changed, want)
			}
			if again, changed := TagSubject(tt.tag, got); changed || again != got {
				t.Errorf("tagged again: %q", again)
			}
		})
	}
}

// TestTagSubjectProperties: what was there stays, byte for byte, and is shown as it was,
// with the tag in front of it; twice is once.
func TestTagSubjectProperties(t *testing.T) {
	piece := rapid.SampledFrom([]string{"hello", " ", "\t", "\n ", "\r\n\t", "Re:", "[SPAM]", "=?utf-8?q?=C3=BC?=", "=?utf-8?b?!?=", "=?x?q?a?=", "\xff", "\u00fc", "\x00", strings.Repeat("x", 500)})
	rapid.Check(t, func(t *rapid.T) {
		value := strings.Join(rapid.SliceOf(piece).Draw(t, "value"), "")
		tag := rapid.SampledFrom([]string{"[SPAM]", "[M\u00dcLL]", "*****SPAM*****"}).Draw(t, "tag")
		got, changed := TagSubject(tag, value)
		raw := strings.TrimLeft(value, " \t")
		if !strings.HasSuffix(got, raw) && strings.TrimSpace(raw) != "" || !changed && got != raw {
			t.Fatalf("%q became %q", value, got)
		}
		if shown := decodeWords(got); changed && !strings.HasPrefix(shown, tag) {
			t.Fatalf("%q is shown as %q", got, shown)
		}
		if again, changed := TagSubject(tag, got); changed {
			t.Fatalf("%q was tagged again: %q", got, again)
		}
	})
}
