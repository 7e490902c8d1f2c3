package senders

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanmill/policy/match"
)

// mailFrom is the header of a message with this From field.
func mailFrom(from string) *match.Header {
	h := match.NewHeader(map[string]bool{"From": true}, nil)
	h.Field([]byte("from"), []byte(" "+from))
	return h
}

func TestList(t *testing.T) {
	for _, tt := range []struct {
		list, from string
		line       int // 0: no match
	}{
		{"bad.example", "x@bad.example", 1},
		{"bad.example", "x@a.b.bad.example", 1},
		{"bad.example", "x@notbad.example", 0},
		{"bad.example", "x@notbad.example.org", 0},
		{"bad.example", "x@bad.example.org", 0},
		{"bad.example", "bad.example <x@good.example>", 0}, // maildrop would match the name
		{"BAD.Example.", "X@Bad.EXAMPLE", 1},
		{"@bad.example", "x@sub.bad.example", 1},
		{"x@bad.example", "Name <x@bad.example>", 1},
		{"x@bad.example", "<x+news@bad.example>", 1},
		{"x@bad.example", "xx@bad.example", 0},
		{"x@bad.example", "x@sub.bad.example", 0},
		{"x+news@bad.example", "x+news@bad.example", 1},
		{"x+news@bad.example", "x@bad.example", 0},
		{"newsletter@", "Newsletter@any.example", 1},
		{"newsletter@", "newsletters@any.example", 0},
		{"\n# comment\n  # indented\n\r\n\tbad.example \t\r\n", "x@bad.example", 5},
		{"\ufeffbad.example", "x@bad.example", 1},
		{"a.example\nbad.example", "a@x.example, b@bad.example", 2},
		{"bad.example", `"a, x@bad.example" <b@good.example>`, 0}, // in quotes
		{"bad.example", "b@good.example (x@bad.example)", 0},      // a comment
		{"bücher.example", "x@xn--bcher-kva.example", 1},
		{"xn--bcher-kva.example", "x@BÜCHER.example", 1},
		{"bad.example\n(?i)x", "x@bad.example", 1}, // addresses before patterns
		{"^From: boeser", "Boeserspammer <b@x.example>", 1},
		{"^boeser", "Boeserspammer <b@x.example>", 0}, // the text begins with From:
		{"böser", "=?UTF-8?Q?B=C3=B6ser_Spammer?= <b@x.example>", 1},
		{"BÖSER", "=?UTF-8?Q?B=C3=B6ser_Spammer?= <b@x.example>", 1},
		{"x\\.example>$", "B <b@x.example>", 1},
		{"x\\.example$", "<b@x.example>", 1}, // without a name the brackets go, as in maildrop
		{"spam|scam", "Big Scam <b@x.example>", 1},
		{"\\bspam\\b", "antispam <b@x.example>", 0},
		{"a b", "A\r\n B <b@x.example>", 1}, // unfolded
		{"(viagra|c[i1]alis) *now", "C1alis   NOW <b@x.example>", 1},
		{"sp.m{2}", "SPAMM <b@x.example>", 1},
		{"(?-i)Spam", "spam <b@x.example>", 0},
		{"kelvin", "\u212aELVIN <b@x.example>", 1}, // the Kelvin sign is a K
		{"x", "", 0},
		{"bad.example", "", 0},
		{"bad.example", "undisclosed-recipients:;", 0},
		{"bad.example", "<x@bad.example", 1},
		{"bad.example", "x@bad.example>", 1},
		// What a sender might write to get past.
		{"bad.example", "=?utf-8?q?=28?= <x@bad.example> =?utf-8?q?=29?=", 1},
		{"bad.example", "=?utf-8?q?=22?= <x@bad.example> =?utf-8?q?=22?=", 1},
		{"bad.example", "<x@bad.\r\n example>", 1},
		{"bad.example", "A < x @ bad.example >", 1},
		{"bad.example", "<x@(c)bad.example>", 1},
		{"bad.example", "<x@bad.example> <>", 1},
		{"bad.example", "A <x@bad\x00.example>", 1},
		{"bad.example", strings.Repeat("long name ", 300) + "<x@bad.example>", 1},
		{"हिन्दी.example", "x@xn--j2bd4cyah0f.example", 1},
	} {
		l, errs := Parse(tt.list)
		if len(errs) > 0 {
			t.Errorf("%q: %v", tt.list, errs)
		}
		if line, ok := l.Match(mailFrom(tt.from)); ok != (tt.line > 0) || line != tt.line {
			t.Errorf("%q with From: %s: line %d, want %d", tt.list, tt.from, line, tt.line)
		}
	}
}

