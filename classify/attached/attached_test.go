package attached

import (
	"strings"
	"testing"

	"fanmill/classify/mime"
)

func TestFileEnding(t *testing.T) {
	for name, want := range map[string]string{
		"a.EXE": "exe", "a.tar.gz": "gz", "a": "", "": "", "dir.d/a": "", `dir\a.js`: "js", "a.exe . ": "exe",
		"a.exe::$DATA": "exe", "a\u202efdp.exe": "exe", "a.{3050f4d8-98b5-11cf-bb82-00aa00bdce0b}": "clsid",
		"a." + strings.Repeat("x", 50): strings.Repeat("x", 40),
	} {
		if got := fileEnding(name); got != want {
			t.Errorf("%q: ending %q, want %q", name, got, want)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct{ start, sniffed, runs string }{
		{"MZ\x90\x00", "exe", "exe"},
		{"MZ is how this text begins", "exe", ""},
		{"\x7fELF", "elf", "elf"},
		{"\xca\xfe\xba\xbe\x00\x00\x00\x02", "java", "macho"},
		{"\xca\xfe\xba\xbe\x00\x00\x00\x34", "java", ""},
		{"#!/usr/bin/env -S bash -e\n", "script", "sh"},
		{"#!/usr/bin/python3\n", "script", ""},
		{"\xef\xbb\xbf@ECHO off\r\n", "", "bat"},
		{" <!DOCTYPE html>", "html", ""},
		{"%PDF-1.7", "pdf", ""},
		{"", "", ""},
	} {
		if got := Sniff([]byte(c.start)); got != c.sniffed {
			t.Errorf("%q is %q, want %q", c.start, got, c.sniffed)
		}
		if got := runnable([]byte(c.start)); got != c.runs {
			t.Errorf("%q would be run as %q, want %q", c.start, got, c.runs)
		}
	}
	for _, c := range []struct {
		kind, said string
		fits       bool
	}{{"pdf", "pdf", true}, {"exe", "pdf", false}, {"zip", "vnd.openxmlformats", true}, {"gif", "", true}, {"bmp", "anything", true}} {
		if got := Fits(c.kind, c.said); got != c.fits {
			t.Errorf("%s fits %q: %v", c.kind, c.said, got)
		}
	}
}

// FuzzReaders gives any bytes as an attachment of any kind. Nothing returned is longer
// than what was given, and the list is bounded.
func FuzzReaders(f *testing.F) {
	f.Add([]byte("PK\x03\x04"+strings.Repeat("\x00", 22)+"\x05\x00\x00\x00a.exe"), []byte("PK\x01\x02"))
	f.Add([]byte("\x78\x9f\x3e\x22\x01\x00\x01\x10\x80\x01\x00\x06\x00\x00\x00a.xls\x00"), []byte(nil))
	f.Fuzz(func(t *testing.T, head, end []byte) {
		entries := 0
		for name := range ZipEntries(head) {
			if entries++; len(name) > len(head) || entries > entriesMax {
				t.Fatalf("entry %d of %d bytes", entries, len(name))
			}
		}
		all := 0
		for _, value := range TNEF(head) {
			all += len(value)
		}
		if all > len(head) {
			t.Fatalf("values of %d bytes in %d", all, len(head))
		}
		l := List{On: true}
		l.Data(mime.ParseType([]byte("application/octet-stream; name=a")), head, end)
		l.Text(mime.ParseType([]byte("text/plain; name=a")), head)
		if len(l.Files) > filesMax {
			t.Fatalf("%d files", len(l.Files))
		}
	})
}
