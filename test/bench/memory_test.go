package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
)

// BenchmarkMemory scores mail in memory with a model in memory, one message after
// the other: what the filter itself costs in the milter, without files and lines
// of output.
func BenchmarkMemory(b *testing.B) {
	for _, set := range sets {
		m := set.files(b)
		raws := make([][]byte, 0, len(m.all()))
		for _, file := range m.all() {
			raw, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			raws = append(raws, raw)
		}
		model := trainedModel(b, m)
		b.Run(set.name, func(b *testing.B) {
			stream, scorer := classify.NewStream(classify.DefaultOptions()), new(classify.Scorer)
			allocs, began := mallocs(), cpuTime(b)
			for b.Loop() {
				for _, raw := range raws {
					stream.Reset()
					msg := stream.Stored(raw)
					scorer.ScoreMessage(msg, model)
				}
			}
			used := cpuTime(b) - began
			b.ReportMetric(float64(mallocs()-allocs)/float64(b.N*len(raws)), "allocs/msg")
			report(b, used, m)
		})
	}
}

// trainedModel returns the model that a ledger trained with m has.
func trainedModel(b *testing.B, m mailFiles) classify.Model {
	b.Helper()
	dir := b.TempDir()
	trainAll(b, fanmill{}, dir, m)
	db, err := store.Open(b.Context(), store.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	model, err := db.Model("")
	if err != nil {
		b.Fatal(err)
	}
	return model
}

// BenchmarkSize takes the features of messages from 1 kB to 10 MB. Beyond the
// bounds of classify.Options a byte costs what it takes to find the parts and to
// make the digest.
func BenchmarkSize(b *testing.B) {
	raw, err := os.ReadFile("../mail/ham/en-list-digest.eml")
	if err != nil {
		b.Fatal(err)
	}
	kinds := []struct {
		name string
		body func(*mixer, int)
	}{
		{"text", func(m *mixer, size int) {
			m.begin("mixed")
			m.part("text/plain; charset=utf-8", "8bit", "")
			for m.out.Len() < size {
				m.out.Write(m.sentence(len(m.words)))
			}
			m.end()
		}},
		{"html", func(m *mixer, size int) {
			m.begin("mixed")
			m.part("text/html; charset=utf-8", "8bit", "")
			m.out.Write(m.markup(size - m.out.Len()))
			m.end()
		}},
		{"attachment", (*mixer).pdf},
	}
	stream := classify.NewStream(classify.DefaultOptions())
	for _, kind := range kinds {
		for size := 1000; size <= 10_000_000; size *= 10 {
			mix := &mixer{rng: rand.New(rand.NewPCG(2002, 2026))}
			mix.read(raw)
			kind.body(mix, size)
			msg := mix.out.Bytes()
			b.Run(fmt.Sprintf("%s/%dkB", kind.name, size/1000), func(b *testing.B) {
				began := cpuTime(b)
				for b.Loop() {
					stream.Reset()
					stream.Stored(msg)
				}
				b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N*len(msg)), "ns-cpu/byte")
			})
		}
	}
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