func TestListWithoutFrom(t *testing.T) {
	l, _ := Parse(".*\n")
	empty := match.NewHeader(nil, nil)
	if _, ok := l.Match(empty); ok {
		t.Error("a message without From matches")
	}
	var none *List
	if _, ok := none.Match(empty); ok || none.Len() != 0 {
		t.Error("no list matches")
	}
}

func TestBadLines(t *testing.T) {
	l, errs := Parse("good.example\n*@x.example\n(abc\n\xff\xfe.example\n@@x.example\n(?=x)yyyy\n(.)\\1\n" + strings.Repeat("x", 1001) + "\n@\nalso.good.example")
	var got []string
	for _, e := range errs {
		got = append(got, fmt.Sprintf("%d: %v", e.Line, e.Err))
	}
	want := []string{
		"2: begins with *", "3: is not a regular", "4: is not plain UTF-8", "5: is not an address", "6: is PCRE", "7: is PCRE", "8: is too long", "9: matches every",
	}
	if len(got) != len(want) {
		t.Fatalf("%d problems %q", len(got), got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if l.Len() != 2 {
		t.Errorf("%d entries in force", l.Len())
	}
}

// The filter by literals finds the same as trying one by one.
func TestExpressionsFindWhatTryingFinds(t *testing.T) {
	piece := rapid.SampledFrom([]string{"spam", "Viagra", "(a|bcde|fghij)", "x*", "[kK]elvin", "ab{1,3}c", "(one)?two three", "\\d+pills", ".", "ſale", "STRASSE", "(?:cheap|free) meds", "a?bcdef+"})
	rapid.Check(t, func(t *rapid.T) {
		var sources []string
		x := newExpressions()
		for i := range rapid.IntRange(1, 8).Draw(t, "n") {
			source := strings.Join(rapid.SliceOfN(piece, 1, 3).Draw(t, "source"), "")
			err := x.add(source, int32(i+1))
			if everybody := regexp.MustCompile("(?i)" + source).MatchString("From: "); everybody != (err == errLineShort) || !everybody && err != nil {
				t.Fatalf("%q matches everybody: %v, and is taken: %v", source, everybody, err)
			} else if everybody {
				source = "[^\\x00-\\x{10FFFF}]" // passed over: matches nothing
			}
			sources = append(sources, source)
		}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"SPAM", "viagra", "bcde", "FGHIJ", "\u212aelvin", "abbc", "two three", "12pills", "sale", "strasse", "free MEDS", "bcdeff", " ", "é"}), 1, 6).Draw(t, "text"), "")
		want := int32(0)
		for i, source := range sources {
			if regexp.MustCompile("(?i)" + source).MatchString(text) {
				want = int32(i + 1)
				break
			}
		}
		if got, _ := x.match(text); got != want {
			t.Fatalf("%q in %q: line %d, want %d", sources, text, got, want)
		}
	})
}

// Whoever keeps a list can neither stop the daemon with an expression nor fill its memory,
// nor block everybody by a slip.
func TestHostileLines(t *testing.T) {
	for line, want := range map[string]error{
		strings.Repeat("(.?){999}", 100) + "!!!": errHeavy,
		"((a{30}){30}){30}":                      nil, // RE2 itself refuses it
		"foo|":                                   errLineShort,
		".*":                                     errLineShort,
		"^From:":                                 errLineShort,
		"x*":                                     errLineShort,
		"bad.example # not wanted":               errLineComment,
		"b\x00a\x00d":                            errLineBytes,
	} {
		_, errs := Parse(line)
		if len(errs) != 1 || want != nil && !errors.Is(errs[0], want) {
			t.Errorf("%.40q: %v, want %v", line, errs, want)
		}
	}
	l, _ := Parse(strings.Repeat("[a-z].[0-9].[a-z]+.[0-9]\n", 20000))
	if w := len(l.patterns.rest); w == 0 || w > maxRest/5 {
		t.Errorf("%d patterns without a literal are tried on each message", w)
	}
}

