package eval

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fanmill/classify"
)

// maxMessage bounds one file of a corpus; a larger one is an error.
const maxMessage = 256 << 20

// Entry is one line of an index.
type Entry struct {
	Spam bool
	Path string // usable from the working directory
}

// ReadIndex reads an index of lines `spam PATH` and `ham PATH`. Empty lines are
// skipped, anything else is an error that names the line.
func ReadIndex(file string) ([]Entry, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	defer f.Close()
	var index []Entry
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		e, err := parseEntry(line, filepath.Dir(file))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		index = append(index, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read index %s: %w", file, err)
	}
	if len(index) == 0 {
		return nil, fmt.Errorf("index %s names no messages", file)
	}
	return index, nil
}

func parseEntry(line, dir string) (Entry, error) {
	class, path, _ := strings.Cut(line, " ")
	path = strings.TrimSpace(path)
	if path == "" || class != "spam" && class != "ham" {
		return Entry{}, fmt.Errorf("%.100q: want `spam PATH` or `ham PATH`", line)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return Entry{Spam: class == "spam", Path: path}, nil
}

// message is what learning needs of a message.
type message struct {
	spam     bool
	digest   classify.Digest
	features []uint64 // valid until the next message is read
	grams    []uint32 // as long
}

// reader takes the features of the corpus' messages, one at a time.
type reader struct {
	index  []Entry
	stream *classify.Stream
	memory []message // nil: nothing is remembered
}

func newReader(o classify.Options, index []Entry) *reader {
	o.Keep = 0
	return &reader{index: index, stream: classify.NewStream(o)}
}

// remember keeps the features of each message, 8 bytes for each, so that later
// passes do not read the files again.
func (r *reader) remember() { r.memory = make([]message, len(r.index)) }

func (r *reader) read(i int) (message, error) {
	if r.memory != nil && r.memory[i].features != nil {
		return r.memory[i], nil
	}
	entry := r.index[i]
	info, err := os.Stat(entry.Path)
	if err == nil && info.Size() > maxMessage {
		err = fmt.Errorf("%s: a message of %d bytes, the limit is %d", entry.Path, info.Size(), maxMessage)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(entry.Path)
	}
	if err != nil {
		return message{}, fmt.Errorf("read message %d of the index: %w", i+1, err)
	}
	r.stream.Reset()
	read := r.stream.Stored(raw)
	m := message{spam: entry.Spam, digest: read.Digest, features: read.Features, grams: read.Grams}
	if r.memory != nil {
		m.features, m.grams = slices.Clone(m.features), slices.Clone(m.grams)
		r.memory[i] = m
	}
	return m, nil
}
