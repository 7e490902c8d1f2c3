package main

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"regexp"
	"slices"

	"fanmill/classify"
	"fanmill/test/harness"
)

var (
	plainWord = regexp.MustCompile(`[A-Za-z]{3,14}`)
	link      = regexp.MustCompile(`https?://[A-Za-z0-9./_?=&%-]+`)
)

// hamStrings returns the distinct words or links of the text of ham, in a random order in
// which the frequent tend to stand early: what somebody gets who takes words from
// mail of that kind, and knows nothing of the model.
func hamStrings(mails []harness.Sample, what *regexp.Regexp, rng *rand.Rand) []string {
	var all []string
	for _, m := range mails {
		if !m.Spam {
			_, body := split(m.Data)
			for _, w := range what.FindAll(body[:min(len(body), 20_000)], -1) {
				all = append(all, string(w))
			}
		}
	}
	rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(w string) bool {
		again := seen[w]
		seen[w] = true
		return again
	})
}

// strongest returns the words that speak most for ham, the strongest first: what
// somebody knows who can read the model. It asks for few at a time, since only the
// start of a long text is read word by word.
func (j *judge) strongest(words []string, n int) []string {
	var clues []classify.Clue
	for some := range slices.Chunk(words, 100) {
		asked := map[string]bool{}
		for _, w := range some {
			asked[w] = true
		}
		text := append([]byte("Subject: x\n\n"), lines(some)...)
		for _, c := range classify.Explain(classify.DefaultOptions(), text, j.model, 150, 0).Clues {
			if c.Prob < 0.5 && asked[c.Text] {
				clues = append(clues, c)
			}
		}
	}
	slices.SortStableFunc(clues, func(a, b classify.Clue) int { return cmp.Compare(a.Prob, b.Prob) })
	var best []string
	for _, c := range clues[:min(n, len(clues))] {
		best = append(best, c.Text)
	}
	return best
}

// lines sets words in lines of text.
func lines(words []string) []byte {
	var out bytes.Buffer
	for i, w := range words {
		out.WriteString(w)
		out.WriteByte(" \n"[min(i%10/9, 1)])
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// letters is a made-up word.
func letters(rng *rand.Rand) string {
	b := make([]byte, 4+rng.IntN(8))
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}

// fill makes size bytes of words, each made by next, in lines of 70.
func fill(size int, next func() string) []byte {
	var out bytes.Buffer
	column := 0
	for out.Len() < size {
		w := next()
		if column += len(w) + 1; column > 70 {
			out.WriteByte('\n')
			column = len(w) + 1
		}
		out.WriteString(w)
		out.WriteByte(' ')
	}
	out.WriteByte('\n')
	return out.Bytes()
}
