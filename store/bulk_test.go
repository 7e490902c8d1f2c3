package store

import (
	"testing"

	"fanmill/store/storetest"
)

const bulk = 50_000

// many learns bulk messages in batches of 250 and returns their rows.
func many(b *testing.B, db *DB) []Row {
	some := mails(1000)
	all := make([]Row, bulk)
	for i := range all {
		all[i] = some[i%len(some)]
		all[i].Digest = storetest.Digest(i)
	}
	for i := 0; i < bulk; i += 250 {
		learn(b, db, all[i:i+250]...)
	}
	return all
}

// BenchmarkBulk changes 50,000 messages in one transaction: forgets them, the
// oldest first, as expiry does, or gives them the other class.
func BenchmarkBulk(b *testing.B) {
	for name, do := range map[string]func(*Tx, Row) error{
		"forget": func(tx *Tx, row Row) error {
			_, err := tx.Forget("", row.Digest, Origin{Source: "expire"})
			return err
		},
		"flip": func(tx *Tx, row Row) error {
			row.Class, row.Step = Ham+Spam-row.Class, -row.Step
			return tx.Learn(row, Origin{Source: "train"})
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				db := openAt(b, b.TempDir())
				rows := many(b, db)
				cpu := cpuTime(b)
				b.StartTimer()
				err := db.Update(b.Context(), func(tx *Tx) error {
					for _, row := range rows {
						if err := do(tx, row); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric((cpuTime(b) - cpu).Seconds(), "cpu-s")
			}
		})
	}
}
