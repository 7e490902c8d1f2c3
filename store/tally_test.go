package store

import (
	"testing"

	"pgregory.net/rapid"

	"fanmill/store/query"
	"fanmill/store/storetest"
)

// TestTally: whatever happens, and whoever does it, a Tally says what counting all rows says.
func TestTally(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		db, other := openAt(t, dir), openAt(t, dir)
		tally := db.Tally("", "auto", "rule")
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			by := Origin{Source: rapid.SampledFrom([]string{"auto", "rule", "train", "learn"}).Draw(rt, "source")}
			list := rapid.SliceOfN(steps, 0, 20).Draw(rt, "steps")
			update(t, other, func(tx *Tx) error {
				for _, s := range list {
					if err := s.carryOutAs(tx, by, map[step]bool{}); err != nil {
						return err
					}
				}
				return nil
			})
			if rapid.Bool().Draw(rt, "undo") {
				undoAll(t, other, query.Selection{}, 3)
			}
			if rapid.IntRange(0, 4).Draw(rt, "prune") == 0 { // the log begins later then
				update(t, other, func(tx *Tx) error {
					_, err := tx.db.w.Exec("DELETE FROM op")
					return err
				})
			}
			gotBy, gotOthers, err := tally.Count(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			wantBy, wantOthers, err := db.LabelsBy(t.Context(), "", "auto", "rule")
			if err != nil || gotBy != wantBy || gotOthers != wantOthers {
				rt.Fatalf("got %+v and %+v, want %+v and %+v, %v", gotBy, gotOthers, wantBy, wantOthers, err)
			}
		}
	})
}

// BenchmarkTally counts the labels of 100,000 rows, with a Tally and by reading all rows,
// each time after one more was learned.
func BenchmarkTally(b *testing.B) {
	const rows = 100_000
	db := openAt(b, b.TempDir())
	n := 0
	label := func(count int) {
		update(b, db, func(tx *Tx) error {
			for range count {
				n++
				row := Row{Digest: storetest.Digest(n), Class: Ham + Class(n%2), Features: []uint64{}, Grams: []uint32{}}
				if err := tx.Learn(row, Origin{Source: []string{"train", "train", "auto"}[n%3]}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range rows / 5000 {
		label(5000)
	}
	tally := db.Tally("", "auto")
	for name, count := range map[string]func() error{
		"tally": func() error { _, _, err := tally.Count(b.Context()); return err },
		"rows":  func() error { _, _, err := db.LabelsBy(b.Context(), "", "auto"); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				label(1)
				b.StartTimer()
				if err := count(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
