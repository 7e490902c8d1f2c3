package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Sizes of the padding that must not count.
const (
	headerPadding = 20 << 10
	textPadding   = 100 << 10
)

// maxMove is how far such padding may move a score.
const maxMove = 0.05

// hamBehind is what hides short spam from a filter that hears all words alike.
const hamBehind = "random ham words, after the text"

// padding is one way to make a message longer.
type padding struct {
	name  string
	pad   func(raw []byte) []byte
	noise bool // says nothing to a reader, and must say nothing to the filter
}

// paddings are all ways, with words and links of ham from lists.
func paddings(words, links []string) (list []padding) {
	rng := rand.New(rand.NewPCG(7, 0))
	unknown := func() string { return letters(rng) }
	ham := func() string { return words[rng.IntN(min(len(words), 3000))] }
	for _, top := range []bool{true, false} {
		place := map[bool]string{true: "on top", false: "at the end"}[top]
		fields := func(name string, b []byte) {
			list = append(list, padding{name + ", " + place, func(raw []byte) []byte { return withFields(raw, b, top) }, strings.Contains(name, "X-")})
		}
		fields("an X- field of letters", field("X-Padding", fill(headerPadding, unknown)))
		fields("an X- field of ham words", field("X-Padding", fill(headerPadding, ham)))
		fields("X- fields of many names", many(func(int) string { return "X-" + unknown() }, unknown))
		fields("an X- field many times, ham words", many(func(int) string { return "X-Padding" }, ham))
		if !top { // on top stands the line of our own border, which nobody else can write
			fields("Received lines", received(rng))
		}
		fields("References", field("References", fill(headerPadding, func() string { return "<" + letters(rng) + "@" + letters(rng) + ".invalid>" })))
		fields("Subject of ham words", field("Subject", fill(headerPadding, ham)))
		fields("Subject many times, ham words", many(func(int) string { return "Subject" }, ham))
		fields("Comments of ham words", many(func(int) string { return "Comments" }, ham))
	}
	for _, before := range []bool{false, true} {
		place := map[bool]string{true: "before", false: "after"}[before]
		text := func(name string, texts ...[]byte) {
			noise := !before && !strings.Contains(name, "ham words")
			list = append(list, padding{name + ", " + place + " the text", func(raw []byte) []byte {
				return withText(raw, texts[len(raw)%len(texts)], before)
			}, noise})
		}
		text("random letters", several(unknown)...)
		text("letters in one line", bytes.Repeat([]byte("abcdefghij"), textPadding/10))
		text("blank lines", bytes.Repeat([]byte{'\n'}, textPadding))
		text("HTML comments", bytes.Repeat([]byte("<!-- nothing to see here -->\n"), textPadding/29))
		text("random ham words", several(ham)...)
	}
	draw := rand.New(rand.NewPCG(8, 0))
	texts := several(func() string { return links[draw.IntN(len(links))] })
	list = append(list, padding{"random ham links, after the text", func(raw []byte) []byte {
		return withText(raw, texts[len(raw)%len(texts)], false)
	}, false})
	return append(list, busters(rng)...)
}

// busters are made-up strings that make each copy of a message another one, and ten
// megabytes of them.
func busters(rng *rand.Rand) []padding {
	words := func(n int) []byte { return fill(n*8, func() string { return letters(rng) }) }
	links := func(n int) (out []byte) {
		for range n {
			out = fmt.Appendf(out, "http://%s.invalid/%s/%s\n", letters(rng), letters(rng), letters(rng))
		}
		return out
	}
	return []padding{
		{"20 made-up words behind the text", func(raw []byte) []byte { return withText(raw, words(20), false) }, true},
		{"20 made-up words before the text", func(raw []byte) []byte { return withText(raw, words(20), true) }, false},
		{"20 made-up words in the subject", func(raw []byte) []byte { return withSubject(raw, words(20)) }, false},
		{"5 links to made-up hosts behind the text", func(raw []byte) []byte { return withText(raw, links(5), false) }, false},
	}
}

