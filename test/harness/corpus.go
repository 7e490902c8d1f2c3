package harness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sample is one labelled message of a corpus.
type Sample struct {
	Path string
	Spam bool
	Data []byte
}

// Root returns the project's directory: the nearest one upwards with a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find the project: no go.mod in this directory or above it")
		}
		dir = filepath.Dir(dir)
	}
}

// Index returns the path of the index of the SpamAssassin corpus that `make corpus`
// wrote. Without it the error is fs.ErrNotExist and says what to type.
func Index(root string) (string, error) {
	index := filepath.Join(root, "corpus", "spamassassin", "full", "index")
	_, err := os.Stat(index)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the SpamAssassin corpus is missing, type `make corpus`: %w", err)
	}
	return index, err
}

// SpamAssassin reads the corpus in the order of its index; see there.
func SpamAssassin(root string) ([]Sample, error) {
	index, err := Index(root)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(index)
	if err != nil {
		return nil, fmt.Errorf("read the corpus: %w", err)
	}
	var list []Sample
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		class, path, ok := strings.Cut(lines.Text(), " ")
		if !ok || class != "ham" && class != "spam" {
			return nil, fmt.Errorf("read the corpus: %s: strange line %q", index, lines.Text())
		}
		path = filepath.Join(filepath.Dir(index), path)
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the corpus: %w", err)
		}
		list = append(list, Sample{Path: path, Spam: class == "spam", Data: data})
	}
	return list, nil
}

// Halves parts mail into every second message and those between.
func Halves(mails []Sample) (even, odd []Sample) {
	for i, m := range mails {
		if i%2 == 0 {
			even = append(even, m)
		} else {
			odd = append(odd, m)
		}
	}
	return even, odd
}

// Written reads one folder of the mail written for this project, test/mail/NAME:
// ham, spam or odd.
func Written(root, name string) ([]Sample, error) {
	dir := filepath.Join(root, "test", "mail", name)
	var list []Sample
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "README") {
			return err
		}
		data, err := os.ReadFile(path)
		list = append(list, Sample{Path: path, Spam: name == "spam", Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the mail in %s: %w", dir, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("read the mail in %s: it is empty", dir)
	}
	return list, nil
}

// StripFrom returns a message without an mbox From_ line at its top, as it
// travels by SMTP.
func StripFrom(data []byte) []byte {
	if bytes.HasPrefix(data, []byte("From ")) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return data[i+1:]
		}
	}
	return data
}
