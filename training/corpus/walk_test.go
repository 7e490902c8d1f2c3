package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const (
	mailA = "From: a@example.org\nSubject: one\n\nfirst\n"
	mailB = "From: b@example.org\nSubject: two\n\nsecond\n"
	mboxA = "From a@example.org Thu Jan  1 00:00:00 2026\n" + mailA
	mboxB = "From b@example.org Thu Jan  1 00:00:00 2026\n" + mailB
)

// write makes files below dir; a content of "/" makes a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if content == "/" {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, s string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(z.EncodeAll([]byte(s), nil))
}

// walk returns "source: raw" of each message and "source! reason" of each
// problem, with dir taken off the sources.
func walk(t *testing.T, dir string, o Options, names ...string) []string {
	t.Helper()
	var got []string
	short := func(source string) string { return strings.TrimPrefix(source, dir+"/") }
	o.Problem = func(p Problem) { got = append(got, short(p.Source)+"! "+p.Err.Error()) }
	paths := make([]string, len(names))
	for i, name := range names {
		if paths[i] = name; name != "-" {
			paths[i] = filepath.Join(dir, name)
		}
	}
	var done int64
	err := Walk(t.Context(), paths, o, func(i Item) error {
		if int(i.Size) != len(i.Raw) {
			t.Errorf("%s: size %d, but %d bytes", i.Source, i.Size, len(i.Raw))
		}
		if i.Done < done {
			t.Errorf("%s: progress went back from %d to %d", i.Source, done, i.Done)
		}
		done = i.Done
		got = append(got, short(i.Source)+": "+string(i.Raw))
		return nil
	})
	if err != nil {
		t.Fatalf("walk: %v", err)
	}
	total, known, err := Total(t.Context(), paths)
	if err != nil || known && done > total {
		t.Errorf("read %d bytes of %d, %v", done, total, err)
	}
	return got
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n---\n") != strings.Join(want, "\n---\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestWalkForms(t *testing.T) {
	dir := t.TempDir()
	bz, err := os.ReadFile("testdata/two.mbox.bz2")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{
		"single":   mailA,
		"withfrom": mboxA,
		"mbox":     mboxA + "\n" + mboxB + "\n",
		"g":        gzipped(t, mboxA+"\n") + gzipped(t, mboxB), // two members
		"z":        zstded(t, mailB),
		"b.gz":     string(bz), // the name is wrong, the content counts
		"quoted":   ">From x\n" + mailA,
		"blank":    "\n\n" + mailA,
		"spaced":   "Subject : x\n\ny\n",
	})
	two := []string{"#1: " + mboxA, "#2: " + mboxB}
	equal(t, walk(t, dir, Options{}, "single"), "single: "+mailA)
	equal(t, walk(t, dir, Options{}, "withfrom"), "withfrom: "+mboxA)
	equal(t, walk(t, dir, Options{}, "mbox"), "mbox"+two[0], "mbox"+two[1])
	equal(t, walk(t, dir, Options{}, "g"), "g"+two[0], "g"+two[1])
	equal(t, walk(t, dir, Options{}, "z"), "z: "+mailB)
	equal(t, walk(t, dir, Options{}, "b.gz"), "b.gz"+two[0], "b.gz"+two[1])
	equal(t, walk(t, dir, Options{}, "quoted", "blank", "spaced"),
		"quoted: >From x\n"+mailA, "blank: "+mailA, "spaced: Subject : x\n\ny\n")
	for name, content := range map[string]string{"mbox": mboxA + "\n" + mboxB, "packed": gzipped(t, mboxA+"\n"+mboxB)} {
		t.Run("stdin "+name, func(t *testing.T) {
			got := walk(t, dir, Options{Stdin: strings.NewReader(content)}, "-")
			equal(t, got, "standard input"+two[0], "standard input"+two[1])
		})
	}
}

