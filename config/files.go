package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// MaxTextFile is how large an alias file or a plain text list may be, in bytes.
const MaxTextFile = 16 << 20

// ReadText reads a small text file that the configuration names. Anything but a file,
// such as a pipe, would let the daemon wait.
func ReadText(path string) (string, error) {
	f, err := openText(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxTextFile+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > MaxTextFile:
		return "", tooLarge(path)
	}
	return string(text), nil
}

func tooLarge(path string) error {
	return fmt.Errorf("%s is larger than %d MiB", path, MaxTextFile>>20)
}

func openText(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a file", path)
	case info.Size() > MaxTextFile:
		err = tooLarge(path)
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

// checkFiles looks whether the plain text lists can be read.
func (c *Config) checkFiles() (ps Problems) {
	for n, r := range c.Rules {
		for key, path := range map[string]string{"welcome_file": r.WelcomeFile, "block_file": r.BlockFile} {
			if path == "" {
				continue
			}
			f, err := openText(path)
			if err == nil {
				f.Close()
				continue
			}
			text := clip(err.Error())
			if errors.Is(err, fs.ErrNotExist) {
				text = "does not exist"
			}
			ps = append(ps, Problem{
				Key: rulePath(n, key), Value: clip(tomlString(path)), Text: text,
				Hint: "make it a readable text file with an entry a line (an empty one will do), or leave the key out",
			})
		}
	}
	return ps
}
