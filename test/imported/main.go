// Command imported measures what importing the word counts of bogofilter is worth, on
// the SpamAssassin corpus, and prints the table that stands in docs/training.md:
//
//	go run ./test/imported
//
// bogofilter learns one half of the corpus; of the other half some messages are learned
// one by one, as a moderator decides, with and without bogofilter's counts in the ledger
// before, and the last 2,023 are scored. The figures are means over the orders. With
// -date there is one order, the corpus's own, and the halves differ; with -flip 0.2
// bogofilter learned every fifth label wrong.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/test/harness"
	"fanmill/training"
	"fanmill/training/eval"
	"fanmill/training/eval/figures"
	"fanmill/training/rival"
)

func main() {
	orders := flag.Int("orders", 5, "measure in `N` orders of the corpus")
	date := flag.Bool("date", false, "keep the order of the corpus")
	flip := flag.Float64("flip", 0, "have bogofilter learn the share `P` of labels wrong")
	flag.Parse()
	if *date {
		*orders = 1
	}
	if err := run(context.Background(), os.Stdout, *orders, *date, *flip); err != nil {
		fmt.Fprintln(os.Stderr, "imported:", err)
		os.Exit(1)
	}
}

// labels are how many own labels there are, most how many messages of a class the
// import counts for; 0 is no import, all all of them.
var (
	labels = []int{0, 20, 50, 100, 300, 1000}
	mosts  = []uint32{0, 100, 500, all}
)

const all = 1 << 16

func run(ctx context.Context, out io.Writer, orders int, date bool, flip float64) error {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	index, err := harness.Index(root)
	if err != nil {
		return err
	}
	mail, err := eval.ReadIndex(index)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "| own labels | import counts for | 1-ROCA % | wrong at 0.5 | ham refused | ham as spam | ham unsure | spam passed | spam unsure |")
	fmt.Fprintln(out, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	var halves []half
	for seed := range orders {
		h, err := split(mail, uint64(seed), date, flip)
		if err != nil {
			return err
		}
		halves = append(halves, h)
	}
	for _, n := range labels {
		for _, most := range mosts {
			var runs []figures.Run
			for _, h := range halves {
				r, err := h.measure(ctx, n, most)
				if err != nil {
					return err
				}
				runs = append(runs, r)
			}
			r, err := figures.Measure(runs, classify.DefaultCutoffs(), 100, nil)
			if err != nil {
				return err
			}
			name := map[uint32]string{0: "no import", all: "all"}[most]
			if name == "" {
				name = fmt.Sprint(most)
			}
			fmt.Fprintf(out, "| %d | %s | %.3f | %.0f | %.1f | %.1f | %.0f | %.1f | %.0f |\n",
				n, name, r.ROCA, r.Errors, r.HamRejected, r.HamAsSpam, r.HamUnsure, r.SpamPassed, r.SpamUnsure)
		}
	}
	return nil
}

// message is one of the corpus with what is learned of it.
type message struct {
	spam bool
	m    *classify.Message
}

// half is an order of the corpus: the counts of its first half, and the second.
type half struct {
	counts *rival.Counts
	mail   []message
}

func split(mail []eval.Entry, seed uint64, date bool, flip float64) (h half, err error) {
	mail = append([]eval.Entry(nil), mail...)
	r := rand.New(rand.NewPCG(seed, 1))
	if !date {
		r.Shuffle(len(mail), func(i, k int) { mail[i], mail[k] = mail[k], mail[i] })
	}
	middle := len(mail) / 2
	learned := append([]eval.Entry(nil), mail[:middle]...)
	for i := range learned {
		learned[i].Spam = learned[i].Spam != (r.Float64() < flip)
	}
	if h.counts, err = bogofilter(learned); err != nil {
		return h, err
	}
	o := classify.DefaultOptions()
	for _, x := range mail[middle:] {
		raw, err := os.ReadFile(x.Path)
		if err != nil {
			return h, err
		}
		h.mail = append(h.mail, message{x.Spam, classify.Extract(o, raw)})
	}
	return h, nil
}

// bogofilter trains it and reads its dump.
func bogofilter(mail []eval.Entry) (*rival.Counts, error) {
	dir, err := os.MkdirTemp("", "imported")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, spam := range []bool{false, true} {
		var names strings.Builder
		for _, x := range mail {
			if x.Spam == spam {
				fmt.Fprintln(&names, x.Path)
			}
		}
		learn := exec.Command("bogofilter", "-C", "-d", dir, map[bool]string{false: "-n", true: "-s"}[spam], "-b")
		learn.Stdin = strings.NewReader(names.String())
		if text, err := learn.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%v: %w: %s", learn.Args, err, text)
		}
	}
	dump, err := exec.Command("bogoutil", "-d", filepath.Join(dir, "wordlist.db")).Output()
	if err != nil {
		return nil, fmt.Errorf("bogoutil: %w", err)
	}
	return rival.Read(bytes.NewReader(dump), rival.Bogofilter, nil, classify.Count{})
}

// measure learns n messages and scores the rest but the first 1000, whatever n is.
func (h half) measure(ctx context.Context, n int, most uint32) (figures.Run, error) {
	dir, err := os.MkdirTemp("", "imported")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if most > 0 {
		err := db.Update(ctx, func(tx *store.Tx) error {
			for _, row := range h.counts.Rows("", most) {
				if err := tx.Learn(row, store.Origin{Source: "import"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	tr := training.New(db, training.Options{FeaturesOnly: true, Origin: store.Origin{Source: "held"}})
	for _, x := range h.mail[:n] {
		class := store.Ham
		if x.spam {
			class = store.Spam
		}
		if _, err := tr.LearnMessage(ctx, class, x.m); err != nil {
			return nil, err
		}
	}
	model, err := db.Model("")
	if err != nil {
		return nil, err
	}
	var results []figures.Result
	scorer := new(classify.Scorer)
	for i, x := range h.mail[1000:] {
		results = append(results, figures.Result{Message: i, Spam: x.spam, Score: scorer.Score(x.m.Features, x.m.Grams, model)})
	}
	return figures.NewRun(results), nil
}
