package classify

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fanmill/classify/feature"
)

// spoken is a model in which every feature of a message speaks for one class, but those
// of a list for the other.
type spoken struct {
	table
	ham []uint64
	l   int64
}

func (s spoken) Lookup(features []uint64, out []Count) {
	for i, f := range features {
		out[i] = Count{Spam: 40}
		if slices.Contains(s.ham, f) {
			out[i] = Count{Ham: 40}
		}
	}
}

func (s spoken) Weigh([]uint32) int64 { return s.l }

// text is n words of five bytes that occur nowhere else.
func text(prefix byte, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%c%03d ", prefix, i)
	}
	return b.String()
}

// chinese is n characters, of three bytes each, no two of which stand together twice.
func chinese(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteRune(rune(0x4e00 + i))
	}
	return b.String()
}

func TestBehindTheBeginning(t *testing.T) {
	const html = "Subject: a\nContent-Type: text/html\n\n"
	seen := text('a', 60) // the beginning and some more
	for _, c := range []struct {
		name, raw, line string
		want            bool
	}{
		{"nothing behind", "Subject: a\n\n" + text('a', 50), "a049", false},
		{"first word", "Subject: a\n\n" + seen + "zebra", "a000", false},
		{"word behind", "Subject: a\n\n" + seen + "zebra", "zebra", true},
		{"word behind that was seen", "Subject: a\n\n" + seen + "a001", "a001", false},
		{"word behind, then in the beginning of HTML", "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\n" + seen +
			"zebra\n--x\nContent-Type: text/html\n\n<p>zebra</p>\n--x--\n", "zebra", false},
		{"words do not hide behind a long link", "Subject: a\n\nhttp://there.example/" + strings.Repeat("x", 300) + " zebra", "zebra", false},
		{"Chinese, in the beginning", "Subject: a\n\n" + chinese(80) + "\u5009\u5eab", "\u5009\u5eab", false},
		{"Chinese, behind", "Subject: a\n\n" + chinese(90) + "\u5009\u5eab", "\u5009\u5eab", true},
		{"plain text that HTML stands for", "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\nzebra\n--x\n" +
			"Content-Type: text/html\n\n<p>other</p>\n--x--\n", "zebra", true},
		{"plain text that HTML says too", "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\nzebra\n--x\n" +
			"Content-Type: text/html\n\n<p>zebra</p>\n--x--\n", "zebra", false},
		{"plain text that HTML stands for, with its pictures", "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\nzebra\n--x\n" +
			"Content-Type: multipart/related; boundary=y\n\n--y\nContent-Type: text/html\n\n<p>other</p>\n--y--\n--x--\n", "zebra", true},
		{"plain text beside empty HTML", "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\nzebra\n--x\n" +
			"Content-Type: text/html\n\n<p></p>\n--x--\n", "zebra", false},
		{"plain text before HTML, both shown", "Subject: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nzebra\n--x\n" +
			"Content-Type: text/html\n\n<p>other</p>\n--x--\n", "zebra", false},
		{"plain text after an alternative", "Subject: a\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/alternative; boundary=y\n\n" +
			"--y\n\none\n--y\nContent-Type: text/html\n\n<p>other</p>\n--y--\n--x\n\nzebra\n--x--\n", "zebra", false},
		{"word behind, twice", "Subject: a\n\n" + seen + "zebra zebra", "zebra", true},
		{"word behind in HTML", html + "<p>" + seen + "<b>zebra</b>", "zebra", true},
		{"link behind", "Subject: a\n\n" + seen + "http://there.example/way", "http://there.example/way", false},
		{"link behind many links", "Subject: a\n\n" + strings.Repeat("http://here.example/way ", 50) + "ftp://there.invalid/path", "ftp://there.invalid/path", true},
		{"address behind many links", "Subject: a\n\n" + strings.Repeat("http://here.example/way ", 50) + "me@there.invalid", "me@there.invalid", true},
		{"link behind some links", "Subject: a\n\n" + strings.Repeat("http://here.example/way ", 15) + "ftp://there.invalid/path", "ftp://there.invalid/path", false},
		{"link behind links of the header", "Subject: a\nX-Mailer: " + strings.Repeat("http://here.example/way ", 50) + "\n\nftp://there.invalid/path", "ftp://there.invalid/path", false},
		{"HTML link behind many links", html + strings.Repeat("<a href='http://here.example/way'>x</a> ", 50) + "<a href='ftp://there.invalid/path'>x</a>", "ftp://there.invalid/path", true},
		{"first word behind many links", html + strings.Repeat("<a href='http://here.example/way'>x</a> ", 50) + "zebra", "zebra", false},
		{"address behind", "Subject: a\n\n" + seen + "me@there.example", "me@there.example", false},
		{"first word in a script of its own", "Subject: a\n\n" + seen + "\u0441\u043b\u043e\u0432\u043e", "\u0441\u043b\u043e\u0432\u043e", true},
		{
			"HTML behind plain text", "Subject: a\nContent-Type: multipart/alternative; boundary=x\n\n--x\n\n" + seen +
				"\n--x\nContent-Type: text/html\n\n<p>zebra</p>\n--x--\n", "zebra", false,
		},
	} {
		m := Extract(DefaultOptions(), []byte(c.raw))
		of := alone(t, c.line)
		if slices.ContainsFunc(behind(m), func(h uint64) bool { return slices.Contains(of, h) }) != c.want {
			t.Errorf("%s: %q stands behind: %v, want %v", c.name, c.line, !c.want, c.want)
		}
	}
}

