package classify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"fanmill/classify"
)

// BenchmarkStream turns the golden messages into features, as the milter does.
func BenchmarkStream(b *testing.B) {
	files, err := filepath.Glob("testdata/golden/*.eml")
	if err != nil || len(files) == 0 {
		b.Fatalf("no messages in testdata/golden (%v)", err)
	}
	s := classify.NewStream(classify.DefaultOptions())
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(file), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				s.Reset()
				s.Stored(raw)
			}
		})
	}
	b.Run("text of 4 MB", func(b *testing.B) {
		raw := append([]byte("Subject: x\n\n"), bytes.Repeat([]byte("all work and no play makes Jack a dull boy\n"), 100_000)...)
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			s.Reset()
			s.Stored(raw)
		}
	})
}

// BenchmarkScore reads the counts of one message's features.
func BenchmarkScore(b *testing.B) {
	m := classify.Extract(classify.DefaultOptions(), []byte(sample))
	var sc classify.Scorer
	b.ReportAllocs()
	for b.Loop() {
		sc.Score(m.Features, m.Grams, counted{})
	}
}