func TestWalkMaildir(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"M/cur/2.host:2,S":      mailB,
		"M/cur/1.host:2,":       mailA,
		"M/new/0.host":          mailB,
		"M/tmp/9.host":          "From: half\n",
		"M/dovecot-uidlist":     "3 V1 N4\n",
		"M/.Junk/cur/1.host:2,": mailA,
		"M/.Junk/new":           "/",
		"M/.Junk/tmp":           "/",
		"E/cur":                 "/",
		"E/new":                 "/",
		"E/tmp/1":               mailA,
	})
	equal(t, walk(t, dir, Options{}, "M"),
		"M/cur/1.host:2,: "+mailA, "M/cur/2.host:2,S: "+mailB, "M/new/0.host: "+mailB)
	equal(t, walk(t, dir, Options{}, "M/.Junk"), "M/.Junk/cur/1.host:2,: "+mailA)
	equal(t, walk(t, dir, Options{}, "M/tmp"), "M/tmp! "+ErrMailTmp.Error())
	equal(t, walk(t, dir, Options{}, "E"), "E! "+ErrNoMail.Error())
}

func TestWalkMH(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"inbox/10":            mailB,
		"inbox/9":             mailA,
		"inbox/,3":            mailA,
		"inbox/.mh_sequences": "cur: 9\n",
		"inbox/sub/1":         mailA,
		"inbox/sub/#2":        mailB,
	})
	equal(t, walk(t, dir, Options{}, "inbox"),
		"inbox/sub/1: "+mailA, "inbox/9: "+mailA, "inbox/10: "+mailB)
}

func TestWalkFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"f/b":            mailB,
		"f/a/deep/mail":  mailA,
		"f/a/mbox":       mboxA + "\n" + mboxB,
		"f/.hidden":      mailA,
		"f/.git/x":       mailA,
		"outside/linked": mailB,
	})
	for link, target := range map[string]string{"f/loop": "f", "f/z": "outside/linked", "to-f": "f/a/deep", "f/gone": "nowhere"} {
		if err := os.Symlink(filepath.Join(dir, target), filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, walk(t, dir, Options{}, "f"),
		"f/a/deep/mail: "+mailA, "f/a/mbox#1: "+mboxA, "f/a/mbox#2: "+mboxB, "f/b: "+mailB,
		"f/gone! "+syscall.ENOENT.Error(), "f/z: "+mailB)
	equal(t, walk(t, dir, Options{}, "to-f"), "to-f/mail: "+mailA)
}

func TestWalkProblems(t *testing.T) {
	dir := t.TempDir()
	packed := gzipped(t, mboxA+"\n"+mboxB+strings.Repeat("tail\n", 10_000))
	write(t, dir, map[string]string{
		"1-empty":         "",
		"2-blank":         "\n\r\n\n",
		"3-good":          mailA,
		"4-text":          "Dear diary,\n\ntoday\n",
		"5-short.gz":      packed[:len(packed)-20],
		"6-bad.gz":        "\x1f\x8b nonsense",
		"7-bad.zst":       "\x28\xb5\x2f\xfd nonsense",
		"8-bad.bz2":       "BZh9 nonsense",
		"9-large":         "From: a\n\n" + strings.Repeat("large\n", 20_000),
		"9-mbox":          mboxA + "\n" + "From x\nA: 1\n\n" + strings.Repeat("large\n", 20_000) + "\n" + mboxB,
		"9-old.mbox":      mailA + "\n" + mailB,
		"9-old.mbox.cull": mailA + "\n" + mailB,
		"nothing/here":    "/",
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "a-pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := walk(t, dir, Options{MaxMessage: 100_000}, "", "missing", "nothing", "3-good/x")
	want := []string{
		"1-empty! " + ErrEmpty.Error(),
		"2-blank! " + ErrEmpty.Error(),
		"3-good: " + mailA,
		"4-text! " + ErrNotMail.Error(),
		"5-short.gz#1: " + mboxA,
		"5-short.gz#2! is cut short: unexpected EOF",
		"6-bad.gz! ", "7-bad.zst! ", "8-bad.bz2! ",
		"9-large! " + ErrTooLarge.Error(),
		"9-mbox#1: " + mboxA,
		"9-mbox#2! " + ErrTooLarge.Error(),
		"9-mbox#3: " + mboxB,
		"9-old.mbox! " + ErrNotMbox.Error(),
		"9-old.mbox.cull! " + ErrNotMbox.Error(),
		"a-pipe! " + ErrSpecial.Error(),
		"missing! " + syscall.ENOENT.Error(),
		"nothing! " + ErrNoMail.Error(),
		"3-good/x! " + syscall.ENOTDIR.Error(),
	}
	if len(got) != len(want) {
		t.Fatalf("got %q\nwant %q", got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %.200q, want %q", got[i], want[i])
		}
	}
	equal(t, walk(t, dir, Options{Anything: true}, "4-text", "9-old.mbox"),
		"4-text: Dear diary,\n\ntoday\n", "9-old.mbox: "+mailA+"\n"+mailB)
}

// A folder or file without permission cannot be had as root, who may read
// everything: a link to itself gives an error to everybody.
func TestWalkUnreadable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"f/a": mailA, "f/c": mailB})
	if err := os.Symlink("b", filepath.Join(dir, "f/b")); err != nil {
		t.Fatal(err)
	}
	equal(t, walk(t, dir, Options{}, "f"), "f/a: "+mailA, "f/b! "+syscall.ELOOP.Error(), "f/c: "+mailB)
	if os.Getuid() == 0 {
		return
	}
	for _, name := range []string{"f/a", "f"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(dir, name), 0o755)
		equal(t, walk(t, dir, Options{}, name), name+"! "+syscall.EACCES.Error())
	}
}

