package eval

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Entry is one line of an index.
type Entry struct {
	Spam bool
	Path string // usable from the working directory
	Line int    // in the index
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
		e.Line = n
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

// classes counts the messages of an index.
func classes(index []Entry) (ham, spam int) {
	for _, e := range index {
		if e.Spam {
			spam++
		}
	}
	return len(index) - spam, spam
}
