package classify

import (
	"slices"
	"strings"
	"testing"
)

// alone returns the features that a line of text alone has.
func alone(t *testing.T, line string) []uint64 {
	t.Helper()
	features := func(raw string) []uint64 { return Extract(DefaultOptions(), []byte(raw)).Features }
	empty := features("Subject: a\n\n")
	of := slices.DeleteFunc(features("Subject: a\n\n"+line), func(f uint64) bool { return slices.Contains(empty, f) })
	if len(of) == 0 {
		t.Fatalf("%q alone has no features", line)
	}
	return of
}

// has tells whether a message has all features that a line of text alone has.
func has(t *testing.T, raw, line string) bool {
	t.Helper()
	all := Extract(DefaultOptions(), []byte(raw)).Features
	return !slices.ContainsFunc(alone(t, line), func(f uint64) bool { return !slices.Contains(all, f) })
}

// Behind the text that gives words only links and addresses are read; plain text and
// HTML do not take room from each other, and blanks take none.
func TestWordsComeFromTheStart(t *testing.T) {
	const wordText = 4 << 10 // of each kind, that gives words
	filler := strings.Repeat("filler words of no use\n", wordText/20)
	page := "<html><body>" + filler + "</body></html>"
	both := "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\n" + filler + "\n--x\nContent-Type: text/html\n\n<p>visible</p>\n--x--\n"
	for _, c := range []struct {
		name, raw, line string
		want            bool
	}{
		{"word at the start", "Subject: a\n\nvisible " + filler, "visible", true},
		{"word behind", "Subject: a\n\n" + filler + " visible", "visible", false},
		{"word behind in HTML", "Subject: a\nContent-Type: text/html\n\n" + page + " visible", "visible", false},
		{"link behind", "Subject: a\n\n" + filler + " http://there.example/way", "http://there.example/way", true},
		{"address behind", "Subject: a\n\n" + filler + " me@there.example", "me@there.example", true},
		{"HTML behind plain text", both, "visible", true},
		{"blank lines in front", "Subject: a\n\n" + strings.Repeat(" \n", wordText) + "visible", "visible", true},
	} {
		if got := has(t, c.raw, c.line); got != c.want {
			t.Errorf("%s: %q is among the features: %v, want %v", c.name, c.line, got, c.want)
		}
	}
}

// Made-up fields and a second Subject leave the n-grams as they are.
func TestExcerptTakesNamedFieldsOnly(t *testing.T) {
	o := DefaultOptions()
	const header, body = "From: a@b.example\nSubject: a\nDate: today\n", "\ntext\n"
	want := slices.Clone(Extract(o, []byte(header+body)).Grams)
	padding := strings.Repeat("X-Padding: words\nSubject: more words\n", 300)
	for _, raw := range []string{header + padding + body, strings.Repeat("X-Padding: words\n", 300) + header + body} {
		if got := Extract(o, []byte(raw)).Grams; !slices.Equal(got, want) {
			t.Errorf("%d n-grams, want the %d without the padding", len(got), len(want))
		}
	}
	one, two := len(Extract(o, []byte("Subject: a\n\n")).Features), len(Extract(o, []byte("Subject: a\nSubject: b c d\n\n")).Features)
	if two != one+1 {
		t.Errorf("a second Subject gives %d features, want the one that says so", two-one)
	}
}
