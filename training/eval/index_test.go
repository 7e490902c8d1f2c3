package eval

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadIndexErrors(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"other word": {"spam a\nmaybe b\n", ":2: "},
		"no path":    {"ham\n", ":1: "},
		"empty":      {"\n\n", "names no messages"},
		"long line":  {strings.Repeat("x", 70_000), "too long"},
		"binary":     {"\x00\x01\x1b[31m\n", ":1: "},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			writeFile(t, file, c.text)
			_, err := ReadIndex(file)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\x00\x1b") {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := ReadIndex(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadIndexPaths(t *testing.T) {
	file := filepath.Join(t.TempDir(), "index")
	writeFile(t, file, "spam ../a b\n\n  ham   /abs/c  \r\nham d")
	got, err := ReadIndex(file)
	dir := filepath.Dir(file)
	want := []Entry{{true, filepath.Join(dir, "../a b"), 1}, {false, "/abs/c", 3}, {false, filepath.Join(dir, "d"), 4}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
