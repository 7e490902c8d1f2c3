// Command scopes measures how the labels of a user prevail over those of his site, on the
// SpamAssassin corpus, and prints the tables of docs/training.md:
//
//	go run ./test/scopes
//
// A site is trained with a part of the corpus. Then a user who wants some of the mail
// judged otherwise labels some messages of his own, one of what he disputes and one of
// the other class in turn, and mail that neither has seen is judged: the disputed mail,
// and the other, which should stay as it was. There are users who call the mail of a list,
// of a feed, or newsletters spam; users who want a kind of commercial mail; and one who
// agrees with the site. Each is drawn anew with each seed. Intervals are 95 % by the
// bootstrap over users and seeds. With -wrong 0.1 every tenth own label is wrong; with
// -slips the site's calibrator may take own labels for slips, as it does for the site's. With
// -auto the table is another: what [autolearn] would do to users' scopes.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"

	"fanmill/test/harness"
)

var sizes = []int{500, 2000, 5000}

// options are what can be varied.
type options struct {
	seeds int
	wrong float64
	slips bool
	all   bool
	auto  bool
}

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 2, "draw each user `N` times, the one who agrees five times as often")
	flag.Float64Var(&o.wrong, "wrong", 0, "the share `P` of own labels is wrong")
	flag.BoolVar(&o.slips, "slips", false, "own labels may be taken for slips")
	flag.BoolVar(&o.all, "all", true, "compare all rules beside the largest site")
	flag.BoolVar(&o.auto, "auto", false, "instead, let the users' scopes learn from their own verdicts")
	flag.Parse()
	if err := run(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "scopes:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, o options) error {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	samples, err := harness.SpamAssassin(root)
	if err != nil {
		return err
	}
	if o.auto {
		runAuto(out, extract(samples), o)
		return nil
	}
	all, followed := extract(samples), []rule{rules[0], chosen}
	results := make([]map[key]result, len(sizes))
	var sites sync.WaitGroup
	for i, size := range sizes {
		list := followed
		if o.all && i == len(sizes)-1 {
			list = rules
		}
		sites.Go(func() { results[i] = measure(all, size, list, o) })
	}
	sites.Wait()
	if o.all {
		fmt.Fprint(out, headOfRules)
		for _, r := range rules {
			printRule(out, r.name, results[len(sizes)-1])
		}
	}
	fmt.Fprint(out, headOfCurves)
	for _, r := range followed {
		for _, k := range kinds {
			for i, size := range sizes {
				printCurve(out, r.name, size, k, results[i][key{r.name, k}])
			}
		}
	}
	return nil
}

// kind is a kind of user.
type kind string

const (
	disputesHam  kind = "calls ham spam"
	disputesSpam kind = "wants spam"
	agrees       kind = "agrees"
)

var kinds = []kind{disputesHam, disputesSpam, agrees}

func kindOf(g group) kind {
	switch {
	case g.name == "":
		return agrees
	case g.spam:
		return disputesSpam
	}
	return disputesHam
}

// result is what became of the mail of the users of a kind, each with his marks.
type result [][]tally

// key names a result.
type key struct {
	rule string
	kind kind
}

// measure draws all users beside sites of a size and lets them live by each rule.
func measure(all []*message, size int, list []rule, o options) map[key]result {
	results := map[key]result{}
	for _, g := range append(slices.Clone(groups), group{}) {
		seeds := o.seeds
		if g.name == "" {
			seeds *= 5
		}
		for seed := range seeds {
			random := rand.New(rand.NewPCG(uint64(seed), uint64(size)))
			w := draw(all, g, size, random)
			for i := range w.labels {
				w.labels[i].spam = w.labels[i].spam != (random.Float64() < o.wrong)
			}
			site := trainSite(w.site)
			for _, r := range list {
				k := key{r.name, kindOf(g)}
				results[k] = append(results[k], newUser(w, site, r, o.slips).live())
			}
		}
	}
	return results
}
