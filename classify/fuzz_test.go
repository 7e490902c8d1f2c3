package classify_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf8"

	"fanmill/classify"
	"fanmill/classify/attached"
)

// FuzzStream feeds any bytes as a message, whole and cut up, with and without notes of
// attachments. Both must give the same, the kept form must be read as the same message, and the score is a number.
func FuzzStream(f *testing.F) {
	f.Add([]byte(sample), uint8(7))
	files, err := filepath.Glob("testdata/golden/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no messages in testdata/golden (%v)", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(13))
	}
	o := classify.DefaultOptions()
	o.Keep = 8 << 20
	cut := classify.NewStream(o)
	o.Attachments = true
	whole := classify.NewStream(o)
	var sc classify.Scorer
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		whole.Reset()
		m := whole.Stored(raw)
		c, err := classify.Read(cut, readerOf(nil, raw, 1+int(size)))
		if err != nil || c.Digest != m.Digest || !slices.Equal(c.Features, m.Features) {
			t.Fatalf("cut into %d bytes: digest %v against %v, %d features against %d, error %v", 1+int(size), c.Digest, m.Digest, len(c.Features), len(m.Features), err)
		}
		if s := sc.ScoreMessage(m, counted{}); !(s.P >= 0 && s.P <= 1) {
			t.Fatalf("score %v", s.P)
		}
		kept := bytes.Clone(m.Canonical)
		cut.Reset()
		if k := cut.Stored(kept); m.Complete && (k.Digest != m.Digest || !slices.Equal(k.Features, m.Features)) {
			t.Fatalf("kept form read as another message: %d features against %d\n%.500q", len(k.Features), len(m.Features), kept)
		}
	})
}

// FuzzAttachments attaches any bytes under any name, whole and cut up. Both must find the
// same, bounded attachments, and a name that Windows would run is among them.
func FuzzAttachments(f *testing.F) {
	f.Add("attachment; filename=a.exe", []byte("MZ\x90\x00"), uint8(1))
	f.Add(`attachment; filename*1*=.js; filename*0*=utf-8''%e4`, []byte("#!/usr/bin/env bash\n"), uint8(7))
	f.Add("attachment; filename=\"=?utf-8?B?0YHRh9GR0YIuZXhl?=\"", archiveOf(f, zip.Store, 5000, "a.txt", "b.exe"), uint8(60))
	o := classify.DefaultOptions()
	o.Attachments = true
	whole, cut := classify.NewStream(o), classify.NewStream(o)
	f.Fuzz(func(t *testing.T, disposition string, content []byte, size uint8) {
		raw := []byte(attachedAs("application/octet-stream; name=last.exe", disposition, content))
		whole.Reset()
		m := whole.Stored(raw)
		c, err := classify.Read(cut, readerOf(nil, raw, 1+int(size)))
		if err != nil || !slices.Equal(c.Attachments, m.Attachments) {
			t.Fatalf("cut into %d bytes: %+v, %v; whole: %+v", 1+int(size), c.Attachments, err, m.Attachments)
		}
		for _, a := range m.Attachments {
			if len(a.Name) > 255 || len(a.Ending) > 40 || !utf8.ValidString(a.Name) || !utf8.ValidString(a.Ending) {
				t.Fatalf("%+v", a)
			}
		}
		if len(m.Attachments) > 200 || !slices.ContainsFunc(m.Attachments, func(a attached.File) bool { return a.Ending == "exe" }) {
			t.Fatalf("%d attachments, none of them last.exe", len(m.Attachments))
		}
	})
}
