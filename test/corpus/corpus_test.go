package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestArrival(t *testing.T) {
	const (
		from    = "From a@example.org  Thu Aug 22 13:17:22 2002\n"
		date    = "Date: Fri, 23 Aug 2002 01:02:03 +0200\n"
		border  = "Received: from a by b; Thu, 22 Aug 2002 08:17:21 -0400 (EDT)\n"
		folded  = "Received: from a\n\tby b with SMTP (x; y);\n\tThu, 22 Aug 2002 08:17:21 -0400\n"
		badYear = "Received: from a by b; Thu, 22 Aug 2012 08:17:21 -0400\n"
		noDate  = "Received: from a by b\n"
	)
	byReceived := "2002-08-22T12:17:21Z"
	for _, c := range []struct{ name, mail, want string }{
		{"Received first", from + border + date, byReceived},
		{"folded", from + folded + date, byReceived},
		{"the top-most that can be read", noDate + badYear + border + "Received: x; Thu, 22 Aug 2002 09:17:21 -0400\n", byReceived},
		{"a year out of range", from + badYear + date, "2002-08-22T13:17:22Z"},
		{"From_ line", from + date, "2002-08-22T13:17:22Z"},
		{"Date", noDate + date, "2002-08-22T23:02:03Z"},
		{"From_ line without a date", "From a@example.org\n" + date, "2002-08-22T23:02:03Z"},
		{"nothing", "Subject: x\n", "0001-01-01T00:00:00Z"},
		{"not in the body", "Subject: x\n\n" + border, "0001-01-01T00:00:00Z"},
	} {
		if got := arrival([]byte(c.mail)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// pack makes an npm package of messages, given by their names in it.
func pack(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	archive := tar.NewWriter(z)
	for name, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func named(folder, text string) string {
	return fmt.Sprintf("package/data/%s/00001.%x.txt", folder, md5.Sum([]byte(text)))
}

func TestUnpackAndOrder(t *testing.T) {
	late, early := "Date: Fri, 23 Aug 2002 00:00:00 +0000\n", "Date: Thu, 22 Aug 2002 00:00:00 +0000\n\n\xff"
	file := pack(t, map[string]string{
		named("easy-ham-2", late):                                   late,
		named("spam-1", early):                                      early,
		"package/package.json":                                      "{}",
		"package/data/../evil.txt":                                  "no",
		strings.Replace(named("spam-1", early), ".txt", ".json", 1): "{}",
	})
	dir := t.TempDir()
	entries, err := unpack(file, dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	index, err := chooseOrder(dir, filepath.Join(dir, "missing"), entries)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("[spam ../data/spam/00001.%x ham ../data/easy_ham_2/00001.%x]", md5.Sum([]byte(early)), md5.Sum([]byte(late)))
	if fmt.Sprint(index) != want {
		t.Fatalf("%v, want %s", index, want)
	}
	if err := writeIndex(dir, index); err != nil {
		t.Fatal(err)
	}
	again, err := readIndex(filepath.Join(dir, "full/index"))
	if err != nil || fmt.Sprint(again) != want {
		t.Fatalf("%v, %v", again, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "full", again[0].path))
	if err != nil || string(raw) != early {
		t.Fatalf("%q, %v", raw, err)
	}
}

func TestGivenOrder(t *testing.T) {
	entries := []entry{{"ham", "../data/a"}, {"spam", "../data/b"}}
	file := filepath.Join(t.TempDir(), "index")
	for text, wantErr := range map[string]string{
		"spam ../data/b\nham ../data/a\n":                 "",
		"spam ../data/b\n":                                "leaves out 1",
		"spam ../data/b\nspam ../data/a\n":                "names no message",
		"spam ../data/b\nspam ../data/b\nham ../data/a\n": "names no message",
		"spam ../data/b\nwhatever\n":                      ":2: want",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := chooseOrder("", file, entries)
		switch {
		case wantErr == "" && (err != nil || got[0] != entries[1] || got[1] != entries[0]):
			t.Errorf("%q: %v, %v", text, got, err)
		case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%q: %v, want %q", text, err, wantErr)
		}
	}
}

// A package with too few messages leaves nothing behind.
func TestIncompletePackage(t *testing.T) {
	file := pack(t, map[string]string{named("spam-1", "x"): "x"})
	out := filepath.Join(t.TempDir(), "below", "corpus")
	err := run(t.Context(), []string{"-out", out, "-tarball", file})
	if err == nil || !strings.Contains(err.Error(), "1 messages, want 6046") {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
