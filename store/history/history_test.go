package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/store/disk"
	"fanmill/store/sqlite"
	"fanmill/store/storetest"
)

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.ns.Store(time.Date(2026, 3, 14, 12, 0, 0, 0, time.Local).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

func historyAt(t *testing.T, dir string, c *clock, change func(*Options)) *History {
	t.Helper()
	o := Options{Dir: dir, Subject: true, Addresses: true, Features: true}
	if change != nil {
		change(&o)
	}
	h, err := open(t.Context(), o, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func record(n int, c *clock) Record {
	return Record{
		ID: fmt.Sprintf("id%d", n), Time: c.now(), QueueID: "4Q", Client: "192.0.2.1", Sender: "anna@example.org",
		Recipients: []string{"ben@example.net", "carl_x@example.net"}, Subject: "100% off", From: "Anna <anna@example.org>",
		MessageID: "<1@example.org>", Size: 12345, Digest: storetest.Digest(n), Verdict: "ham",
		Score: classify.Score{P: 0.1, LogOdds: -2.2, C: -3, E: 1, L: 0.5, Clues: 7}, Outcome: "accept", Rule: "default",
		Scope: "ben", Features: []uint64{1, 2, 1 << 63}, Grams: []uint32{0, 300, classify.Buckets - 1}, Unscored: n%2 == 1,
	}
}

func flush(t *testing.T, h *History) {
	t.Helper()
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryGivesBackWhatItGot(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	in := record(1, c)
	in.Time = in.Time.Truncate(time.Microsecond)
	h.Add(in)
	want := in
	want.Version = int64(classify.FeatureVersion)
	want.Recipients, want.Features, want.Grams = slices.Clone(in.Recipients), slices.Clone(in.Features), slices.Clone(in.Grams)
	in.Recipients[0], in.Features[0], in.Grams[1] = "changed", 99, 7 // the caller's again
	flush(t, h)
	h.Close()
	h = historyAt(t, dir, c, nil)
	got, err := h.Get(t.Context(), "id1")
	if err != nil || !got.Time.Equal(want.Time) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got.Time = want.Time
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if _, err := h.Get(t.Context(), "id2"); !errors.Is(err, ErrNoRecord) {
		t.Errorf("no record: %v", err)
	}
	if size, err := h.Size(); err != nil || size == 0 {
		t.Errorf("size %d, %v", size, err)
	}
}

// TestHistoryKeepsOnlyWhatIsWanted: each of the three switches takes away its part
// and no other, also from the bytes of the files.
func TestHistoryKeepsOnlyWhatIsWanted(t *testing.T) {
	c := newClock()
	for name, tt := range map[string]struct {
		off  func(*Options)
		want func(*Record)
		not  []string // must not be in the files
	}{
		"all":       {func(*Options) {}, func(*Record) {}, nil},
		"subject":   {func(o *Options) { o.Subject = false }, func(r *Record) { r.Subject = "" }, []string{"100% off"}},
		"addresses": {func(o *Options) { o.Addresses = false }, func(r *Record) { r.Sender, r.Recipients, r.From = "", nil, "" }, []string{"anna@", "ben@"}},
		"features":  {func(o *Options) { o.Features = false }, func(r *Record) { r.Features, r.Grams, r.Version = nil, nil, 0 }, []string{featureBytes}},
	} {
		h := historyAt(t, t.TempDir(), c, tt.off)
		r := record(1, c)
		r.Features[1] = feature(featureBytes)
		h.Add(r)
		flush(t, h)
		got, err := h.Get(t.Context(), "id1")
		if err != nil {
			t.Fatal(err)
		}
		want := r
		want.Version = int64(classify.FeatureVersion)
		tt.want(&want)
		want.Time, got.Time = want.Time.Truncate(time.Microsecond).UTC(), got.Time.UTC()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("without %s: got %+v\nwant %+v", name, got, want)
		}
		for _, text := range []string{"100% off", "anna@", "ben@", featureBytes} {
			if found := inFiles(t, h, text); found == slices.Contains(tt.not, text) {
				t.Errorf("without %s: %q in the files: %v", name, text, found)
			}
		}
	}
}

// featureBytes is a feature as it lies on disk.
const featureBytes = "feature!"

// integer returns the number that a query yields.
func integer(t *testing.T, h *History, query string) (n int64) {
	t.Helper()
	err := h.r.Ask(t.Context(), "count", func(c *sqlite.Conn) (err error) {
		n, err = c.Integer(query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// inFiles looks for text in the bytes of database and log.
func inFiles(t *testing.T, h *History, text string) bool {
	t.Helper()
	for _, name := range []string{h.path, h.path + "-wal"} {
		raw, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(text)) {
			return true
		}
	}
	return false
}

func TestHistoryFind(t *testing.T) {
	c := newClock()
	h := historyAt(t, t.TempDir(), c, nil)
	for n := range 5 {
		r := record(n, c)
		switch n {
		case 1:
			r.Subject = "Invoice_7"
		case 2:
			r.Sender, r.From, r.Verdict, r.Outcome = "dora@example.com", "Dora", "spam", "reject"
		case 3:
			r.Recipients = []string{"carlyx@example.net"}
		}
		h.Add(r)
		c.advance(time.Hour)
	}
	flush(t, h)
	for _, q := range []struct {
		query Query
		want  string
	}{
		{Query{}, "id4 id3 id2 id1 id0"},
		{Query{Limit: 2}, "id4 id3"},
		{Query{Since: c.now().Add(-150 * time.Minute)}, "id4 id3"},
		{Query{Until: c.now().Add(-4 * time.Hour)}, "id0"},
		{Query{Since: c.now().Add(-4 * time.Hour), Until: c.now().Add(-2 * time.Hour)}, "id2 id1"},
		{Query{Outcome: "reject"}, "id2"},
		{Query{Outcome: "reject", Verdict: "ham"}, ""},
		{Query{Subject: "invoice_"}, "id1"},
		{Query{Subject: "0% OFF"}, "id4 id3 id2 id0"},
		{Query{Subject: "0%f"}, ""},
		{Query{From: "DORA"}, "id2"},
		{Query{From: "anna", Limit: 1}, "id4"},
		{Query{To: "carl_x"}, "id4 id2 id1 id0"},
		{Query{Verdict: "spam"}, "id2"},
		{Query{Verdict: "ham", To: "ben@", From: "anna <", Subject: "off", Since: c.now().Add(-210 * time.Minute)}, "id4"},
		{Query{Subject: `\`}, ""},
		{Query{From: "' OR 1=1 --"}, ""},
	} {
		list, err := h.Find(t.Context(), q.query)
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
			if r.Features != nil || r.Rule != "default" {
				t.Errorf("%+v: %+v", q.query, r)
			}
		}
		if got := strings.Join(ids, " "); got != q.want || err != nil {
			t.Errorf("%+v: %q, want %q (%v)", q.query, got, q.want, err)
		}
	}
}

func TestDailyCounters(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	day := Day(c.now())
	old := Day(c.now().AddDate(0, 0, -2))
	for range 3 {
		h.Count(day, "accept", "default", 2)
		flush(t, h)
	}
	h.Count(day, "reject", "default", 1)
	h.Count(day, "accept", "people", 5)
	h.Count(old, "accept", "default", 7)
	h.Close()
	h = historyAt(t, dir, c, nil)
	today := []DayCount{{day, "accept", "default", 6}, {day, "accept", "people", 5}, {day, "reject", "default", 1}}
	for days, want := range map[int][]DayCount{1: today, 2: today, 3: append([]DayCount{{old, "accept", "default", 7}}, today...)} {
		if got, err := h.Daily(t.Context(), days); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d days: %v, %v", days, got, err)
		}
	}
}

func TestDailyTable(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	day := Day(c.now())
	old := Day(c.now().AddDate(0, 0, -2))
	for range 3 {
		h.Tally(day, "accept", "held", "total")
		flush(t, h)
	}
	h.Tally(day, "accept", "total")
	h.Tally(old, "failed", "total")
	h.Close()
	h.Tally(day, "accept", "total")
	h = historyAt(t, dir, c, nil)
	today := []DayTally{{day, "accept", 4}, {day, "held", 3}, {day, "total", 4}}
	for days, want := range map[int][]DayTally{1: today, 2: today, 3: append([]DayTally{{old, "failed", 1}, {old, "total", 1}}, today...)} {
		if got, err := h.Table(t.Context(), days); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d days: %v, %v", days, got, err)
		}
	}
}

// TestOlderHistory: one that was made before there was a daily table gets it, with all
// else as it was.
func TestOlderHistory(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	day := Day(c.now())
	h := historyAt(t, dir, c, nil)
	h.Count(day, "accept", "default", 2)
	h.Close()
	storetest.SQL(t, filepath.Join(dir, fileName), "DROP TABLE tally; UPDATE meta SET value = 1 WHERE key = 'schema'")
	if _, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true}); !errors.Is(err, sqlite.ErrOlder) {
		t.Errorf("opened to read: %v, want that it is older", err)
	}
	h = historyAt(t, dir, c, nil)
	h.Tally(day, "accept", "total")
	flush(t, h)
	if got, err := h.Daily(t.Context(), 1); err != nil || len(got) != 1 || got[0].N != 2 {
		t.Errorf("counters %v, %v", got, err)
	}
	if got, err := h.Table(t.Context(), 1); err != nil || len(got) != 2 {
		t.Errorf("table %v, %v", got, err)
	}
}

// pruneAll takes all the steps that the writing goroutine would take now.
func pruneAll(t *testing.T, h *History) {
	t.Helper()
	withHistorian(t, h, func(hist *historian) {
		for hist.prune() == pruneGap {
		}
	})
}

func usedBytes(t *testing.T, h *History) (n int64) {
	t.Helper()
	withHistorian(t, h, func(hist *historian) {
		var err error
		if n, err = hist.used(); err != nil {
			t.Fatal(err)
		}
	})
	return n
}

func withHistorian(t *testing.T, h *History, fn func(*historian)) {
	t.Helper()
	w, err := sqlite.Connect(h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	fn(&historian{History: h, w: w})
}

func ids(t *testing.T, h *History) map[string]bool {
	t.Helper()
	list, err := h.Find(t.Context(), Query{Limit: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, r := range list {
		set[r.ID] = true
	}
	return set
}

func TestHistoryForgetsAfterDays(t *testing.T) {
	c := newClock()
	h := historyAt(t, t.TempDir(), c, func(o *Options) { o.Days = 3 })
	for n := range 6 {
		r := record(n, c)
		r.Outcome = []string{"reject", "accept", "hold"}[n%3]
		h.Add(r)
		c.advance(24 * time.Hour)
	}
	flush(t, h)
	pruneAll(t, h)
	if got := ids(t, h); len(got) != 3 || !got["id5"] || !got["id4"] || !got["id3"] {
		t.Errorf("left: %v", got)
	}
	if n := integer(t, h, "SELECT count(*) FROM feature"); n != 3 {
		t.Errorf("%d feature lists", n)
	}
}

// TestWhatMayGoEarly: only records of mail that was delivered with a verdict that
// nobody need look at; by default for 14 days and 1 GiB.
func TestWhatMayGoEarly(t *testing.T) {
	for _, verdict := range []string{"ham", "unsure", "spam", ""} {
		for _, outcome := range []string{"accept", "tag", "quarantine", "hold", "delay", "discard", "reject", "fail"} {
			want := (outcome == "accept" || outcome == "tag") && verdict != "unsure"
			if got := (&Record{Verdict: verdict, Outcome: outcome}).pressing(); got != want {
				t.Errorf("%s, %s: %v, want %v", verdict, outcome, got, want)
			}
		}
	}
	h, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if h.opts.Days != 14 || h.opts.MaxBytes != 1<<30 {
		t.Errorf("%d days, %d bytes", h.opts.Days, h.opts.MaxBytes)
	}
}

// TestHistoryUnderPressure: under a limit that the history exceeds more and more, the
// features of accepted mail go first and the oldest first, then its records, then other
// features; what was refused, held or unsure stays.
func TestHistoryUnderPressure(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	var log storetest.Log
	h := historyAt(t, dir, c, func(o *Options) { o.Logger = log.Logger() })
	const n = 1500
	protected := func(i int) bool { return i%3 != 0 }
	for i := range n {
		r := record(i, c)
		r.Features = make([]uint64, 300)
		switch i % 3 {
		case 1:
			r.Outcome, r.Verdict = "reject", "spam"
		case 2:
			r.Outcome, r.Verdict = "tag", "unsure"
		}
		h.Add(r)
		if i%100 == 0 {
			flush(t, h)
		}
		c.advance(time.Second)
	}
	flush(t, h)
	state := func() (accepted, acceptedFeatures, others, otherFeatures int64) {
		return integer(t, h, "SELECT count(*) FROM record WHERE pressing"), integer(t, h, "SELECT count(*) FROM feature WHERE pressing"),
			integer(t, h, "SELECT count(*) FROM record WHERE NOT pressing"), integer(t, h, "SELECT count(*) FROM feature WHERE NOT pressing")
	}
	check := func(what string, ok bool) {
		t.Helper()
		if !ok {
			a, af, o, of := state()
			t.Errorf("%s: accepted %d with %d feature lists, others %d with %d", what, a, af, o, of)
		}
	}
	full := usedBytes(t, h)
	h.opts.MaxBytes = full
	pruneAll(t, h)
	a, af, o, of := state()
	check("below the limit", a == 500 && af == 500 && o == 1000 && of == 1000)

	h.opts.MaxBytes = full * 8 / 10
	pruneAll(t, h)
	a, af, o, of = state()
	check("features of accepted mail first", a == 500 && af < 500 && o == 1000 && of == 1000)

	h.opts.MaxBytes = full * 5 / 10
	pruneAll(t, h)
	a, af, o, of = state()
	check("then accepted mail", a < 500 && af == 0 && o == 1000 && of < 1000)

	h.opts.MaxBytes = 1
	pruneAll(t, h)
	a, af, o, of = state()
	check("what must stay", a == 0 && af == 0 && o == 1000 && of == 0)
	for i := range n {
		if got := ids(t, h)[fmt.Sprintf("id%d", i)]; got != protected(i) {
			t.Fatalf("record %d: %v", i, got)
		}
		if i > 5 {
			break
		}
	}
	if k := log.Count("is over its limit"); k != 1 {
		t.Errorf("logged %d times: %s", k, log.String())
	}
	h.Close() // writes the log back
	if after, err := h.Size(); err != nil || after > full/4 {
		t.Errorf("the files take %d bytes of %d, %v", after, full, err)
	}
}

// TestHistoryDoesNotWaitForDisk: Add returns while another process has the database
// locked; the queue is bounded, what does not fit is counted, and the rest is written
// when the lock has gone.
func TestHistoryDoesNotWaitForDisk(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	var log storetest.Log
	h := historyAt(t, dir, c, func(o *Options) { o.Logger = log.Logger() })
	lock, err := sqlite.Connect(h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := sqlite.Retry(t.Context(), time.Minute, func() error { return lock.Run("BEGIN IMMEDIATE") }); err != nil {
		t.Fatal(err)
	}
	const n = 3 * queueRecords
	for i := range n {
		h.Add(record(i, c))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := h.Flush(ctx); err == nil {
		t.Error("flushed into a locked database")
	}
	storetest.Eventually(t, 20*time.Second, "the fault is logged", func() bool { return log.Count("cannot write the history") == 1 })
	if err := lock.Run("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	flush(t, h)
	got := len(ids(t, h))
	if got < queueRecords || got > 2*queueRecords {
		t.Errorf("%d of %d records, want between %d and %d", got, n, queueRecords, 2*queueRecords)
	}
	if log.Count("records dropped") == 0 || log.Count("writing the history again") != 1 {
		t.Errorf("log: %s", log.String())
	}
	h.Close()
	h.Add(record(1, c))
	h.Count("2026-01-01", "accept", "", 1)
	flush(t, h)
	if _, err := h.Get(t.Context(), "id1"); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("get after close: %v", err)
	}
}

func TestHistoryConcurrentUse(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				h.Add(record(1000*g+i, c))
				h.Count("2026-03-14", "accept", "default", 1)
				if i%20 == 0 {
					if _, err := h.Find(t.Context(), Query{}); err != nil {
						t.Error(err)
					}
					if err := h.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = historyAt(t, dir, c, func(o *Options) { o.ReadOnly = true })
	h.Add(record(9, c))
	days, err := h.Daily(t.Context(), 1)
	if n := len(ids(t, h)); n != 400 || err != nil || len(days) != 1 || days[0].N != 400 {
		t.Errorf("%d records, counters %v, %v", n, days, err)
	}
}

func TestUnusableHistory(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no history: %v", err)
	}
	historyAt(t, dir, newClock(), nil).Close()
	storetest.SQL(t, filepath.Join(dir, fileName), "UPDATE meta SET value = 99 WHERE key = 'schema'")
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, sqlite.ErrNewer) {
		t.Errorf("newer history: %v", err)
	}
	storetest.Edit(t, filepath.Join(dir, fileName), func(b []byte) []byte { return b[:len(b)/2] })
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, sqlite.ErrDamaged) {
		t.Errorf("damaged history: %v", err)
	}
}

// TestVerdicts counts what was scored in the last days, by scope or of all mail, from
// the oldest record of accepted mail on: those before it may be what space was made around.
func TestVerdicts(t *testing.T) {
	c := newClock()
	h := historyAt(t, t.TempDir(), c, nil)
	n := 0
	add := func(count int, verdict, outcome, scope string) {
		for range count {
			r := record(2*n, c) // even: scored
			r.Verdict, r.Outcome, r.Scope = verdict, outcome, scope
			r.Unscored = verdict == ""
			n++
			h.Add(r)
		}
	}
	add(1, "ham", "accept", "")
	c.advance(3 * 24 * time.Hour)
	add(2, "ham", "accept", "")
	add(3, "spam", "hold", "anna")
	add(4, "", "accept", "anna")
	add(5, "unsure", "tag", "anna")
	add(6, "ham", "accept", "anna")
	want := func(what, scope string, days int, want Verdicts) {
		t.Helper()
		flush(t, h)
		if got, err := h.Verdicts(t.Context(), scope, days); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
		}
	}
	want("all mail", "", 30, Verdicts{Ham: 9, Unsure: 5, Spam: 3})
	want("since yesterday", "", 1, Verdicts{Ham: 8, Unsure: 5, Spam: 3})
	want("anna's", "anna", 30, Verdicts{Ham: 6, Unsure: 5, Spam: 3})
	want("nobody's", "bert", 30, Verdicts{})

	other := historyAt(t, t.TempDir(), c, nil)
	h = other
	add(3, "spam", "hold", "")
	want("only what is never short of space", "", 30, Verdicts{})
	add(1, "ham", "accept", "")
	add(2, "spam", "hold", "")
	want("from the first accepted", "", 30, Verdicts{Ham: 1, Spam: 2})
}

func TestMessageIDs(t *testing.T) {
	h := historyAt(t, t.TempDir(), newClock(), nil)
	const records = 2*idsAtOnce + 1
	for i := range records {
		h.Add(Record{ID: fmt.Sprintf("%016d", i), Digest: storetest.Digest(i), MessageID: fmt.Sprint(i)})
		if i%500 == 0 {
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := h.MessageIDs(t.Context(), func(d classify.Digest, id string) {
		if d != storetest.Digest(n) || id != fmt.Sprint(n) {
			t.Fatalf("record %d has %s and %q", n, d, id)
		}
		n++
	})
	if err != nil || n != records {
		t.Errorf("%d of %d, %v", n, records, err)
	}
}

// TestOnlyReading: a history at rest is read where nothing may be written.
func TestOnlyReading(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	h := historyAt(t, dir, c, nil)
	h.Add(record(1, c))
	h.Close()
	storetest.OnlyReading(t, dir, func() {
		h, err := Open(t.Context(), Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if _, err := h.Get(t.Context(), "id1"); err != nil {
			t.Error(err)
		}
	})
}

// TestBackupAndRestore: a backup has what was flushed, and comes back when it is put in
// place of what was added since; that is kept beside it.
func TestBackupAndRestore(t *testing.T) {
	c, dir, backup := newClock(), t.TempDir(), filepath.Join(t.TempDir(), "copy")
	h := historyAt(t, dir, c, nil)
	h.Add(record(1, c))
	flush(t, h)
	h.Close()
	if got, err := Backup(t.Context(), dir, backup, false); err != nil || got.Bytes == 0 || got.OlderForm {
		t.Fatalf("%+v, %v", got, err)
	}
	h = historyAt(t, dir, c, nil)
	h.Add(record(2, c))
	flush(t, h)
	h.Close()
	if _, _, err := Restore(t.Context(), dir, backup, false); !errors.Is(err, disk.ErrThere) {
		t.Errorf("without force: %v", err)
	}
	_, kept, err := Restore(t.Context(), dir, backup, true)
	if err != nil {
		t.Fatal(err)
	}
	if set := ids(t, historyAt(t, dir, c, nil)); len(set) != 1 || !set["id1"] {
		t.Errorf("restored: %v", set)
	}
	if _, kept, err = Restore(t.Context(), t.TempDir(), kept, false); err != nil || kept != "" {
		t.Errorf("what was kept is no backup: %v, kept %q", err, kept)
	}
}
