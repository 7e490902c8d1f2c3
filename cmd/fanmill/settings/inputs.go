package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"fanmill/cmd/fanmill/cli"
	"fanmill/config/watch"
)

// inputs are the files that settings were read from, and how many entries each list
// among them had. Whatever is read through them is watched.
type inputs struct {
	Files   []watch.File
	entries map[string]int // of lists, by path
	texts   map[string]text
}

// text is what reading a file came to.
type text struct {
	bytes []byte
	err   error
}

// read reads a file of at most limit bytes, once: who asks again sees the same, whatever
// has become of the file.
func (in *inputs) read(path string, limit int64) ([]byte, error) {
	if t, ok := in.texts[path]; ok {
		return t.bytes, t.err
	}
	b, f, err := watch.Read(path, limit)
	in.Files = append(in.Files, f)
	if in.texts == nil {
		in.texts = map[string]text{}
	}
	in.texts[path] = text{b, err}
	return b, err
}

// done lets go of the texts.
func (in *inputs) done() { in.texts = nil }

// list notes how many entries a list has.
func (in *inputs) list(path string, entries int) {
	if in.entries == nil {
		in.entries = map[string]int{}
	}
	in.entries[path] = entries
}

// Shrunk returns a warning for each list that has less than half of the entries it had:
// it may have been cut short by accident.
func (s *Settings) Shrunk(before *Settings) (warnings []string) {
	for path, had := range before.entries {
		if has, ok := s.entries[path]; ok && 2*has < had {
			warnings = append(warnings, fmt.Sprintf("list %s had %s and has %d now, which is in force: put the rest back if that was a mistake", path, cli.Plural(had, "entry", "entries"), has))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// Digest tells two readings apart in which something in the files was different.
func (in *inputs) Digest() string {
	h := sha256.New()
	for _, f := range in.Files {
		_, _ = h.Write(f.Sum[:]) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// loadError is why settings cannot be had, with the files that were looked at: when
// one of them changes it may be mended.
type loadError struct {
	error
	files []watch.File
}

func (e *loadError) Unwrap() error { return e.error }

// Attempted returns the files of an attempt to load settings in the place of old: of
// one that failed, perhaps before it came to the lists, also those of old.
func Attempted(set *Settings, err error, old *Settings) []watch.File {
	if err == nil {
		return set.Files
	}
	var files []watch.File
	if failed := (*loadError)(nil); errors.As(err, &failed) {
		files = slices.Clone(failed.files)
	}
	for _, f := range old.Files {
		if !slices.ContainsFunc(files, func(g watch.File) bool { return g.Path == f.Path }) {
			files = append(files, f)
		}
	}
	return files
}
