// Package cull looks over mailboxes before they are trained: which messages are
// nearly the same, which are old, large, or too many of one class. It chooses
// among them and writes the chosen ones to a new mailbox. In the ledger it finds those
// that are nearly the same and have different labels.
//
// Messages are nearly the same when what a reader sees of them is: sender, subject
// and text, as the features that package classify makes of them. What says who got
// them and on which way (To, Received, Message-ID, Date) is left out, so one mail to
// several recipients is found again whatever the greeting.
//
// The way is that of the literature, linear in the number of messages: a message is
// a set of features, and the likeness of two sets is the size of their intersection
// by that of their union (Broder, On the resemblance and containment of documents,
// 1997). It is estimated from sketches of 128 bytes: one-permutation MinHash (Li,
// Owen, Zhang, One permutation hashing, 2012) with optimal densification
// (Shrivastava, 2017), of which 8 bits of each minimum are kept (Li, König, b-bit
// minwise hashing, 2010). Only messages are compared that share one of 16 bands of a
// sketch (locality-sensitive hashing: Indyk, Motwani, Approximate nearest neighbors,
// 1998), and each with few others.
//
// A Survey takes about 500 bytes for a message. It is for one goroutine.
package cull

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training/corpus"
)

// Input is a path, and the class its messages are said to have; store.None: nobody
// says.
type Input struct {
	Path  string
	Class store.Class
}

// Options says how to look. The zero value is ready to use.
type Options struct {
	Near     float64              // likeness, 0.8 to 1, from which messages are nearly the same; 0 means DefaultNear
	Now      time.Time            // dates behind it, and a day, are not believed; zero: the present
	Corpus   corpus.Options       // how to read; Problem is called too
	Progress func(n int, b int64) // messages and bytes on disk read so far; may be nil
}

// DefaultNear is the likeness from which messages are nearly the same: of ten features
// that either has, both have nine.
const DefaultNear = 0.9

// LeastNear is the smallest likeness that Options.Near may have: of messages less
// alike too many would not be found.
const LeastNear = 0.8

// Entry is one message of a Survey.
type Entry struct {
	Input   int   // of Survey.Inputs
	Size    int64 // bytes
	Arrived int64 // seconds since 1970; 0: nothing tells
	First   int   // the entry this one is nearly the same as; itself: it is the first of its kind
	Same    bool  // sender, subject and text are those of an earlier entry, byte for byte of the canonical form
	key     uint64
	text    string
}

// Source is the path, or path#n for the n-th message of an mbox.
func (e *Entry) Source() string { return e.part(0) }

// MessageID is the Message-ID field, cut to 200 bytes; it is hostile.
func (e *Entry) MessageID() string { return e.part(1) }

// Subject is the decoded Subject field, of the same kind.
func (e *Entry) Subject() string { return e.part(2) }

func (e *Entry) part(n int) string { return strings.SplitN(e.text, "\x00", 3)[n] }

// Survey is what is remembered of the messages of some paths, in the order they
// were read.
type Survey struct {
	Inputs   []Input
	Entries  []Entry
	Problems []int // of each input, the files and messages that could not be read
	sketches []sketch
	seed     maphash.Seed
}

// Look reads all messages and finds those that are nearly the same. It ends early
// only with the context's error.
func Look(ctx context.Context, inputs []Input, o Options) (*Survey, error) {
	if o.Near == 0 {
		o.Near = DefaultNear
	}
	if o.Near < LeastNear || o.Near > 1 {
		return nil, fmt.Errorf("a likeness of %g is not between %g and 1", o.Near, LeastNear)
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	s := &Survey{Inputs: inputs, Problems: make([]int, len(inputs)), seed: maphash.MakeSeed()}
	r := reader{Survey: s, o: o, stream: classify.NewStream(classify.DefaultOptions()), seen: map[classify.Digest]int{}}
	for i := range inputs {
		if err := r.input(ctx, i); err != nil {
			return nil, err
		}
	}
	s.group(o.Near)
	return s, ctx.Err()
}

// reader fills a Survey.
type reader struct {
	*Survey
	o      Options
	stream *classify.Stream
	head   corpus.Head
	seen   map[classify.Digest]int // the first entry of each
	bytes  int64                   // read of the inputs before
}

func (r *reader) input(ctx context.Context, i int) error {
	o := r.o.Corpus
	o.Problem = func(p corpus.Problem) {
		r.Problems[i]++
		if r.o.Corpus.Problem != nil {
			r.o.Corpus.Problem(p)
		}
	}
	before := r.bytes
	return corpus.Walk(ctx, []string{r.Inputs[i].Path}, o, func(item corpus.Item) error {
		r.add(i, item)
		r.bytes = before + item.Done
		if r.o.Progress != nil {
			r.o.Progress(len(r.Entries), r.bytes)
		}
		return nil
	})
}

// add remembers one message.
func (r *reader) add(input int, item corpus.Item) {
	r.head.Read(item.Raw)
	m := r.content()
	e := Entry{
		Input: input, Size: item.Size, First: len(r.Entries), key: maphash.Bytes(r.seed, item.Raw),
		text: item.Source + "\x00" + short(r.head.Get("Message-ID")) + "\x00" + short(m.Subject),
	}
	if at := r.head.Arrived(r.o.Now.AddDate(0, 0, 1)); !at.IsZero() {
		e.Arrived = at.Unix()
	}
	if first, same := r.seen[m.Digest]; same {
		e.First, e.Same = first, true
	} else {
		r.seen[m.Digest] = e.First
	}
	r.Entries = append(r.Entries, e)
	r.sketches = append(r.sketches, newSketch(m.Features))
}

// content is the message as a reader sees it: features and digest of its sender,
// subject and text.
func (r *reader) content() *classify.Message {
	r.stream.Reset()
	for _, f := range r.head.Fields {
		switch strings.ToLower(string(f.Name)) {
		case "from", "subject", "content-type", "content-transfer-encoding":
			r.stream.Header(f.Name, f.Value)
		}
	}
	r.stream.EndHeaders()
	r.stream.Body(r.head.Body)
	return r.stream.Finish()
}

// short makes a field one string of at most 200 bytes without the byte that parts
// the strings of an entry.
func short(s string) string {
	return strings.ReplaceAll(s[:min(len(s), 200)], "\x00", "")
}
