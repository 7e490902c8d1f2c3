package config

import (
	"errors"
	"io/fs"
)

// MaxTextFile is how large an alias file or a plain text list may be, in bytes.
const MaxTextFile = 16 << 20

// checkFiles looks whether the plain text lists can be read.
func (c *Config) checkFiles(read func(path string, limit int64) ([]byte, error)) (ps Problems) {
	for n, r := range c.Rules {
		for key, path := range map[string]string{"welcome_file": r.WelcomeFile, "block_file": r.BlockFile} {
			if path == "" {
				continue
			}
			_, err := read(path, MaxTextFile)
			if err == nil {
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