// several texts of words, so that it does not hang on one draw what they do.
func several(word func() string) (texts [][]byte) {
	for range 8 {
		texts = append(texts, fill(textPadding, word))
	}
	return texts
}

func field(name string, value []byte) []byte {
	folded := bytes.ReplaceAll(bytes.TrimSpace(value), []byte("\n"), []byte("\n\t"))
	return append([]byte(name+": "), append(folded, '\n')...)
}

// many is fields of about 60 bytes.
func many(name func(int) string, word func() string) (out []byte) {
	for i := 0; len(out) < headerPadding; i++ {
		out = append(out, fmt.Sprintf("%s: %s", name(i), bytes.ReplaceAll(fill(45, word), []byte("\n"), nil))...)
		out = append(out, '\n')
	}
	return out
}

func received(rng *rand.Rand) (out []byte) {
	for len(out) < headerPadding {
		out = fmt.Appendf(out, "Received: from %s.invalid (%s.invalid [192.0.2.%d]) by %s.invalid; Mon, 1 Jan 2024 10:00:00 +0000\n",
			letters(rng), letters(rng), rng.IntN(256), letters(rng))
	}
	return out
}

// moves is how far a padding moves the scores of messages, in order.
func (j *judge) moves(raws [][]byte, p padding) []float64 {
	var list []float64
	for _, raw := range raws {
		list = append(list, math.Abs(j.score(p.pad(raw)).P-j.score(raw).P))
	}
	slices.Sort(list)
	return list
}

// quantile of values in order.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// printPaddings measures all paddings on some messages of each class.
func (v *victims) printPaddings(out io.Writer) {
	fmt.Fprintf(out, "\n| added | spam: median, 99 %%, most | above 0.05 | ham: median, 99 %%, most | above 0.05 |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, p := range paddings(v.words, v.links) {
		fmt.Fprintf(out, "| %s |", p.name)
		for _, raws := range [][][]byte{spread(v.spam), spread(v.ham)} {
			moved := v.moves(raws, p)
			fmt.Fprintf(out, " %.3f, %.3f, %.3f | %.1f %% |", quantile(moved, 0.5), quantile(moved, 0.99), moved[len(moved)-1], above(moved))
		}
		fmt.Fprintln(out)
	}
}

// printLengths says for spam of several lengths how far words of good mail behind its
// text move it.
func (v *victims) printLengths(out io.Writer) {
	all := paddings(v.words, v.links)
	p := all[slices.IndexFunc(all, func(p padding) bool { return p.name == hamBehind })]
	fmt.Fprintf(out, "\n| body of the spam | spam | %s: median, most | above 0.05 |\n| --- | ---: | ---: | ---: |\n", hamBehind)
	low := 0
	for _, high := range []int{1, 2, 4, 8, 16, math.MaxInt >> 10} {
		raws := withBody(v.spam, low<<10, high<<10)
		name := fmt.Sprintf("%d to %d kB", low, high)
		if high == math.MaxInt>>10 {
			name = fmt.Sprintf("%d kB and more", low)
		}
		if low = high; len(raws) == 0 {
			continue
		}
		moved := v.moves(raws, p)
		fmt.Fprintf(out, "| %s | %d | %.3f, %.3f | %.1f %% |\n", name, len(raws), quantile(moved, 0.5), moved[len(moved)-1], above(moved))
	}
}

// withBody returns the messages of which the body has at least low bytes, and less
// than high.
func withBody(raws [][]byte, low, high int) (some [][]byte) {
	for _, raw := range raws {
		if _, body := split(raw); len(body) >= low && len(body) < high {
			some = append(some, raw)
		}
	}
	return some
}

// above is the share, in percent, of moves beyond maxMove; moves in order.
func above(moved []float64) float64 {
	i, _ := slices.BinarySearch(moved, maxMove)
	return 100 * float64(len(moved)-i) / float64(len(moved))
}

// spread takes every n-th message, some 300.
func spread(raws [][]byte) (some [][]byte) {
	for i := 0; i < len(raws); i += max(len(raws)/300, 1) {
		some = append(some, raws[i])
	}
	return some
}
