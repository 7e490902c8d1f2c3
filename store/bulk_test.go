package store

import (
	"math/rand/v2"
	"testing"
)

// many learns n messages of 5 kB and 350 features in batches of 250, one in
// four of them counting.
func many(b *testing.B, db *DB, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]Row, 1000)
	for i := range rows {
		rows[i] = message(i, Ham+Class(i%2), 0)
		rows[i].Features = features(r, 350, 200_000)
		rows[i].Message = text(r, 5000)
		if i%4 == 0 {
			rows[i].Adds = 1
		}
	}
	for i := 0; i < n; i += 250 {
		batch := make([]Row, 250)
		for k := range batch {
			batch[k] = rows[(i+k)%len(rows)]
			batch[k].Digest = digest(i + k)
		}
		learn(b, db, batch...)
	}
}

// BenchmarkForgetMany forgets all of 50,000 messages in one transaction, the
// oldest first, as expiry does.
func BenchmarkForgetMany(b *testing.B) {
	const n = 50_000
	for b.Loop() {
		b.StopTimer()
		db := openAt(b, b.TempDir())
		many(b, db, n)
		cpu := cpuTime(b)
		b.StartTimer()
		err := db.Update(b.Context(), func(tx *Tx) error {
			for i := range n {
				if _, err := tx.Forget("", digest(i), Origin{Source: "expire"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric((cpuTime(b) - cpu).Seconds(), "cpu-s")
		b.StartTimer()
	}
}
