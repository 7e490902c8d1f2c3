// Command resist measures what a sender can do against the filter: words of good
// mail put into spam, padding of all kinds, made-up strings, floods of near-copies.
// It learns every second message of the SpamAssassin corpus and works on those
// between that are scored right. It prints the tables of docs/accuracy.md and writes
// the curves there:
//
//	go run ./test/resist > tables.md
//
// The same attacks on the mail of test/mail are tests.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"

	"fanmill/test/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	svg := flag.String("svg", "docs/resistance.svg", "`file` to write the curves to")
	flag.Parse()
	if err := run(ctx, os.Stdout, *svg); err != nil {
		fmt.Fprintln(os.Stderr, "resist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, svg string) error {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	mails, err := harness.SpamAssassin(root)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "resist")
	if err != nil {
		return fmt.Errorf("make a folder for the ledger: %w", err)
	}
	defer os.RemoveAll(dir)
	learned, others := harness.Halves(mails)
	j, err := train(ctx, dir, learned)
	if err != nil {
		return err
	}
	defer j.close()
	v := newVictims(j, others)
	fmt.Fprintf(out, "%d messages learned; %d spam and %d ham of the others scored right.\n", len(learned), len(v.spam), len(v.ham))
	curves := v.goodWords()
	printCurves(out, curves)
	if err := os.WriteFile(svg, drawing(curves), 0o644); err != nil {
		return fmt.Errorf("write the curves: %w", err)
	}
	v.printPaddings(out)
	v.printLengths(out)
	return printCopies(ctx, out, filepath.Join(dir, "copies"), learned, others)
}

// victims are what attacks work on, and the words they use.
type victims struct {
	*judge
	spam, ham [][]byte // scored right
	words     []string // of ham that was not learned, see hamStrings
	links     []string // of that ham
	best      []string // of the words the ones that speak most for ham
}

func newVictims(j *judge, mails []harness.Sample) *victims {
	words := hamStrings(mails, plainWord, rand.New(rand.NewPCG(2002, 0)))
	links := hamStrings(mails, link, rand.New(rand.NewPCG(2002, 1)))
	return &victims{
		judge: j, spam: j.called(mails, true), ham: j.called(mails, false),
		words: words, links: links, best: j.strongest(words, steps[len(steps)-1]),
	}
}
