package disk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestCreate makes an empty file for the group whatever the umask, and leaves alone what
// is there, a link included.
func TestCreate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	dir := t.TempDir()
	fresh, there, link := filepath.Join(dir, "fresh"), filepath.Join(dir, "there"), filepath.Join(dir, "link")
	write(t, there, "text")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fresh, there, link} {
		if err := Create(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != Mode || info.Size() != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if b, err := os.ReadFile(there); string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"fresh", "link", "there"}) {
		t.Errorf("in the directory: %q", got)
	}
}

// TestReplace: a file has its new text when all of it was written, else its old one, and
// nothing stays beside it.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path, failed := filepath.Join(dir, "file"), errors.New("failed")
	for _, c := range []struct {
		text string
		err  error
		want string
	}{{"one", nil, "one"}, {"two", failed, "one"}, {"three", nil, "three"}} {
		err := Replace(path, func(w io.Writer) error { _, err := io.WriteString(w, c.text); return errors.Join(err, c.err) })
		b, readErr := os.ReadFile(path)
		if !errors.Is(err, c.err) || readErr != nil || string(b) != c.want {
			t.Errorf("%s: %v; %q, %v", c.text, err, b, readErr)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
			t.Errorf("%s: in the directory: %q", c.text, got)
		}
	}
}

// TestNothingIsReplacedWithoutForce, neither what was there before nor what came meanwhile.
func TestNothingIsReplacedWithoutForce(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := Refuse(to, false); err != nil {
		t.Errorf("nothing is there: %v", err)
	}
	write(t, from, "new")
	write(t, to, "old")
	if err := Refuse(to, false); !errors.Is(err, ErrThere) {
		t.Errorf("refuse: %v", err)
	}
	if err := Rename(from, to, false); !errors.Is(err, ErrThere) {
		t.Errorf("rename: %v", err)
	}
	if b, _ := os.ReadFile(to); string(b) != "old" {
		t.Errorf("replaced by %q", b)
	}
	if err := errors.Join(Refuse(to, true), Rename(from, to, true)); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(to); string(b) != "new" {
		t.Errorf("with force: %q", b)
	}
	if err := Rename(to, from, false); err != nil || !slices.Equal(names(t, dir), []string{"from"}) {
		t.Errorf("to a free name: %v, %q", err, names(t, dir))
	}
}

// TestTempSweeps what a killed process has left, and not what one may still be writing.
func TestTempSweeps(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{".file.1.part": 2 * time.Hour, ".file.2.part": time.Minute, ".other.1.part": 2 * time.Hour, ".file.text": 2 * time.Hour} {
		path, at := filepath.Join(dir, name), time.Now().Add(-age)
		write(t, path, "")
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Temp(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	want := []string{".file.2.part", ".file.text", ".other.1.part", filepath.Base(f.Name())}
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

// TestSize counts what is there.
func TestSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "12345")
	if n, err := Size(path, path+"-wal", path); n != 10 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := Size(filepath.Join(path, "below")); err == nil {
		t.Error("no error for what cannot be looked at")
	}
}