// A field has a beginning too: what stands in long ones is for those who read fields.
func TestBehindTheBeginningOfAField(t *testing.T) {
	for raw, want := range map[string]bool{
		"Subject: zebra " + text('a', 60) + "\n\n":      false,
		"Subject: " + text('a', 50) + "zebra\n\n":       false,
		"Subject: " + text('a', 60) + "zebra\n\n":       true,
		"Subject: " + text('a', 60) + "zebra zebra\n\n": true,
	} {
		m := Extract(DefaultOptions(), []byte(raw))
		zebra := feature.NewKind("subject", "").Hash([]byte("zebra"))
		if got := slices.Contains(behind(m), zebra); got != want || !slices.Contains(m.Features, zebra) {
			t.Errorf("%.20q: the word stands behind: %v, want %v", raw, got, want)
		}
	}
}

// behind returns the features of a message that stand behind its beginning only.
func behind(m *Message) (list []uint64) {
	for i, h := range m.Features {
		if m.Behind[i] != 0 {
			list = append(list, h)
		}
	}
	return list
}

// What stands behind a beginning that is spam takes little back; what stands behind one
// that is ham is heard as ever.
func TestLift(t *testing.T) {
	counted := table{total: Count{Ham: 500, Spam: 500}}
	o := DefaultOptions()
	alone := Extract(o, []byte("Subject: a\n\n"+text('a', 50)))
	none := slices.Clone(alone.Features)
	m := Extract(o, []byte("Subject: a\n\n"+text('a', 50)+text('b', 300)))
	var sc Scorer
	for _, l := range []int64{0, unitStep, -unitStep, -4 * unitStep, -40 * unitStep} {
		model := spoken{counted, behind(m), l}
		whole := sc.Score(m.Features, m.Grams, model)
		got := sc.ScoreMessage(m, model)
		begins := sc.Score(sc.without(m.Features, m.Behind), m.Grams, model)
		if want := max(whole.LogOdds, heard(begins.LogOdds)); got.LogOdds != want || got.P != report(want) || got.Beginning != got.LogOdds-whole.LogOdds {
			t.Errorf("spam before ham, linear part %d: %+v, want log-odds %v; whole %v, beginning %v", l, got, want, whole.LogOdds, begins.LogOdds)
		}
		if got.LogOdds > beginningMost && got.Beginning != 0 {
			t.Errorf("lifted to %v", got.LogOdds)
		}
	}
	if s := sc.ScoreMessage(m, spoken{counted, behind(m), 0}); DefaultCutoffs().Verdict(s.P) != Spam || s.Beginning == 0 {
		t.Errorf("spam before ham: %+v", s)
	}
	for name, model := range map[string]Model{
		"ham before spam":     spoken{counted, none, 0},
		"ham":                 spoken{counted, m.Features, 0},
		"spam":                spoken{counted, nil, 0},
		"spam, thin evidence": spoken{table{total: Count{Ham: 5, Spam: 50}}, behind(m), 0},
		"untrained":           Untrained{},
	} {
		if got, want := sc.ScoreMessage(m, model), sc.Score(m.Features, m.Grams, model); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestHeardKeepsTheOrder(t *testing.T) {
	last := heard(-100)
	for z := -100.0; z < 100; z += 0.01 {
		h := heard(z)
		if h < last || h > z || h > beginningMost {
			t.Fatalf("log-odds %v are heard as %v, after %v", z, h, last)
		}
		last = h
	}
	if heard(beginningFull) != beginningFull {
		t.Errorf("%v is heard as %v", beginningFull, heard(beginningFull))
	}
}
