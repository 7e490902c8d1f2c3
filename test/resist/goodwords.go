package main

import (
	"fmt"
	"io"
	"math"

	"fanmill/classify"
)

// steps are how many words are put into a spam.
var steps = []int{0, 1, 2, 5, 10, 20, 50, 100, 200, 500}

// fates are shares of 0 to 1: what is still called spam, what is unsure, what passes.
type fates [3]float64

// curve is what becomes of spam with more and more good words in it.
type curve struct {
	words  string // which words, and where they are put
	alone  bool   // read by the counts alone
	shares []fates
}

// goodWords puts good words into each spam, behind its text and before it, and has
// it read by the whole model and by plain chi-squared over the same counts.
func (v *victims) goodWords() (list []curve) {
	for _, before := range []bool{false, true} {
		for _, kind := range []struct {
			name  string
			words []string
		}{{"strongest", v.best}, {"random", v.words}} {
			name := kind.name + map[bool]string{false: " behind", true: " before"}[before]
			whole, alone := curve{words: name}, curve{words: name, alone: true}
			for _, k := range steps {
				w, a := v.put(lines(kind.words[:min(k, len(kind.words))]), before)
				whole.shares, alone.shares = append(whole.shares, w), append(alone.shares, a)
			}
			list = append(list, whole, alone)
		}
	}
	return list
}

// put returns what becomes of all spam with a text added.
func (v *victims) put(text []byte, before bool) (whole, alone fates) {
	for _, raw := range v.spam {
		s := v.score(withText(raw, text, before))
		whole.count(s.P, len(v.spam))
		alone.count(chiSquared(s), len(v.spam))
	}
	return whole, alone
}

// chiSquared is the score that SpamBayes would give: (S-H+1)/2.
func chiSquared(s classify.Score) float64 { return 1 / (1 + math.Exp(-s.C)) }

func (f *fates) count(p float64, of int) {
	f[classify.Spam-verdict(p)] += 1 / float64(of)
}

// flips is the least number of words tried that leaves at most half of the spam
// called spam; 0: none does.
func (c curve) flips() int {
	for i, f := range c.shares {
		if f[0] <= 0.5 {
			return steps[i]
		}
	}
	return 0
}

func printCurves(out io.Writer, list []curve) {
	for i := 0; i < len(list); i += 4 {
		fmt.Fprintf(out, "\n| words |")
		for _, c := range list[i : i+4] {
			fmt.Fprintf(out, " %s, %s |", c.words, map[bool]string{false: "whole model", true: "chi-squared"}[c.alone])
		}
		fmt.Fprintf(out, "\n| ---: | ---: | ---: | ---: | ---: |\n")
		for k, n := range steps {
			fmt.Fprintf(out, "| %d |", n)
			for _, c := range list[i : i+4] {
				f := c.shares[k]
				fmt.Fprintf(out, " %.1f / %.1f / %.1f |", 100*f[0], 100*f[1], 100*f[2])
			}
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "| flip the median |")
		for _, c := range list[i : i+4] {
			fmt.Fprintf(out, " %s |", map[bool]string{true: fmt.Sprintf("more than %d", steps[len(steps)-1]), false: fmt.Sprint(c.flips())}[c.flips() == 0])
		}
		fmt.Fprintln(out)
	}
}
