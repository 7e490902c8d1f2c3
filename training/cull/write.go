package cull

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"

	"fanmill/training/corpus"
)

// Reasons why a choice could not be written.
var (
	ErrTwice   = errors.New("cannot be read twice: write it to a file first")
	ErrChanged = errors.New("changed while they were read: run it again")
)

// Rereadable returns an error if one of the inputs is standard input or a pipe:
// what is chosen from them is known only after they were read.
func Rereadable(inputs []Input) error {
	for _, in := range inputs {
		info, err := os.Stat(in.Path)
		if in.Path == "-" || err == nil && !info.IsDir() && !info.Mode().IsRegular() {
			return fmt.Errorf("%s %w", in.Path, ErrTwice)
		}
	}
	return nil
}

// Write reads the inputs again and adds the chosen messages to the mailbox that to
// names for their input. A message is known again by its bytes, so that a mailbox
// may grow and a Maildir's files may be renamed meanwhile; one that is gone is an
// error, and then nothing should be committed.
func (s *Survey) Write(ctx context.Context, c Choice, o Options, to func(Input) *corpus.Mbox) error {
	o.Corpus.Problem = nil // all were reported when they were met first
	w := writer{Survey: s, o: o, wanted: map[uint64]int{}}
	next := 0 // entry; those of one input follow each other
	for n, in := range s.Inputs {
		for ; next < len(c) && s.Entries[next].Input == n; next++ {
			if c[next] {
				w.wanted[s.Entries[next].key]++
				w.missing++
			}
		}
		if err := w.input(ctx, in.Path, to(in)); err != nil {
			return err
		}
		clear(w.wanted)
	}
	if w.missing > 0 {
		return fmt.Errorf("%d of %d messages %w", w.missing, c.Len(), ErrChanged)
	}
	return nil
}

// writer reads the inputs of a Survey again.
type writer struct {
	*Survey
	o       Options
	wanted  map[uint64]int // of one input: how many messages with these bytes
	missing int            // not found yet
	read    int
	bytes   int64
}

func (w *writer) input(ctx context.Context, path string, box *corpus.Mbox) error {
	before := w.bytes
	return corpus.Walk(ctx, []string{path}, w.o.Corpus, func(item corpus.Item) error {
		w.read++
		w.bytes = before + item.Done
		if w.o.Progress != nil {
			w.o.Progress(w.read, w.bytes)
		}
		key := maphash.Bytes(w.seed, item.Raw)
		if w.wanted[key] == 0 {
			return nil
		}
		w.wanted[key]--
		w.missing--
		return box.Add(item.Raw)
	})
}
