package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"fanmill/store"
	"fanmill/test/harness"
	"fanmill/training"
)

const copies = 500

// flood is what near-copies of one message do to a model.
type flood struct {
	adds   int    // how many of the copies count
	before [2]int // wrong at 0.5 of other mail: ham, spam
	after  [2]int
}

// learnCopies teaches a model so many copies of one spam, each with one word of its own, and
// asks it about other mail before and after.
func learnCopies(ctx context.Context, j *judge, raw []byte, n int, others []harness.Sample) (flood, error) {
	f := flood{before: j.wrong(others)}
	trainer := training.New(j.db, training.Options{})
	for i := range n {
		r, err := trainer.Learn(ctx, store.Spam, withText(raw, fmt.Appendf(nil, "copy%dx\n", i), false))
		if err != nil {
			return f, fmt.Errorf("learn near-copies: %w", err)
		}
		f.adds += r.Adds
	}
	f.after = j.wrong(others)
	return f, nil
}

// wrong counts the messages on the wrong side of 0.5.
func (j *judge) wrong(mails []harness.Sample) (n [2]int) {
	for _, m := range mails {
		if (j.score(m.Data).P >= 0.5) != m.Spam {
			if m.Spam {
				n[1]++
			} else {
				n[0]++
			}
		}
	}
	return n
}

// printCopies floods models with the spam that was hardest, easiest and in the middle.
func printCopies(ctx context.Context, out io.Writer, dir string, learned, others []harness.Sample) error {
	fmt.Fprintf(out, "\n| near-copies of a spam that scored | learned | of these count | ham wrong at 0.5, before and after | spam wrong |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, want := range []float64{0.3, 0.9, 0.99} {
		j, err := train(ctx, dir, learned)
		if err != nil {
			return err
		}
		raw, p := j.nearest(others, want)
		f, err := learnCopies(ctx, j, raw, copies, others)
		j.close()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %.3f | %d | %d | %d, %d | %d, %d |\n", p, copies, f.adds, f.before[0], f.after[0], f.before[1], f.after[1])
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove a ledger: %w", err)
		}
	}
	return nil
}

// nearest returns the spam whose score is nearest to one, and its score.
func (j *judge) nearest(mails []harness.Sample, want float64) (raw []byte, p float64) {
	far := 2.0
	for _, m := range mails {
		s := j.score(m.Data).P
		if d := max(s-want, want-s); m.Spam && d < far {
			raw, p, far = bytes.Clone(m.Data), s, d
		}
	}
	return raw, p
}
