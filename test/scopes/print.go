package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
)

const headOfRules = `| rule | ham disputed: right after 10 | after 50 | still wrong | others worse, better | spam disputed: right after 10 | after 50 | still wrong | others worse, better | agrees: worse, better |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`

const headOfCurves = `
| rule | user | site | disputed mail right after 0, 1, 2, 5, 10, 20, 50 of each | after 50, interval | other mail worse | and better | own labels that count |
| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |
`

// atEnd and atTen are places in marks.
var atEnd, atTen = len(marks) - 1, slices.Index(marks, 10)

func (r result) sum(mark int) (t tally) {
	for _, u := range r {
		t.add(u[mark])
	}
	return t
}

func percent(n, of float64) float64 { return 100 * n / max(of, 1) }

func rightOf(t tally) float64  { return percent(t.right, t.disputed()) }
func worseOf(t tally) float64  { return percent(t.worse, t.undisputed()) }
func betterOf(t tally) float64 { return percent(t.better, t.undisputed()) }

func printRule(out io.Writer, name string, results map[key]result) {
	fmt.Fprintf(out, "| %s |", name)
	for _, k := range []kind{disputesHam, disputesSpam} {
		r := results[key{name, k}]
		ten, end := r.sum(atTen), r.sum(atEnd)
		fmt.Fprintf(out, " %.0f %% | %.0f %% | %.0f %% | %.1f %%, %.1f %% |",
			rightOf(ten), rightOf(end), percent(end.wrong, end.disputed()), worseOf(end), betterOf(end))
	}
	end := results[key{name, agrees}].sum(atEnd)
	fmt.Fprintf(out, " %.2f %%, %.2f %% |\n", worseOf(end), betterOf(end))
}

func printCurve(out io.Writer, name string, size int, k kind, r result) {
	curve, within := "", ""
	if k != agrees {
		for i := range marks {
			curve += fmt.Sprintf("%.0f ", rightOf(r.sum(i)))
		}
		low, high := r.interval(rightOf)
		within = fmt.Sprintf("%.0f to %.0f %%", low, high)
	}
	end := r.sum(atEnd)
	between := func(of func(tally) float64) string {
		low, high := r.interval(of)
		return fmt.Sprintf("%.2f %% (%.2f to %.2f)", of(end), low, high)
	}
	fmt.Fprintf(out, "| %s | %s | %d | %s | %s | %s | %s | %.1f |\n", name, k, size, curve, within,
		between(worseOf), between(betterOf), end.counted/float64(max(len(r), 1)))
}

// interval is that of 95 % at the end, by the bootstrap over users.
func (r result) interval(of func(tally) float64) (low, high float64) {
	const resamples = 1000
	random, values := rand.New(rand.NewPCG(1, 2)), make([]float64, resamples)
	for i := range values {
		var t tally
		for range r {
			t.add(r[random.IntN(len(r))][atEnd])
		}
		values[i] = of(t)
	}
	slices.Sort(values)
	return values[resamples/40], values[resamples-1-resamples/40]
}
