package moving

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"fanmill/cmd/fanmill/cli"
)

// writePacked has a file written whole or not at all, compressed if its name ends in
// .gz or .zst; - is standard output. A file that is there is replaced only with force.
func writePacked(path string, stdout io.Writer, force bool, write func(io.Writer) error) error {
	if path == "-" {
		return write(toStdout{stdout})
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) && !force {
		if err == nil {
			err = cli.Hint(cli.WithCode(cli.ExitCantCreate, fmt.Errorf("%s is there already", path)), "replace it with --force, or give another name")
		}
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return cli.WithCode(cli.ExitCantCreate, fmt.Errorf("write %s: %w", path, err))
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	packed, err := packer(path, f)
	if err == nil {
		err = write(packed)
	}
	if err == nil {
		err = errors.Join(packed.Close(), f.Chmod(0o640), f.Sync())
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func packer(path string, w io.Writer) (io.WriteCloser, error) {
	switch {
	case strings.HasSuffix(path, ".gz"):
		return gzip.NewWriter(w), nil
	case strings.HasSuffix(path, ".zst"):
		return zstd.NewWriter(w)
	}
	return struct {
		io.Writer
		io.Closer
	}{w, io.NopCloser(nil)}, nil
}

// toStdout gives failed writes to standard output their exit code.
type toStdout struct{ w io.Writer }

// Write implements io.Writer.
func (t toStdout) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	return n, cli.WriteError(err)
}
