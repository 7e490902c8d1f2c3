package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"fanmill/training/corpus"
)

// cutMbox has a message that can be read before the place where it is cut.
var cutMbox = "From a@example.org Mon Nov 16 10:00:00 2026\nSubject: before the cut\n\nwhole\n\n" +
	"From a@example.org Mon Nov 16 10:00:00 2026\nSubject: cut\n\n" + strings.Repeat("x\n", 100)

// damages make what a script cannot.
var damages = map[string]func(path string) error{
	"gzip": func(path string) error {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, cutMbox) // a bytes.Buffer takes everything
		_ = z.Close()
		return os.WriteFile(path, b.Bytes()[:b.Len()-9], 0o644)
	},
	"zstd": func(path string) error {
		z, err := zstd.NewWriter(nil)
		if err != nil {
			return err
		}
		b := z.EncodeAll([]byte(cutMbox), nil)
		return os.WriteFile(path, b[:len(b)-9], 0o644)
	},
	"bzip2": func(path string) error { // there is no writer for it
		b, err := os.ReadFile(filepath.Join(packageDir, "../../training/corpus/testdata/two.mbox.bz2"))
		if err != nil {
			return err
		}
		return os.WriteFile(path, b[:len(b)-9], 0o644)
	},
	"large": func(path string) error { // one byte over the limit, most of them a hole
		if err := os.WriteFile(path, []byte("Subject: large\n\n"), 0o644); err != nil {
			return err
		}
		return os.Truncate(path, corpus.DefaultMaxMessage+1)
	},
	"fifo": func(path string) error { return syscall.Mkfifo(path, 0o644) },
}

var packageDir, _ = os.Getwd() // scripts run elsewhere

func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || damages[args[0]] == nil {
		ts.Fatalf("usage: damage gzip|zstd|bzip2|large|fifo PATH")
	}
	ts.Check(damages[args[0]](ts.MkAbs(args[1])))
}
