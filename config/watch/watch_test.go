package watch

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const limit = 1 << 20

// reader is what uses a watch: it reads its files again when it is told to.
type reader struct {
	t     *testing.T
	paths []string

	mu    sync.Mutex
	files []File
	texts []string // of the first file, or why it could not be read, at each reading
	times []time.Time
}

// start reads the files and watches them until the test ends.
func start(t *testing.T, o Options, paths ...string) *reader {
	t.Helper()
	r := &reader{t: t, paths: paths}
	r.read()
	o.Logger = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		Watch(ctx, o, r.known, r.read)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

func (r *reader) known() []File {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files
}

func (r *reader) read() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = nil
	for i, path := range r.paths {
		text, f, err := Read(path, limit)
		if err != nil {
			text = []byte(err.Error())
		}
		r.files = append(r.files, f)
		if i == 0 {
			r.texts, r.times = append(r.texts, string(text)), append(r.times, time.Now())
		}
	}
}

// readings are how often the files were read, and what the first had in it last.
func (r *reader) readings() (n int, last string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = len(r.texts)
	return n, r.texts[n-1], r.times[n-1]
}

// becomes waits until the first file was read so, and returns how long after from
// that was.
func (r *reader) becomes(want string, from time.Time) time.Duration {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if _, text, at := r.readings(); strings.Contains(text, want) {
			return at.Sub(from)
		}
	}
	_, text, _ := r.readings()
	r.t.Fatalf("not within 20 s: %q; it is still %.100q", want, text)
	return 0
}

// stays wants the files not to be read for a while.
func (r *reader) stays(d time.Duration) {
	r.t.Helper()
	before, _, _ := r.readings()
	time.Sleep(d)
	if after, text, _ := r.readings(); after != before {
		r.t.Errorf("read %d times more, now %.100q", after-before, text)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rename puts a new file in the place of path, as editors do.
func rename(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+"~", text)
	must(t, os.Rename(path+"~", path))
}

// events are the options that a test of events takes: without them it would wait for
// a minute.
var events = Options{Poll: time.Minute}

// ways are the two that changes are noticed in.
var ways = map[string]Options{
	"events":  events,
	"polling": {Poll: 300 * time.Millisecond, Quiet: true},
}

func TestEdits(t *testing.T) {
	for name, edit := range map[string]func(*testing.T, string){
		"in place":  func(t *testing.T, path string) { write(t, path, "edited") },
		"rename":    func(t *testing.T, path string) { rename(t, path, "edited") },
		"same size": func(t *testing.T, path string) { write(t, path, "edited") },
		"same times": func(t *testing.T, path string) { // as cp -p and rsync -t do
			fi, err := os.Stat(path)
			must(t, err)
			write(t, path, "edited")
			must(t, os.Chtimes(path, fi.ModTime(), fi.ModTime()))
		},
		"two halves": func(t *testing.T, path string) {
			f, err := os.Create(path)
			must(t, err)
			for _, part := range []string{"ed", "it", "ed"} {
				_, err := f.WriteString(part)
				must(t, err)
				time.Sleep(60 * time.Millisecond)
			}
			must(t, f.Close())
		},
		"deleted first": func(t *testing.T, path string) {
			must(t, os.Remove(path))
			time.Sleep(400 * time.Millisecond)
			write(t, path, "edited")
		},
		"moved away first": func(t *testing.T, path string) { // vi with backupcopy=no
			must(t, os.Rename(path, path+"~"))
			time.Sleep(50 * time.Millisecond)
			write(t, path, "edited")
		},
	} {
		for way, o := range ways {
			t.Run(name+"/"+way, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "f.toml")
				write(t, path, "origin")
				r := start(t, o, path)
				edit(t, path)
				took := r.becomes("edited", time.Now())
				if n, _, _ := r.readings(); n != 2 {
					t.Errorf("read %d times, want before and after only: %q", n, r.texts)
				}
				if took > 3*time.Second {
					t.Errorf("read %v after the last step of the edit", took)
				}
			})
		}
	}
}

// What is not a change: touching, writing the same, another file beside it.
func TestNoChange(t *testing.T) {
	for way, o := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f.toml")
			write(t, path, "origin")
			r := start(t, o, path)
			must(t, os.Chtimes(path, time.Now(), time.Now()))
			r.stays(700 * time.Millisecond)
			rename(t, path, "origin")
			must(t, os.Chmod(path, 0o640))
			r.stays(700 * time.Millisecond)
			write(t, path+".other", "x")
			r.stays(700 * time.Millisecond)
			write(t, path, "edited")
			r.becomes("edited", time.Now())
		})
	}
}

// What changed between the first reading and the watch is found.
func TestChangedBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.toml")
	write(t, path, "origin")
	r := &reader{t: t, paths: []string{path}}
	r.read()
	write(t, path, "edited")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		Watch(ctx, Options{Poll: time.Minute, Quiet: true}, r.known, r.read)
		close(done)
	}()
	r.becomes("edited", time.Now())
	cancel()
	<-done
}

