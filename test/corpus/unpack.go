package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// entry is one line of an index: `spam ../data/spam_2/00026.c62c...`.
type entry struct {
	class, path string // path relative to the index's folder
}

func (e entry) String() string { return e.class + " " + e.path }

// folders maps the package's folder names to those of the original archives.
var folders = map[string]struct{ class, name string }{
	"easy-ham-1": {"ham", "easy_ham"},
	"easy-ham-2": {"ham", "easy_ham_2"},
	"hard-ham-1": {"ham", "hard_ham"},
	"spam-1":     {"spam", "spam"},
	"spam-2":     {"spam", "spam_2"},
}

var messageName = regexp.MustCompile(`^package/data/([a-z0-9-]+)/(\d{5}\.([0-9a-f]{32}))\.txt$`)

// unpack writes the package's messages below dir/data and returns their
// entries in the order of the archive.
func unpack(tarball, dir string) ([]entry, error) {
	f, err := os.Open(tarball)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for archive := tar.NewReader(z); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		m := messageName.FindStringSubmatch(header.Name)
		if m == nil {
			continue
		}
		e, err := unpackOne(archive, dir, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
		entries = append(entries, e)
	}
}

// unpackOne writes one message; m is the match of messageName.
func unpackOne(r io.Reader, dir string, m []string) (entry, error) {
	folder, ok := folders[m[1]]
	if !ok {
		return entry{}, fmt.Errorf("unknown folder %q", m[1])
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return entry{}, err
	}
	if sum := md5.Sum(raw); hex.EncodeToString(sum[:]) != m[3] {
		fmt.Fprintf(os.Stderr, "corpus: %s/%s: content does not have the MD5 of its name\n", folder.name, m[2])
	}
	file := filepath.Join(dir, "data", folder.name, m[2])
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return entry{}, err
	}
	return entry{folder.class, path.Join("..", "data", folder.name, m[2])}, os.WriteFile(file, raw, 0o644)
}

// readIndex reads lines `spam PATH` and `ham PATH`.
func readIndex(file string) ([]entry, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var index []entry
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		class, path, ok := strings.Cut(line, " ")
		if !ok || (class != "ham" && class != "spam") {
			return nil, fmt.Errorf("%s:%d: want `spam PATH` or `ham PATH`", file, i+1)
		}
		index = append(index, entry{class, path})
	}
	return index, nil
}

func writeIndex(dir string, index []entry) error {
	var text strings.Builder
	for _, e := range index {
		fmt.Fprintln(&text, e)
	}
	if err := os.MkdirAll(filepath.Join(dir, "full"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "full", "index"), []byte(text.String()), 0o644)
}
