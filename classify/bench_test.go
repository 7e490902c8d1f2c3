package classify_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"fanmill/classify"
)

// corpusMessages reads the SpamAssassin corpus into memory.
func corpusMessages(b *testing.B) (msgs [][]byte, size int64) {
	b.Helper()
	files, err := filepath.Glob("../corpus/spamassassin/data/*/*")
	if err != nil || len(files) == 0 {
		b.Fatalf("the SpamAssassin corpus is missing (%v): make corpus", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		msgs, size = append(msgs, raw), size+int64(len(raw))
	}
	return msgs, size
}

// BenchmarkCorpus turns the SpamAssassin corpus into features and grams, a
// message after the other in one Stream, as the milter does.
func BenchmarkCorpus(b *testing.B) { benchmarkCorpus(b, classify.DefaultOptions()) }

// BenchmarkCorpusAttachments notes attachments too.
func BenchmarkCorpusAttachments(b *testing.B) {
	o := classify.DefaultOptions()
	o.Attachments = true
	benchmarkCorpus(b, o)
}

func benchmarkCorpus(b *testing.B, o classify.Options) {
	msgs, size := corpusMessages(b)
	s := classify.NewStream(o)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range msgs {
			s.Reset()
			s.Stored(raw)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(msgs)), "us/msg")
}

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

// BenchmarkArchive has a zip archive of 4 MB, whose listing is at its end.
func BenchmarkArchive(b *testing.B) {
	raw := []byte(attachedAs("application/zip; name=a.zip", "", archiveOf(b, zip.Store, 4<<20, "a.dat", "b.dat")))
	for _, on := range []bool{false, true} {
		o := classify.DefaultOptions()
		o.Attachments = on
		s := classify.NewStream(o)
		b.Run(fmt.Sprintf("attachments=%v", on), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				s.Reset()
				s.Stored(raw)
			}
		})
	}
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
