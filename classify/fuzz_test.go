package classify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fanmill/classify"
)

// FuzzStream feeds any bytes as a message, whole and cut up. Both must give the
// same, the kept form must be read as the same message, and the score is a number.
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
	whole, cut := classify.NewStream(o), classify.NewStream(o)
	var sc classify.Scorer
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		whole.Reset()
		m := whole.Stored(raw)
		c, err := classify.Read(cut, readerOf(nil, raw, 1+int(size)))
		if err != nil || c.Digest != m.Digest || !slices.Equal(c.Features, m.Features) {
			t.Fatalf("cut into %d bytes: digest %v against %v, %d features against %d, error %v", 1+int(size), c.Digest, m.Digest, len(c.Features), len(m.Features), err)
		}
		if s := sc.Score(m.Features, m.Grams, counted{}); !(s.P >= 0 && s.P <= 1) {
			t.Fatalf("score %v", s.P)
		}
		kept := bytes.Clone(m.Canonical)
		cut.Reset()
		if k := cut.Stored(kept); m.Complete && (k.Digest != m.Digest || !slices.Equal(k.Features, m.Features)) {
			t.Fatalf("kept form read as another message: %d features against %d\n%.500q", len(k.Features), len(m.Features), kept)
		}
	})
}
