package corpus

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"fanmill/classify"
)

// boxOf returns the text of a mailbox of these messages, which is not committed:
// syncing thousands to disk would take long.
func boxOf(t interface {
	Helper()
	Fatal(...any)
}, path string, messages ...string,
) string {
	t.Helper()
	m, err := CreateMbox(context.Background(), path, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Discard()
	for _, raw := range messages {
		if err := m.Add([]byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.w.Flush(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(m.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMboxAdd(t *testing.T) {
	const noFrom = "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"
	for _, c := range []struct{ name, raw, want string }{
		{"from an mbox: as it was", "From x Mon\nA: 1\n\n>From b\n>>From c\n", "From x Mon\nA: 1\n\n>From b\n>>From c\n\n"},
		{"a From that was not quoted", "From x Mon\nA: 1\n\na\nFrom b\n", "From x Mon\nA: 1\n\na\n>From b\n\n"},
		{"from a file: one more mark", "A: 1\n\nFrom b\n>From c\n>>From d\nFromage\n", noFrom + "A: 1\n\n>From b\n>>From c\n>>>From d\nFromage\n\n"},
		{"a quoted From_ line", ">From x Mon\nA: 1\n\n>From c\n", "From x Mon\nA: 1\n\n>>From c\n\n"},
		{"CRLF", "From x Mon\r\nA: 1\r\n\r\nb\rc\r\n", "From x Mon\nA: 1\n\nb\rc\n\n"},
		{"no line end", "A: 1\n\nb", noFrom + "A: 1\n\nb\n\n"},
		{"a header only", "A: 1\n", noFrom + "A: 1\n\n"},
		{
			"sender and date", "Return-Path: <a@example.org>\nDate: Sun, 1 Mar 2026 10:00:00 +0100\n\n",
			"From a@example.org Sun Mar  1 09:00:00 2026\nReturn-Path: <a@example.org>\nDate: Sun, 1 Mar 2026 10:00:00 +0100\n\n\n",
		},
		{"no plain sender", "Return-Path: <a b@\x1b>\n\n", noFrom + "Return-Path: <a b@\x1b>\n\n\n"},
	} {
		if got := boxOf(t, filepath.Join(t.TempDir(), "m"), c.raw); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// What is read from a mailbox that was written here is, for the filter, what was
// put in; and writing it once more changes nothing.
func TestMboxKeepsMessages(t *testing.T) {
	dir := t.TempDir()
	piece := rapid.SampledFrom([]string{"\n", "\r\n", "\n\n", "From ", "\n\nFrom x\n", ">From ", ">>", "a", "\r", "\x00", "Subject: "})
	rapid.Check(t, func(t *rapid.T) {
		var messages []string
		var want []classify.Digest
		for range rapid.IntRange(1, 4).Draw(t, "messages") {
			raw := "A: " + strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")
			if rapid.Bool().Draw(t, "from an mbox") {
				raw = "From x\n" + toQuote.ReplaceAllString(raw, ">$1")
			}
			messages = append(messages, raw)
			want = append(want, classify.Extract(classify.DefaultOptions(), []byte(raw)).Digest)
		}
		text := boxOf(t, filepath.Join(dir, "m"), messages...)
		got := readMbox(t, strings.NewReader(text), 1<<20)
		if len(got) != len(want) {
			t.Fatalf("%d messages of %q, want %d", len(got), text, len(want))
		}
		for i, raw := range got {
			if classify.Extract(classify.DefaultOptions(), []byte(raw)).Digest != want[i] {
				t.Fatalf("%q became %q", messages[i], raw)
			}
		}
		if again := boxOf(t, filepath.Join(dir, "again"), got...); again != text {
			t.Fatalf("%q became %q", text, again)
		}
	})
}

// only fails the test unless dir holds just these names.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func TestCreateMboxRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"in": mboxA, "other": "precious", "folder/1": mailA, "folder/sub/2": mailA})
	link := func(make func(string, string) error, from, to string) {
		t.Helper()
		if err := make(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	link(os.Symlink, "in", "soft")
	link(os.Link, "in", "hard")
	link(os.Link, "folder/1", "hard1")
	link(os.Symlink, "other", "soft-other")
	link(os.Symlink, "nowhere", "dangling")
	link(os.Symlink, "folder", "to-folder")
	inputs := []string{filepath.Join(dir, "in"), filepath.Join(dir, "to-folder"), "-", filepath.Join(dir, "missing")}
	for _, c := range []struct {
		path  string
		force bool
		want  error
	}{
		{"in", false, ErrIsInput},
		{"in", true, ErrIsInput},
		{"soft", true, ErrIsInput},
		{"hard", true, ErrIsInput},
		{"hard1", true, ErrIsInput},
		{"folder/new", true, ErrInInput},
		{"folder/sub/new", false, ErrInInput},
		{"to-folder/new", false, ErrInInput},
		{"folder/../folder/1", true, ErrInInput},
		{"other", false, fs.ErrExist},
		{"soft-other", true, ErrNotRegular},
		{"dangling", true, ErrNotRegular},
		{"folder", true, ErrInInput},
		{"none/new", true, fs.ErrNotExist},
		{"in/new", true, syscall.ENOTDIR},
	} {
		m, err := CreateMbox(t.Context(), filepath.Join(dir, c.path), c.force, inputs)
		if !errors.Is(err, c.want) {
			t.Errorf("%s, force %v: %v, want %v", c.path, c.force, err, c.want)
		}
		if err == nil {
			m.Discard()
		}
	}
	only(t, dir, "dangling", "folder", "hard", "hard1", "in", "other", "soft", "soft-other", "to-folder")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateMbox(t.Context(), filepath.Join(dir, "empty"), true, nil); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a folder in the place: %v", err)
	}
}

func TestMboxCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new")
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	create := func(force bool) *Mbox {
		t.Helper()
		m, err := CreateMbox(t.Context(), filepath.Join(dir, "link/new"), force, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Add([]byte(mailA)); err != nil || m.Len() != 1 || m.Path() != path {
			t.Fatalf("%v, %d messages, path %s", err, m.Len(), m.Path())
		}
		return m
	}
	m := create(false)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there before Commit: %v", err)
	}
	m.Discard()
	m.Discard()
	only(t, dir, "link")

	m = create(false)
	other := create(false)
	if err := m.Commit(); err != nil {
		t.Fatal(err)
	}
	m.Discard()
	only(t, dir, filepath.Base(other.file.Name()), "link", "new")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v: mail is private", info.Mode(), err)
	}
	if err := other.Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that came meanwhile: %v", err)
	}
	only(t, dir, "link", "new")
	if err := create(true).Commit(); err != nil {
		t.Errorf("with force: %v", err)
	}
	only(t, dir, "link", "new")
}

func TestMboxWriteFails(t *testing.T) {
	dir := t.TempDir()
	m, err := CreateMbox(t.Context(), filepath.Join(dir, "new"), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.file.Close(); err != nil { // as if the disk had gone
		t.Fatal(err)
	}
	big := []byte("A: 1\n\n" + strings.Repeat("text\n", 100_000))
	if err := m.Add(big); !errors.Is(err, fs.ErrClosed) || !strings.Contains(err.Error(), m.Path()) {
		t.Errorf("Add: %v", err)
	}
	if err := m.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Commit: %v", err)
	}
	only(t, dir)
}
