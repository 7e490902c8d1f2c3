package main

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/test/harness"
)

// written learns the project's own mail and returns every second message of it. If
// asked to, it has not learned those.
func written(t *testing.T, unseen bool) (j *judge, others []harness.Sample) {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	var learned []harness.Sample
	for _, class := range []string{"ham", "spam"} {
		mails, err := harness.Written(root, class)
		if err != nil {
			t.Fatal(err)
		}
		even, odd := harness.Halves(mails)
		learned, others = append(learned, even...), append(others, odd...)
		if !unseen {
			learned = append(learned, odd...)
		}
	}
	if j, err = train(t.Context(), t.TempDir(), learned); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.close)
	return j, others
}

// Padding that says nothing moves no score by more than 0.05, and neither do words of
// good mail behind the text: 20 kB of header, 100 kB of text after the message.
func TestPaddingDoesNotCount(t *testing.T) {
	j, others := written(t, false)
	v := newVictims(j, others)
	if len(v.spam) < 20 || len(v.ham) < 20 {
		t.Fatalf("%d spam and %d ham are scored right: too few to pad", len(v.spam), len(v.ham))
	}
	raws := slices.Concat(v.spam, v.ham)
	for _, p := range paddings(v.words, v.links) {
		if !p.noise && p.name != hamBehind {
			continue
		}
		if moved := v.moves(raws, p); moved[len(moved)-1] > maxMove {
			t.Errorf("%s: moves a score by %.4f, more than %g", p.name, moved[len(moved)-1], maxMove)
		}
	}
}

func features(raw string) []uint64 {
	return slices.Clone(classify.Extract(classify.DefaultOptions(), []byte(raw)).Features)
}

// What is added must be in the message, or the padding tests nothing.
func TestPaddingArrives(t *testing.T) {
	messages := map[string]string{
		"single": "Subject: a\n\nthe text\n",
		"parts":  "Subject: a\nContent-Type: multipart/mixed; boundary=\"x\"\n\n--x\n\nthe text\n--x--\n",
		"base64": "Subject: a\nContent-Transfer-Encoding: base64\n\ndGhlIHRleHQK\n",
	}
	const word = "sesquipedalian"
	want := slices.DeleteFunc(features("Subject: a\n\n"+word), func(f uint64) bool { return slices.Contains(features("Subject: a\n\n"), f) })
	if len(want) != 1 {
		t.Fatalf("%q alone gives %d features, want one", word, len(want))
	}
	for name, raw := range messages {
		for _, before := range []bool{false, true} {
			padded := withText([]byte(raw), []byte(word), before)
			if !slices.Contains(features(string(padded)), want[0]) {
				t.Errorf("%s, before %v: the word is not among the features of\n%s", name, before, padded)
			}
		}
	}
}

// The table of lengths has all spam, each once, and the padding it is about exists.
func TestLengths(t *testing.T) {
	j, others := written(t, false)
	v := newVictims(j, others)
	var out bytes.Buffer
	v.printLengths(&out)
	sum := 0
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[2:] {
		n, err := strconv.Atoi(strings.TrimSpace(strings.Split(line, "|")[2]))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sum += n
	}
	if sum != len(v.spam) {
		t.Errorf("the lengths have %d spam of %d:\n%s", sum, len(v.spam), out.String())
	}
}

// A message of ten megabytes gets a score, and what follows the first is no matter.
func TestTenMegabytes(t *testing.T) {
	j, others := written(t, false)
	rng := rand.New(rand.NewPCG(1, 0))
	long := fill(10<<20, func() string { return letters(rng) })
	for _, m := range []harness.Sample{others[0], others[len(others)-1]} {
		short, padded := j.score(m.Data).P, j.score(withText(m.Data, long, false)).P
		if max(short-padded, padded-short) > maxMove {
			t.Errorf("%s: %.4f, with 10 MB of letters behind it %.4f", m.Path, short, padded)
		}
	}
	if p := j.score(bytes.Repeat([]byte("x"), 10<<20)).P; !(p > 0 && p < 1) {
		t.Errorf("10 MB in one line: score %v", p)
	}
}

// A flood of near-copies is learned a few times, and hardly any other mail moves. (Some
// does, for two labels of three are then copies, and the calibrator is fitted to labels.)
func TestNearCopiesCountFewTimes(t *testing.T) {
	j, others := written(t, true)
	raw, _ := j.nearest(others, 0.9)
	f, err := learnCopies(t.Context(), j, raw, 200, others)
	if err != nil {
		t.Fatal(err)
	}
	if f.adds < 1 || f.adds > 20 {
		t.Errorf("of 200 near-copies %d count, want 1 to 20", f.adds)
	}
	if f.after[0] > f.before[0]+len(others)/20 {
		t.Errorf("ham on the wrong side: %d before the flood, %d after it", f.before[0], f.after[0])
	}
}

// Good words that the model knows get spam past it; the model must feel them, or the
// curves measure nothing.
func TestGoodWordsCount(t *testing.T) {
	j, others := written(t, true)
	v := newVictims(j, others)
	for _, c := range v.goodWords() {
		if first, last := c.shares[0][0], c.shares[len(c.shares)-1][0]; c.words == "strongest before" && last > first/2 {
			t.Errorf("%s: %.2f of spam called spam without, %.2f with all words", c.words, first, last)
		}
	}
	if svg := drawing(v.goodWords()); !bytes.Contains(svg, []byte("</svg>")) || !bytes.Equal(svg, drawing(v.goodWords())) {
		t.Error("the drawing is not whole, or not the same twice")
	}
}
