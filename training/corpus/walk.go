package corpus

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// walker hands the messages of files on to fn, one file after the other.
type walker struct {
	ctx   context.Context
	o     Options
	fn    func(Item) error
	files tree
	split splitter
	input countingReader
	peek  *bufio.Reader // on top of input
}

func newWalker(ctx context.Context, o Options, fn func(Item) error) *walker {
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	w := &walker{
		ctx: ctx, o: o, fn: fn,
		files: tree{problem: o.Problem},
		split: splitter{max: int(o.MaxMessage)},
		input: countingReader{ctx: ctx},
	}
	w.peek = bufio.NewReaderSize(&w.input, 64<<10)
	return w
}

// file reads one file; only the context's error and fn's are returned.
func (w *walker) file(f file) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.input.r = w.o.Stdin
	if !f.stdin {
		opened, err := w.open(f)
		if err != nil {
			return w.failed(f.path, err)
		}
		defer opened.Close()
		w.input.r = opened
		if f.stream { // a writer that keeps still must not keep the walk from ending
			defer context.AfterFunc(w.ctx, func() { _ = opened.SetReadDeadline(time.Now()) })()
		}
	}
	w.peek.Reset(&w.input)
	content, err := w.decompress()
	if err != nil {
		return w.failed(f.path, err)
	}
	defer content.Close()
	return w.content(f.path, content)
}

// open opens a file. Opening a pipe waits for somebody to write to it, so that is
// done beside the caller, and left behind when the context ends.
func (w *walker) open(f file) (*os.File, error) {
	if !f.stream {
		return os.Open(f.path)
	}
	type result struct {
		file *os.File
		err  error
	}
	opened := make(chan result, 1)
	go func() {
		file, err := os.Open(f.path)
		opened <- result{file, err}
	}()
	select {
	case r := <-opened:
		return r.file, r.err
	case <-w.ctx.Done():
		return nil, w.ctx.Err()
	}
}

// failed reports why a source gave no more messages, unless that is because
// the walk is being ended.
func (w *walker) failed(source string, err error) error {
	if ended := w.ctx.Err(); ended != nil {
		return ended
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("is cut short: %w", err)
	}
	w.files.report(source, err)
	return nil
}

// content tells an mbox from a single message and hands the messages on.
func (w *walker) content(path string, content io.Reader) error {
	w.split.reset(content)
	head := w.split.start()
	switch broken := w.split.err; {
	case bytes.HasPrefix(head, fromLine):
		return w.mbox(path)
	case broken != nil && !errors.Is(broken, io.EOF):
		return w.failed(path, broken) // before it is judged by what is there of it
	case len(head) == 0:
		return w.failed(path, ErrEmpty)
	case w.o.Anything:
		return w.single(path)
	case !looksLikeMail(head):
		return w.failed(path, ErrNotMail)
	case namedMbox(path):
		return w.failed(path, ErrNotMbox)
	}
	return w.single(path)
}

func (w *walker) single(path string) error {
	raw, err := w.split.rest()
	if err != nil {
		return w.failed(path, err)
	}
	return w.hand(raw, path)
}

func (w *walker) mbox(path string) error {
	for n := 1; ; n++ {
		raw, err := w.split.mboxNext()
		if errors.Is(err, io.EOF) && n > 1 {
			return nil
		}
		source := path
		if n > 1 || !w.split.atEnd() { // a single message is named as its file
			source = fmt.Sprintf("%s#%d", path, n)
		}
		switch {
		case err == nil:
			err = w.hand(raw, source)
		case errors.Is(err, ErrTooLarge):
			err = w.failed(source, err)
		default:
			return w.failed(source, err)
		}
		if err != nil {
			return err
		}
	}
}

func (w *walker) hand(raw []byte, source string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	return w.fn(Item{Raw: raw, Source: source, Size: int64(len(raw)), Done: w.input.n})
}

// looksLikeMail tells whether the text begins with a header field (RFC 5322
// section 2.2: printable ASCII and a colon) or a quoted `From ` line, which
// some programs leave at the top of a message they store.
func looksLikeMail(head []byte) bool {
	if bytes.HasPrefix(head, []byte(">From ")) {
		return true
	}
	for i, c := range head {
		switch {
		case c == ':':
			return i > 0
		case c == ' ' || c == '\t': // obsolete, but read: `Subject : x`
			rest := bytes.TrimLeft(head[i:], " \t")
			return i > 0 && len(rest) > 0 && rest[0] == ':'
		case c < '!' || c > '~':
			return false
		}
	}
	return false
}

// namedMbox tells whether a file's name promises several messages: without
// `From ` lines they cannot be told apart, and must not count as one.
func namedMbox(path string) bool {
	base := strings.ToLower(filepath.Base(path))
	for _, end := range []string{".gz", ".bz2", ".zst", ".cull"} {
		base = strings.TrimSuffix(base, end)
	}
	return base == "mbox" || strings.HasSuffix(base, ".mbox") || strings.HasSuffix(base, ".mbx")
}

// countingReader counts what is read over all files and stops when the context
// ends, also within a long file that yields nothing.
type countingReader struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
