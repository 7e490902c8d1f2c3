package corpus

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// stdinName stands for the path "-" where a source is named.
const stdinName = "standard input"

// file is one file that may hold mail.
type file struct {
	path   string
	size   int64
	stream bool // standard input or a pipe: the size is not known
	stdin  bool
}

// tree finds the files below the paths, folder by folder, so that memory is
// bounded by the largest folder. Problems go to problem, which may be nil.
type tree struct {
	problem func(Problem)
}

func (t tree) report(source string, err error) {
	if t.problem == nil {
		return
	}
	var path *fs.PathError
	if errors.As(err, &path) { // the source is named already
		err = path.Err
	}
	t.problem(Problem{Source: source, Err: err})
}

func (t tree) visit(ctx context.Context, paths []string, fn func(file) error) error {
	for _, path := range paths {
		if err := t.given(ctx, path, fn); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// given visits a path the caller named: links are followed, and pipes are read.
func (t tree) given(ctx context.Context, path string, fn func(file) error) error {
	if path == "-" {
		return fn(file{path: stdinName, stream: true, stdin: true})
	}
	info, err := os.Stat(path)
	if err != nil {
		t.report(path, err)
		return nil
	}
	switch {
	case info.IsDir() && isMaildirTmp(path):
		t.report(path, ErrMailTmp)
		return nil
	case info.IsDir():
		found, err := t.folder(ctx, path, fn)
		if err == nil && !found {
			t.report(path, ErrNoMail)
		}
		return err
	case info.Mode().IsRegular():
		return fn(file{path: path, size: info.Size()})
	case info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
		return fn(file{path: path, stream: true})
	}
	t.report(path, ErrSpecial)
	return nil
}

// folder visits the files of one folder and tells whether there were any.
func (t tree) folder(ctx context.Context, path string, fn func(file) error) (found bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.report(path, err)
		return true, nil // reported once is enough
	}
	if isMaildir(entries) {
		// Maildir++ folders within (`.Junk`) hold other mail, perhaps of the
		// other class: they are read when they are named.
		return t.maildir(ctx, path, fn)
	}
	for _, e := range mailEntries(entries) {
		below, err := t.entry(ctx, filepath.Join(path, e.Name()), e, fn)
		if err != nil {
			return found, err
		}
		found = found || below
	}
	return found, nil
}

func (t tree) maildir(ctx context.Context, path string, fn func(file) error) (bool, error) {
	inCur, err := t.folder(ctx, filepath.Join(path, "cur"), fn)
	if err != nil {
		return inCur, err
	}
	inNew, err := t.folder(ctx, filepath.Join(path, "new"), fn)
	return inCur || inNew, err
}

// entry visits what a folder holds. Links to files are followed, links to
// folders are not, so there are no loops.
func (t tree) entry(ctx context.Context, path string, e fs.DirEntry, fn func(file) error) (bool, error) {
	if e.IsDir() {
		return t.folder(ctx, path, fn)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		t.report(path, err)
		return true, nil
	case info.IsDir():
		return false, nil
	case !info.Mode().IsRegular():
		t.report(path, ErrSpecial)
		return true, nil
	}
	return true, fn(file{path: path, size: info.Size()})
}

func isMaildir(entries []fs.DirEntry) bool {
	seen := 0
	for _, e := range entries {
		if e.IsDir() && (e.Name() == "cur" || e.Name() == "new") {
			seen++
		}
	}
	return seen == 2
}

func isMaildirTmp(path string) bool {
	abs, err := filepath.Abs(path)
	if err != nil || filepath.Base(abs) != "tmp" {
		return false
	}
	entries, err := os.ReadDir(filepath.Dir(abs))
	return err == nil && isMaildir(entries)
}

// mailEntries leaves out hidden entries and, in an MH folder, files whose names
// are not numbers (deleted and backed-up messages, sequences). It keeps the
// sorted order, but sorts the messages of an MH folder by number.
func mailEntries(entries []fs.DirEntry) []fs.DirEntry {
	mh := isMH(entries)
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || mh && !e.IsDir() && number(e.Name()) < 0
	})
	if mh {
		slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return number(a.Name()) - number(b.Name()) })
	}
	return entries
}

// isMH tells whether a folder has a sequences file, or only numbers for names.
func isMH(entries []fs.DirEntry) bool {
	numbers := false
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == ".mh_sequences" || name == ".xmhcache":
			return true
		case e.IsDir() || strings.HasPrefix(name, "."):
		case number(strings.TrimLeft(name, ",#")) < 0:
			return false
		default:
			numbers = true
		}
	}
	return numbers
}

// number returns the value of a name that is a number, else -1.
func number(name string) int {
	n, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}