// Links as Kubernetes makes them: f.toml -> ..data/f.toml, ..data -> a directory that
// is made anew; and a link to a file elsewhere.
func TestLinks(t *testing.T) {
	for way, o := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			dir, far := t.TempDir(), t.TempDir()
			for _, version := range []string{"v1", "v2"} {
				must(t, os.Mkdir(filepath.Join(dir, version), 0o755))
				write(t, filepath.Join(dir, version, "f.toml"), "of "+version)
			}
			must(t, os.Symlink("v1", filepath.Join(dir, "..data")))
			must(t, os.Symlink("..data/f.toml", filepath.Join(dir, "f.toml")))
			list := filepath.Join(dir, "list")
			write(t, filepath.Join(far, "list"), "one")
			must(t, os.Symlink(filepath.Join(far, "list"), list))

			r := start(t, o, filepath.Join(dir, "f.toml"), list)
			must(t, os.Symlink("v2", filepath.Join(dir, "..data_tmp")))
			must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
			r.becomes("of v2", time.Now())
			must(t, os.RemoveAll(filepath.Join(dir, "v1")))
			r.stays(500 * time.Millisecond)

			n, _, _ := r.readings()
			rename(t, filepath.Join(far, "list"), "two")
			for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				if m, _, _ := r.readings(); m > n {
					break
				}
				if time.Now().After(end) {
					t.Fatal("the edit behind the link was not noticed")
				}
			}
		})
	}
}

// A link in the middle of the path points elsewhere: no event tells that, looking does.
func TestLinkAbove(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"v1", "v2"} {
		must(t, os.Mkdir(filepath.Join(dir, version), 0o755))
		write(t, filepath.Join(dir, version, "f.toml"), "of "+version)
	}
	link := filepath.Join(dir, "now")
	must(t, os.Symlink("v1", link))
	r := start(t, Options{Poll: 300 * time.Millisecond}, filepath.Join(link, "f.toml"))
	must(t, os.Symlink("v2", link+"~"))
	must(t, os.Rename(link+"~", link))
	r.becomes("of v2", time.Now())
	write(t, filepath.Join(dir, "v2", "f.toml"), "edited")
	r.becomes("edited", time.Now())
}

// A file that stays away is told of once, and so is its return; a directory in its
// place, a pipe and a file that is too large are what cannot be read, too.
func TestUnreadable(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string) error
		want  string
	}{
		"missing":   {func(string) error { return nil }, "no such file"},
		"directory": {func(path string) error { return os.Mkdir(path, 0o755) }, "is a directory"},
		"pipe":      {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "not an ordinary file"},
		"1 GB": {func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30))
		}, "larger than 1 MiB"},
		"dangling link": {func(path string) error { return os.Symlink("nowhere", path) }, "no such file"},
		"circle":        {func(path string) error { return os.Symlink(filepath.Base(path), path) }, "symbolic links"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f.toml")
			write(t, path, "origin")
			r := start(t, Options{Poll: 300 * time.Millisecond}, path)
			must(t, os.Remove(path))
			must(t, c.spoil(path))
			r.becomes(c.want, time.Now())
			r.stays(1200 * time.Millisecond)
			must(t, os.RemoveAll(path))
			write(t, path, "mended")
			r.becomes("mended", time.Now())
		})
	}
}

// The set of files changes with what is in them.
func TestFilesComeAndGo(t *testing.T) {
	dir, far := t.TempDir(), t.TempDir()
	path, list := filepath.Join(dir, "f.toml"), filepath.Join(far, "list")
	write(t, path, "origin")
	write(t, list, "one")
	r := start(t, events, path)
	write(t, list, "two")
	r.stays(500 * time.Millisecond)

	r.mu.Lock()
	r.paths = append(r.paths, list)
	r.mu.Unlock()
	write(t, path, "names a list")
	r.becomes("names a list", time.Now())
	r.stays(500 * time.Millisecond)
	n, _, _ := r.readings()
	write(t, list, "three")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if m, _, _ := r.readings(); m == n+1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the edit of the new file was not noticed")
		}
	}

	r.mu.Lock()
	r.paths = r.paths[:1]
	r.mu.Unlock()
	write(t, path, "names none")
	r.becomes("names none", time.Now())
	write(t, list, "four")
	r.stays(500 * time.Millisecond)
}

// In a directory where much is written, edits are noticed all the same.
func TestBusyDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.toml")
	write(t, path, "origin")
	r := start(t, events, path)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = os.WriteFile(filepath.Join(dir, "fanmill.db-wal"), []byte("x"), 0o600)
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	time.Sleep(200 * time.Millisecond)
	rename(t, path, "edited")
	if took := r.becomes("edited", time.Now()); took > 3*time.Second {
		t.Errorf("noticed after %v", took)
	}
	close(stop)
	busy.Wait()
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, strings.Repeat("x", limit))
	text, f, err := Read(path, limit)
	if err != nil || !bytes.Equal(text, bytes.Repeat([]byte("x"), limit)) || f != f.now() {
		t.Errorf("a file of just the limit: %d bytes, %v", len(text), err)
	}
	write(t, path, strings.Repeat("x", limit+1))
	if text, g, err := Read(path, limit); err == nil || text != nil || g == f || g != f.now() || g != g.now() {
		t.Errorf("one byte more: %d bytes, %v", len(text), err)
	}
	_, f, err = Read(filepath.Join(dir, "missing"), limit)
	if !errors.Is(err, fs.ErrNotExist) || f != f.now() {
		t.Errorf("a missing file: %v", err)
	}
	if _, g, err := Read(dir, limit); err == nil || g == f || g != g.now() {
		t.Errorf("a directory: %v", err)
	}
	if _, _, err := Read("/dev/zero", limit); err == nil || !strings.Contains(err.Error(), "not an ordinary file") {
		t.Errorf("a device: %v", err)
	}
	if text, _, err := Read(os.DevNull, limit); err != nil || len(text) != 0 {
		t.Errorf("%s: %d bytes, %v", os.DevNull, len(text), err)
	}
	if f, g := (File{path, 1, sumOf(errors.New("a"))}), (File{path, 1, sumOf(errors.New("b"))}); f == g {
		t.Error("another error is another state")
	}
}