func TestWalkPipeGiven(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(pipe, []byte(mboxA+"\n"+mboxB), 0o600) }()
	equal(t, walk(t, dir, Options{}, "pipe"), "pipe#1: "+mboxA, "pipe#2: "+mboxB)
	if err := <-written; err != nil {
		t.Error(err)
	}
	if _, known, err := Total(t.Context(), []string{pipe}); known || err != nil {
		t.Errorf("the size of a pipe is known (%v), %v", known, err)
	}
}

// However short a compressed mailbox was cut, it is named, and no message that was
// not whole is handed on.
func TestWalkCutShort(t *testing.T) {
	dir := t.TempDir()
	bz, err := os.ReadFile("testdata/two.mbox.bz2")
	if err != nil {
		t.Fatal(err)
	}
	for name, whole := range map[string]string{
		"gzip": gzipped(t, mboxA+"\n"+mboxB), "zstd": zstded(t, mboxA+"\n"+mboxB), "bzip2": string(bz),
	} {
		for n := 1; n < len(whole); n++ {
			write(t, dir, map[string]string{name: whole[:n]})
			got := walk(t, dir, Options{}, name)
			last := got[len(got)-1]
			if len(got) > 1 && got[0] != name+"#1: "+mboxA || !strings.Contains(last, "! ") || n >= 4 && !strings.Contains(last, "unexpected EOF") {
				t.Errorf("%s of %d bytes: %q", name, n, got)
			}
		}
	}
}

// A pipe that nobody writes to, or whose writer keeps still, does not keep a walk
// from ending.
func TestWalkPipeEnds(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	walks := func(when string) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := Walk(ctx, []string{pipe}, Options{Problem: func(p Problem) { t.Error(when, p) }}, func(Item) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", when, err)
		}
	}
	walks("no writer")
	w, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	walks("silent writer")
	if _, err := w.WriteString(mboxA); err != nil {
		t.Fatal(err)
	}
	walks("a writer that stopped in a message")
}

func TestWalkEnds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"m": mboxA + "\n" + mboxB, "n": mailA})
	stop := errors.New("enough")
	calls := 0
	err := Walk(t.Context(), []string{dir}, Options{}, func(Item) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls, want the caller's error after 1", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls = 0
	err = Walk(ctx, []string{dir}, Options{Problem: func(p Problem) { t.Error(p) }}, func(Item) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("got %v after %d calls, want context.Canceled after 1", err, calls)
	}
}

func TestProblemUnwraps(t *testing.T) {
	err := error(Problem{"x", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}})
	if !errors.Is(err, fs.ErrPermission) || !strings.HasPrefix(fmt.Sprint(err), "x: ") {
		t.Errorf("got %v", err)
	}
}