// However many texts a message has, there is one bound to the work for it.
func TestWorkForOneMessage(t *testing.T) {
	l, errs := Parse(strings.Repeat("([a-z].){100}[0-9]\n", 10) + "found")
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	texts := slices.Repeat([]string{strings.Repeat("ab ", 300)}, 10)
	if _, ok := l.patterns.match(append(texts[:1:1], "found")...); !ok {
		t.Error("not found though there is little work")
	}
	if _, ok := l.patterns.match(append(texts, "found")...); ok {
		t.Error("found behind more work than is done")
	}
}

// bigList has n entries of a kind.
func bigList(n int, entry func(r *rand.Rand, i int) string) string {
	var b strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		b.WriteString(entry(r, i) + "\n")
	}
	return b.String()
}

func randomWord(r *rand.Rand) string {
	b := make([]byte, 4+r.IntN(8))
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz"[r.IntN(26)]
	}
	return string(b)
}

func plainLine(r *rand.Rand, i int) string {
	if i%2 == 0 {
		return randomWord(r) + "@" + randomWord(r) + ".example"
	}
	return randomWord(r) + "." + randomWord(r) + ".example"
}

func patternLine(r *rand.Rand, i int) string {
	switch i % 4 {
	case 0:
		return "^From: " + randomWord(r) + ".*@" + randomWord(r) + "\\.(com|net)"
	case 1:
		return randomWord(r) + "[0-9]+@"
	case 2:
		return "(" + randomWord(r) + "|" + randomWord(r) + ") " + randomWord(r)
	}
	return "\\b" + randomWord(r) + "\\b"
}

// sameLine has most of its characters in common with all others.
func sameLine(_ *rand.Rand, i int) string {
	return []string{"^From: .*n%d\\b", "^From:.*x%d", "spam%d.*@bigretailer\\.example"}[i%3]
}

const benchFrom = `"Marketing Team, Dept. 12" <newsletter+2026-11@mail.shop.bigretailer.example>`

// BenchmarkList looks a sender up that is in no list: 20,000 plain lines and 200
// patterns are to take at most 50 us, 20,000 patterns 2 ms and 10 MB.
func BenchmarkList(b *testing.B) {
	for name, text := range map[string]string{
		"20000plain+200patterns": bigList(20000, plainLine) + bigList(200, patternLine),
		"20000patterns":          bigList(20000, patternLine),
		"20000similar":           bigList(20000, func(r *rand.Rand, i int) string { return fmt.Sprintf(sameLine(r, i), i) }),
	} {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			l, errs := Parse(text)
			runtime.GC()
			runtime.ReadMemStats(&after)
			if len(errs) > 0 {
				b.Fatal(errs[0])
			}
			for b.Loop() {
				if _, ok := l.Match(mailFrom(benchFrom)); ok {
					b.Fatal("found")
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
			runtime.KeepAlive(l)
		})
	}
}

func FuzzList(f *testing.F) {
	f.Add("bad.example\n# x\n^From: b|c\n(?i)abcd", "Bad <x@bad.example>")
	f.Add("\ufeffx@y.example\r\n", "=?utf-8?q?x?= <a@b.example>, c@d.example (z)")
	f.Fuzz(func(t *testing.T, text, from string) {
		l, errs := Parse(text)
		line, ok := l.Match(mailFrom(from))
		if lines := strings.Count(text, "\n") + 1; ok && (line < 1 || line > lines) || len(errs) > lines {
			t.Fatalf("line %d of %d, %d errors", line, lines, len(errs))
		}
	})
}
