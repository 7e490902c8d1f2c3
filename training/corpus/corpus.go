// Package corpus reads stored mail for training and scoring: mbox files (mboxo
// and mboxrd), Maildirs, MH folders, plain folders, single files and standard
// input, each compressed with gzip, bzip2 or zstd or not. What a file is, is
// told by its content, never by its name.
//
// Messages are handed on as they were stored, one at a time: the mbox `From `
// line and quoted `>From ` lines are left in place, because package classify
// drops and undoes them; only the empty line that ends each message of an mbox
// is taken away. The order is that of the names given, and below a folder that
// of the sorted names (numbers in MH folders).
//
// Whatever cannot be read is reported to Options.Problem by name, and the rest
// goes on. Memory is bounded by Options.MaxMessage. A walk runs in the caller's
// goroutine; several may run at once.
//
// CreateMbox writes messages, as Walk hands them on, to a new mailbox in mboxrd form,
// and Head takes one apart for lists.
package corpus

import (
	"context"
	"errors"
	"io"
)

// Reasons why a file or message gave no mail; Problem.Err wraps them.
var (
	ErrEmpty    = errors.New("is empty")
	ErrNoMail   = errors.New("holds no mail")
	ErrNotMail  = errors.New("is not mail: it begins with neither a `From ` line nor a header field")
	ErrNotMbox  = errors.New("is named as an mbox but has no `From ` line")
	ErrTooLarge = errors.New("is larger than the limit for one message")
	ErrSpecial  = errors.New("is not a regular file")
	ErrMailTmp  = errors.New("is the tmp folder of a Maildir: it holds unfinished deliveries")
)

// DefaultMaxMessage is the size above which a message is skipped: 64 MiB.
const DefaultMaxMessage = 64 << 20

// Item is one stored message.
type Item struct {
	Raw    []byte // as stored; valid during the call only
	Source string // path, or path#n for the n-th message of an mbox, from 1
	Size   int64  // bytes of Raw
	Done   int64  // bytes of the input read so far, as they are on disk
}

// Problem is one file, folder or message that could not be read.
type Problem struct {
	Source string // path, path#n, or "standard input"
	Err    error
}

func (p Problem) Error() string { return p.Source + ": " + p.Err.Error() }

// Unwrap gives access to the reason.
func (p Problem) Unwrap() error { return p.Err }

// Options says how to read. The zero value is ready to use.
type Options struct {
	MaxMessage int64         // bytes; 0 means DefaultMaxMessage
	Stdin      io.Reader     // what the path "-" reads; nil means os.Stdin
	Anything   bool          // hand on files that do not look like mail, each as one message
	Problem    func(Problem) // called for each problem; nil: problems are dropped
}

// Walk calls fn for every message of the paths. It ends early only with the
// context's error or fn's; problems with the input go to Options.Problem.
func Walk(ctx context.Context, paths []string, o Options, fn func(Item) error) error {
	w := newWalker(ctx, o, fn)
	return w.files.visit(ctx, paths, w.file)
}

// Total returns the bytes on disk that Walk will read. It is not known when
// standard input or a pipe is among the paths.
func Total(ctx context.Context, paths []string) (bytes int64, known bool, err error) {
	known = true
	var t tree
	err = t.visit(ctx, paths, func(f file) error {
		bytes += f.size
		known = known && !f.stream
		return nil
	})
	return bytes, known, err
}
