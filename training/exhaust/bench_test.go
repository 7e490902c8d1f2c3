package exhaust

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store"
)

const madeUp = 50_000

// madeUpLedger has as many labels, of some 300 features and 900 n-grams each.
func madeUpLedger(b *testing.B) *store.DB {
	b.Helper()
	db, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	r := rand.New(rand.NewPCG(1, 2))
	for n := 0; n < madeUp; n += 500 {
		err := db.Update(b.Context(), func(tx *store.Tx) error {
			for i := range 500 {
				row := store.Row{Class: store.Ham + store.Class(i%2), Adds: 1, Step: 1 << 10}
				binary.LittleEndian.PutUint64(row.Digest[:], r.Uint64())
				for range 300 {
					row.Features = append(row.Features, 1+uint64(300_000*r.Float64()*r.Float64())<<40)
				}
				for range 900 {
					row.Grams = append(row.Grams, uint32(r.IntN(classify.Buckets)))
				}
				row.Features, row.Grams = distinct(row.Features), distinct(row.Grams)
				if err := tx.Learn(row, store.Origin{Source: "train"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return db
}

func distinct[T uint32 | uint64](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// BenchmarkSave writes the result of a run over 50,000 labels, in one transaction: with
// other scores only, which is what becomes of most labels of a ledger that was trained, or
// with other counts and steps too. Other writers wait as long as it takes.
func BenchmarkSave(b *testing.B) {
	for name, adds := range map[string]int{"scores": 1, "all": 2} {
		b.Run(name, func(b *testing.B) {
			db := madeUpLedger(b)
			c, err := Gather(b.Context(), db, Sources{Classify: classify.DefaultOptions()})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			before := userTime(b)
			for b.Loop() {
				for _, m := range c.Messages {
					m.Adds, m.Step = adds, int64(adds)<<10
					m.Before.C++
				}
				if adds++; name == "scores" {
					adds = 1
				}
				s, err := c.Save(b.Context(), db, store.Origin{Source: store.Exhaust}, func(*Message) bool { return false })
				if err != nil || s.Needed != madeUp {
					b.Fatalf("%+v, %v", s, err)
				}
			}
			b.ReportMetric((userTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}

func userTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
