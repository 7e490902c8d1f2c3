package moving

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"fanmill/cmd/fanmill/cli"
)

// TestWritePacked: the name decides about the form, and the file is there whole.
func TestWritePacked(t *testing.T) {
	dir := t.TempDir()
	for name, unpack := range map[string]func(io.Reader) (io.Reader, error){
		"a":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"a.gz":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"a.zst": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		path := filepath.Join(dir, name)
		for _, force := range []bool{false, true} {
			if err := writePacked(path, nil, force, func(w io.Writer) error { _, err := io.WriteString(w, "text"); return err }); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := unpack(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); string(got) != "text" || err != nil {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
}

// TestWritePackedFails: what was there stays, and nothing is left beside it.
func TestWritePackedFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.jsonl")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := func(io.Writer) error { return syscall.ENOSPC }
	if err := writePacked(path, nil, true, full); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("a full disk: %v", err)
	}
	never := func(io.Writer) error { t.Error("it is written"); return nil }
	if err := writePacked(path, nil, false, never); cli.CodeOf(err) != cli.ExitCantCreate || len(cli.Hints(err)) == 0 {
		t.Errorf("a file that is there: %v", err)
	}
	if err := writePacked(filepath.Join(dir, "no", "such"), nil, false, never); cli.CodeOf(err) != cli.ExitCantCreate {
		t.Errorf("a directory that is not: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("in the directory: %v, %v", left, err)
	}
	if old, err := os.ReadFile(path); string(old) != "old" || err != nil {
		t.Errorf("the file that was there: %q, %v", old, err)
	}
}

// TestCanBeMade names what cannot be a backup before a ledger is copied.
func TestCanBeMade(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"-": cli.ExitUsage, filepath.Join(dir, "no", "backup"): cli.ExitCantCreate, filepath.Join(file, "backup"): cli.ExitCantCreate, filepath.Join(dir, "new"): cli.ExitOK,
	} {
		if err := canBeMade(path); cli.CodeOf(err) != want {
			t.Errorf("%s: %v (exit code %d, want %d)", path, err, cli.CodeOf(err), want)
		}
	}
}

// TestByteCount changes the unit where four digits are enough.
func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 9_999: "9999 bytes", 10_000: "10 kB", 9_999_999: "9999 kB", 10_000_000: "10 MB"} {
		if got := byteCount(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
