package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"

	"fanmill/classify"
)

const (
	// maxMessage bounds one file of a corpus; a larger one is an error.
	maxMessage = 256 << 20
	// featureMemory bounds what is held of a corpus: 8 bytes for a feature, 4 for
	// a gram, about 10 kB for a message. Messages beyond it are read anew by each
	// pass.
	featureMemory = 2 << 30
)

// message is what learning needs of a message.
type message struct {
	spam     bool
	digest   classify.Digest
	features []uint64
	behind   []uint8 // as in classify.Message
	grams    []uint32
}

// clone returns m with lists of its own.
func (m message) clone() message {
	m.features, m.behind, m.grams = slices.Clone(m.features), slices.Clone(m.behind), slices.Clone(m.grams)
	return m
}

func (m message) size() int64 { return int64(8*len(m.features) + len(m.behind) + 4*len(m.grams)) }

// corpus is the messages of an index. Once loaded it is only read, by any number
// of readers.
type corpus struct {
	index   string
	entries []Entry
	options classify.Options
	held    []message // nil features: not held
	size    int64     // bytes of all features and grams
}

// load reads every message once, on all CPUs, and holds as many as room bytes
// take. Whatever cannot be read is an error that names its line.
func load(ctx context.Context, index string, entries []Entry, o classify.Options, room int64, p *progress) (*corpus, error) {
	o.Keep = 0
	c := &corpus{index: index, entries: entries, options: o, held: make([]message, len(entries))}
	var size atomic.Int64
	err := inParallel(ctx, len(entries), cpus(), func() func(int) error {
		r := c.reader()
		return func(i int) error {
			m, err := r.extract(i)
			if err != nil {
				return err
			}
			if size.Add(m.size()) <= room {
				c.held[i] = m.clone()
			}
			p.step()
			return nil
		}
	})
	c.size = size.Load()
	return c, err
}

// reader hands out messages; each goroutine has its own.
type reader struct {
	*corpus
	stream *classify.Stream
}

func (c *corpus) reader() *reader { return &reader{corpus: c, stream: classify.NewStream(c.options)} }

// read returns the i-th message, which stays valid.
func (r *reader) read(i int) (message, error) {
	if m := r.held[i]; m.features != nil {
		return m, nil
	}
	m, err := r.extract(i)
	return m.clone(), err
}

// extract reads the i-th message from its file. It is valid until the next one is
// extracted.
func (r *reader) extract(i int) (message, error) {
	raw, err := r.raw(i)
	if err != nil {
		return message{}, err
	}
	r.stream.Reset()
	m := r.stream.Stored(raw)
	return message{spam: r.entries[i].Spam, digest: m.Digest, features: m.Features, behind: m.Behind, grams: m.Grams}, nil
}

// raw returns the bytes of the i-th message.
func (c *corpus) raw(i int) ([]byte, error) {
	e := c.entries[i]
	info, err := os.Stat(e.Path)
	if err == nil && info.Size() > maxMessage {
		err = fmt.Errorf("%s has %d bytes, the limit for a message is %d", e.Path, info.Size(), maxMessage)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(e.Path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w (paths are relative to the folder of the index)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", c.index, e.Line, err)
	}
	return raw, nil
}
