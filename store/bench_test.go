package store

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/storetest"
)

const million = 1_000_000

// trained opens a ledger whose site model holds a million features: 5,000 messages
// of 200 new features each.
func trained(tb testing.TB, dir string) *DB {
	db := openAt(tb, dir)
	feature := uint64(0)
	for n := 0; n < 5000; n += 250 {
		rows := make([]Row, 250)
		for i := range rows {
			rows[i] = message(n+i, Ham+Class(i%2), 1)
			rows[i].Features = make([]uint64, 200)
			for j := range rows[i].Features {
				feature++
				rows[i].Features[j] = feature << 40 // ascending, and not spread at all
			}
		}
		learn(tb, db, rows...)
	}
	return db
}

func BenchmarkLookup300OfMillion(b *testing.B) {
	db := trained(b, b.TempDir())
	m := mustModel(b, db, "")
	r := rand.New(rand.NewPCG(1, 2))
	lists := make([][]uint64, 64)
	for i := range lists {
		lists[i] = make([]uint64, 300)
		for j := range lists[i] {
			lists[i][j] = r.Uint64N(2*million) << 40
		}
	}
	out := make([]classify.Count, 300)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m.Lookup(lists[i%len(lists)], out)
		i++
	}
}

func BenchmarkStartMillion(b *testing.B) {
	for _, from := range []string{"snapshot", "rows"} {
		b.Run(from, func(b *testing.B) {
			dir := b.TempDir()
			db := trained(b, dir)
			if err := db.WriteSnapshot(); err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if from == "rows" {
					os.Remove(dir + "/" + ledger.SnapshotName)
				}
				db, err := Open(b.Context(), Options{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				if n := mustModel(b, db, "").Features(); n != million {
					b.Fatal(n)
				}
				b.StopTimer()
				db.Close()
				b.StartTimer()
			}
		})
	}
}

func BenchmarkWriteSnapshotMillion(b *testing.B) {
	db := trained(b, b.TempDir())
	for b.Loop() {
		if err := db.WriteSnapshot(); err != nil {
			b.Fatal(err)
		}
	}
}

// mails returns rows of messages of 5 kB with 350 features and 1,300 grams, one in
// four counting and one in four with a step: what near-error training makes.
func mails(n int) []Row {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = message(i, Ham+Class(i%2), 0)
		rows[i].Features, rows[i].Grams = storetest.Features(r, 350, 200_000), storetest.Buckets(r, 1300)
		rows[i].Message = text(r, 5000)
		rows[i].Step = 0
		if i%4 == 0 {
			rows[i].Adds = 1
		}
		if i%4 == i/4%4 {
			rows[i].Step = int64(i%2*2-1) << 15
		}
	}
	return rows
}

// BenchmarkUpdate learns such messages in batches of 250.
func BenchmarkUpdate(b *testing.B) {
	db := openAt(b, b.TempDir())
	rows := mails(2000)
	cpu := cpuTime(b)
	n := 0
	for b.Loop() {
		err := db.Update(b.Context(), func(tx *Tx) error {
			for range 250 {
				row := rows[n%len(rows)]
				row.Digest = storetest.Digest(n)
				n++
				if _, _, err := tx.Find("", row.Digest); err != nil {
					return err
				}
				if err := tx.Learn(row, Origin{Actor: "root", Source: "train"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(n), "cpu-µs/message")
}

// BenchmarkRebuild10000 builds the model of 10,000 such messages from their rows.
func BenchmarkRebuild10000(b *testing.B) {
	db := openAt(b, b.TempDir())
	rows := mails(10_000)
	for len(rows) > 0 {
		learn(b, db, rows[:500]...)
		rows = rows[500:]
	}
	cpu := cpuTime(b)
	n := 0
	for b.Loop() {
		if err := db.Rebuild(b.Context()); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric((cpuTime(b)-cpu).Seconds()/float64(n), "cpu-s/rebuild")
}

func BenchmarkCatchUpNothingNew(b *testing.B) {
	db := openAt(b, b.TempDir())
	learn(b, db, message(1, Ham, 1))
	for b.Loop() {
		if _, err := db.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCatchUp(b *testing.B) {
	dir := b.TempDir()
	db, other := openAt(b, dir), openAt(b, dir)
	n := 0
	for b.Loop() {
		b.StopTimer()
		rows := make([]Row, 500)
		for i := range rows {
			n++
			rows[i] = message(n, Spam, 1)
			rows[i].Features = storetest.Features(rand.New(rand.NewPCG(2, uint64(n))), 350, 200_000)
		}
		learn(b, other, rows...)
		b.StartTimer()
		if _, err := db.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/op-applied")
}

// text returns n bytes that compress about as mail does.
func text(r *rand.Rand, n int) []byte {
	words := strings.Fields("the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you were")
	var b strings.Builder
	for b.Len() < n {
		if r.IntN(3) == 0 {
			b.WriteString(strconv.FormatUint(r.Uint64N(1<<30), 36))
		} else {
			b.WriteString(words[r.IntN(len(words))])
		}
		b.WriteByte(' ')
	}
	return []byte(b.String()[:n])
}

// TestMillionFeaturesFitMemory holds the figures for a million features: heap in
// use under 40 MB, and the process under 64 MB, also while it starts and learns.
func TestMillionFeaturesFitMemory(t *testing.T) {
	dir := t.TempDir()
	db := trained(t, dir)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	if m.HeapInuse > 40e6 {
		t.Errorf("heap in use is %d bytes, want under 40 MB", m.HeapInuse)
	}
	if err := db.WriteSnapshot(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	out := storetest.StartChild(t, "memory", dir).Rest(t)
	t.Logf("%s in %s", strings.TrimSpace(out), time.Since(start))
	var rss int
	for _, line := range strings.Split(out, "\n") {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "VmHWM:" {
			rss, _ = strconv.Atoi(f[1])
		}
	}
	if rss == 0 || rss*1024 > 64e6 && !raceEnabled {
		t.Errorf("resident set grew to %d kB, want under 64 MB", rss)
	}
}

// BenchmarkColdScope opens a ledger of 100,000 scopes with ten labels each, and reads
// scopes that are not in memory; the first of it is the opening, reported by itself.
func BenchmarkColdScope(b *testing.B) {
	dir := b.TempDir()
	db := openAt(b, dir)
	const scopes, labels = 100_000, 10
	for n := 0; n < scopes*labels; n += 2000 {
		rows := make([]Row, 2000)
		for i := range rows {
			rows[i] = message((n+i)%1000, Ham+Class(i%2), 1)
			rows[i].Digest[31], rows[i].Digest[30], rows[i].Digest[29] = byte(n+i), byte((n+i)>>8), byte((n+i)>>16)
			rows[i].Scope = "user" + strconv.Itoa((n+i)/labels) + "@example.org"
			rows[i].Features, rows[i].Grams = rows[i].Features[:min(len(rows[i].Features), 100)], []uint32{1}
		}
		learn(b, db, rows...)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	db = openAt(b, dir)
	opening := time.Since(begin)
	n := 0
	for b.Loop() {
		mustModel(b, db, "user"+strconv.Itoa(n*7919%scopes)+"@example.org")
		n++
	}
	b.ReportMetric(float64(opening.Milliseconds()), "ms/open")
}
