package training

import (
	"context"
	"time"

	"fanmill/classify"
	"fanmill/store"
	"fanmill/training/corpus"
)

// Bounds of one batch, so that memory stays small. Each transaction waits for
// the disk, so it should hold many messages.
const (
	batchMessages = 512
	batchBytes    = 8 << 20
)

// batch is what the reader hands over at a time: messages, and the problems met
// while they were read.
type batch struct {
	messages []classify.Message
	features []uint64 // behind messages[i].Features
	grams    []uint32 // behind messages[i].Grams
	text     []byte   // behind messages[i].Canonical
	bytes    int
	problems []corpus.Problem
	begun    time.Time
	done     int64 // bytes of the input read
}

func (b *batch) empty() bool { return len(b.messages) == 0 && len(b.problems) == 0 }

func (b *batch) full() bool {
	return len(b.messages) >= batchMessages || len(b.problems) >= batchMessages ||
		b.bytes >= batchBytes || time.Since(b.begun) > batchTime
}

func (b *batch) clear() {
	b.messages, b.problems = b.messages[:0], b.problems[:0]
	b.features, b.grams, b.text, b.bytes = b.features[:0], b.grams[:0], b.text[:0], 0
}

// add copies what training needs of a message out of the stream that made it.
func (b *batch) add(m *classify.Message) {
	b.messages = append(b.messages, classify.Message{
		Digest: m.Digest, Complete: m.Complete,
		Features: put(&b.features, m.Features), Grams: put(&b.grams, m.Grams), Canonical: put(&b.text, m.Canonical),
	})
	b.bytes += size(store.Lists{Features: m.Features, Grams: m.Grams}) + len(m.Canonical)
}

// putAtOnce is how many elements one piece of memory holds.
const putAtOnce = 1 << 17

// put returns a copy of list, made behind the last one in buf. Where that is full a new
// one takes its place, and the copies before keep their part of the old one.
func put[T any](buf *[]T, list []T) []T {
	n := len(*buf)
	if cap(*buf)-n < len(list) {
		*buf, n = make([]T, 0, max(putAtOnce, len(list))), 0
	}
	*buf = append(*buf, list...)
	return (*buf)[n:len(*buf):len(*buf)]
}

// reader extracts the messages of files in a goroutine of its own, one batch
// ahead of the one in hand.
type reader struct {
	filled chan *batch
	free   chan *batch
	end    chan error // gets one value, after the last batch was taken
	batch  *batch     // being filled
}

func (t *Trainer) startReader(ctx context.Context, paths []string, o corpus.Options) *reader {
	r := &reader{filled: make(chan *batch), free: make(chan *batch, 2), end: make(chan error, 1), batch: new(batch)}
	r.free <- new(batch)
	stream := classify.NewStream(t.o.Classify)
	o.Problem = func(p corpus.Problem) {
		r.start()
		r.batch.problems = append(r.batch.problems, p)
		_ = r.pass(ctx, false) // fails only with ctx, which ends the walk
	}
	go func() {
		err := corpus.Walk(ctx, paths, o, func(i corpus.Item) error {
			r.start()
			stream.Reset()
			r.batch.add(stream.Stored(i.Raw))
			r.batch.done = i.Done
			return r.pass(ctx, false)
		})
		if err == nil {
			err = r.pass(ctx, true)
		}
		r.end <- err
	}()
	return r
}

// start notes the time of a batch's first entry.
func (r *reader) start() {
	if r.batch.empty() {
		r.batch.begun = time.Now()
	}
}

// pass hands the batch over when it is full, or is the last.
func (r *reader) pass(ctx context.Context, last bool) error {
	if r.batch.empty() || !last && !r.batch.full() {
		return ctx.Err()
	}
	select {
	case r.filled <- r.batch:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case r.batch = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.batch.clear()
	return nil
}
