package delay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bench is a table with a clock that only the test moves.
type bench struct {
	*Table
	t       testing.TB
	o       Options
	now     time.Time
	limits  Limits
	expired int64
	log     bytes.Buffer
}

func newBench(t testing.TB, path string, most int) *bench {
	b := &bench{t: t, now: time.Unix(1_800_000_000, 0), limits: Limits{5 * time.Minute, 48 * time.Hour}}
	b.o = Options{
		Path: path, Limits: func() Limits { return b.limits }, Expired: func(n int64) { b.expired += n },
		Now: func() time.Time { return b.now }, Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	b.open(most)
	return b
}

func (b *bench) open(most int) {
	b.Table = open(b.o, most, time.Hour)
	b.t.Cleanup(func() { b.Table.Close() })
}

// restart ends the table and opens it again.
func (b *bench) restart() {
	b.t.Helper()
	if err := b.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.open(b.most)
}

func (b *bench) want(what string, want Sight, keys ...Key) {
	b.t.Helper()
	for i, s := range b.Look(keys) {
		if s.Sight != want {
			b.t.Errorf("%s: key %d is %v, want %v", what, i, s.Sight, want)
		}
	}
}

func key(n int) (k Key) {
	binary.BigEndian.PutUint64(k[:], uint64(n))
	return k
}

func TestLifeOfADelay(t *testing.T) {
	b := newBench(t, "", 10)
	k := key(1)
	b.want("first sight", New, k)
	b.want("looking remembers nothing", New, k)
	b.Remember([]Key{k})
	b.want("at once", Early, k)
	b.now = b.now.Add(5*time.Minute - 1)
	b.Remember([]Key{k})
	b.want("just too early", Early, k)
	b.now = b.now.Add(1)
	b.want("an early retry does not restart the clock", Due, k)
	if got := b.Look([]Key{k})[0].Ago; got != 5*time.Minute {
		t.Errorf("first seen %v ago, want 5m", got)
	}
	b.now = b.now.Add(48*time.Hour - 5*time.Minute - 1)
	b.want("just in time", Due, k)
	b.now = b.now.Add(1)
	b.want("too late", New, k)
	if b.expired != 1 || b.Waiting() != 0 {
		t.Errorf("%d expired, %d left; want 1 and 0", b.expired, b.Waiting())
	}
	b.Remember([]Key{k})
	b.want("as at first sight", Early, k)
}

func TestWhatReturnedIsDue(t *testing.T) {
	b := newBench(t, "", 10)
	b.Remember([]Key{key(1), key(2)})
	if b.Return([]Key{key(3)}) != 0 {
		t.Error("a stranger returned")
	}
	if b.Waiting() != 2 {
		t.Errorf("%d wait, want 2", b.Waiting())
	}
	if first, second := b.Return([]Key{key(1), key(2)}), b.Return([]Key{key(1), key(2)}); first != 1 || second != 0 {
		t.Errorf("the returns counted %d and %d times, want once and not at all", first, second)
	}
	b.want("another copy soon after", Due, key(1), key(2))
	b.now = b.now.Add(48 * time.Hour)
	b.want("much later", New, key(1))
	if b.expired != 0 || b.Waiting() != 0 {
		t.Errorf("%d expired, %d left; want none: all came back", b.expired, b.Waiting())
	}
}

// A message counts once, however many recipients it has, and in whatever parts it
// comes again.
func TestMessagesAreCounted(t *testing.T) {
	b := newBench(t, "", 10)
	b.Remember([]Key{key(1), key(2), key(3)})
	returned := int64(0)
	for n := 1; n <= 3; n++ {
		returned += b.Return([]Key{key(n)})
	}
	b.Remember([]Key{key(4), key(5)})
	b.now = b.now.Add(49 * time.Hour)
	b.want("expired", New, key(4), key(5))
	if returned != 1 || b.expired != 1 {
		t.Errorf("%d messages returned and %d did not, want 1 and 1", returned, b.expired)
	}
}

func TestFullTable(t *testing.T) {
	b := newBench(t, "", 3)
	b.Remember([]Key{key(1), key(2)})
	b.now = b.now.Add(time.Hour)
	sights := b.Look([]Key{key(3), key(4)})
	if sights[0].Sight != New || sights[1].Sight != NoRoom {
		t.Errorf("one place is left, but two new keys are %v", sights)
	}
	b.Remember([]Key{key(3)})
	b.want("full of young entries", NoRoom, key(4))
	b.want("what is known has its place", Due, key(1))
	b.now = b.now.Add(patience - time.Hour)
	if sights := b.Look([]Key{key(4), key(5), key(6)}); sights[0].Sight != New || sights[1].Sight != New || sights[2].Sight != NoRoom {
		t.Errorf("two entries have had their time, but new keys are %v", sights)
	}
	b.Remember([]Key{key(4)})
	b.want("the oldest went", New, key(1))
	b.want("the others stay", Due, key(2), key(3))
	b.want("the new one is in", Early, key(4))
	b.Remember([]Key{key(7), key(8), key(9), key(10)})
	if len(b.of) != 3 || len(b.order) != 3 {
		t.Errorf("%d entries, want 3 at most", len(b.of))
	}
}

func TestClockSetBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "delayed")
	b := newBench(t, path, 10)
	b.Remember([]Key{key(1)})
	b.now = b.now.Add(-time.Hour)
	b.want("rather decided than delayed for an hour more", Due, key(1))
	b.restart()
	b.now = b.now.Add(5 * time.Minute)
	b.want("the time read was in the future", Due, key(1))
	b.now = b.now.Add(48 * time.Hour)
	b.want("and ends", New, key(1))
}

func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "delayed")
	b := newBench(t, path, 10)
	b.restart()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a table that nothing was put into has a file: %v", err)
	}
	b.Remember([]Key{key(1), key(2)})
	b.Return([]Key{key(2)})
	b.now = b.now.Add(time.Minute)
	b.Remember([]Key{key(3)})
	b.restart()
	b.want("after a restart", Early, key(1), key(3))
	b.want("what returned", Due, key(2))
	b.now = b.now.Add(4 * time.Minute)
	b.want("the clock went on", Due, key(1))
	b.want("for each its own", Early, key(3))
	b.now = b.now.Add(48 * time.Hour)
	b.restart()
	if b.Waiting() != 0 || b.expired != 2 {
		t.Errorf("%d left, %d expired; want 0 and 2", b.Waiting(), b.expired)
	}
	if b.log.Len() != 0 {
		t.Errorf("log:\n%s", b.log.String())
	}
}

// The goroutine writes without being asked.
func TestWrittenBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "delayed")
	b := open(newBench(t, path, 10).o, 10, time.Millisecond)
	defer b.Close()
	b.Remember([]Key{key(1)})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("not written")
		}
	}
}

func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "delayed")
	b := newBench(t, path, 3)
	b.Remember([]Key{key(1), key(2)})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(format)+3] ^= 1
	for name, data := range map[string][]byte{
		"empty": nil, "short": good[:10], "cut": good[:len(good)-1], "half a record": good[:len(good)-recordSize/2],
		"flipped": flipped, "longer": append(bytes.Clone(good), 0), "too long": bytes.Repeat(good, 5),
		"other format": append([]byte("fanmill delays 2\n"), good[len(format):]...), "text": []byte(strings.Repeat("x\n", 20)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, path, 3)
			b.want("begun anew", New, key(1), key(2))
			if n := strings.Count(b.log.String(), "begun anew"); n != 1 {
				t.Errorf("told %d times that the file is damaged, want once:\n%s", n, b.log.String())
			}
			b.Remember([]Key{key(9)})
			b.restart()
			b.want("written over", Early, key(9))
		})
	}
}

// What cannot be written is said once, and does not stop anything.
func TestUnwritableFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gone", "delayed")
	b := newBench(t, path, 3)
	b.Remember([]Key{key(1)})
	if err := b.Close(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Close says %v, want that it could not write %s", err, path)
	}
	if n := strings.Count(b.log.String(), "cannot write"); n != 1 {
		t.Errorf("told %d times, want once", n)
	}
	b.save()
	if n := strings.Count(b.log.String(), "cannot write"); n != 1 {
		t.Errorf("told %d times after another failure, want once", n)
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	b.save()
	if !strings.Contains(b.log.String(), "again") {
		t.Errorf("did not say that it writes again:\n%s", b.log.String())
	}
	b.open(3)
	b.want("nothing was lost", Early, key(1))
}

// model is the table as one would write it down: a list, searched from the start.
type model struct {
	list              []modelEntry
	delayed, returned int64
}

type modelEntry struct {
	k                Key
	first            time.Time
	returned, counts bool
}

func (m *model) find(k Key) *modelEntry {
	for i := range m.list {
		if m.list[i].k == k {
			return &m.list[i]
		}
	}
	return nil
}

// Any course of messages, times and restarts goes as the model says; every message
// that was delayed has come back, has expired or is waited for; the table is bounded.
func TestTableIsAsItsModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const most = 6
		b := newBench(t, "", most)
		var m model
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			b.now = b.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 4, 5, 60, 130, 1000, 2880}).Draw(rt, "minutes")) * time.Minute)
			m.list = slices.DeleteFunc(m.list, func(e modelEntry) bool { return b.now.Sub(e.first) >= b.limits.Max })
			if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
				b.reread(rt)
			}
			keys := drawKeys(rt)
			waits := true
			for i, s := range b.Look(keys) {
				if want := m.sight(b, keys[:i+1], most); s.Sight != want {
					rt.Fatalf("key %d is %v, want %v", i, s.Sight, want)
				}
				waits = waits && (s.Sight == New || s.Sight == Early)
			}
			if waits {
				m.remember(b, keys, most)
			} else {
				m.giveBack(rt, b, keys)
			}
			m.compare(rt, b, most)
		}
	})
}

// reread has the table forget all but what it would write.
func (b *bench) reread(t *rapid.T) {
	data := b.encode()
	b.of, b.order = map[Key]entry{}, nil
	if err := b.decode(data); err != nil {
		t.Fatal(err)
	}
}

// sight is what the last of these keys is; there must be room for the new ones before.
func (m *model) sight(b *bench, keys []Key, most int) Sight {
	k := keys[len(keys)-1]
	if e := m.find(k); e != nil {
		if e.returned || b.now.Sub(e.first) >= b.limits.Min {
			return Due
		}
		return Early
	}
	free := most - len(m.list)
	for _, e := range m.list {
		if b.now.Sub(e.first) >= patience {
			free++
		}
	}
	for _, before := range keys[:len(keys)-1] {
		if m.find(before) == nil {
			free--
		}
	}
	if free > 0 {
		return New
	}
	return NoRoom
}

func drawKeys(t *rapid.T) []Key {
	var keys []Key
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 9), 1, 3, rapid.ID).Draw(t, "keys") {
		keys = append(keys, key(n))
	}
	return keys
}

func (m *model) remember(b *bench, keys []Key, most int) {
	b.Remember(keys)
	counts := true
	for _, k := range keys {
		if m.find(k) != nil {
			continue
		}
		if len(m.list) == most {
			m.list = m.list[1:]
		}
		m.list = append(m.list, modelEntry{k: k, first: b.now, counts: counts})
		if counts {
			m.delayed++
		}
		counts = false
	}
}

func (m *model) giveBack(t *rapid.T, b *bench, keys []Key) {
	n := int64(0)
	for _, k := range keys {
		if e := m.find(k); e != nil && !e.returned {
			e.returned = true
			if e.counts {
				n++
			}
		}
	}
	m.returned += n
	if got := b.Return(keys); got != n {
		t.Fatalf("Return = %d, want %d", got, n)
	}
}

func (m *model) compare(t *rapid.T, b *bench, most int) {
	if len(b.of) > most || len(b.of) != len(b.order) || len(b.of) != len(m.list) {
		t.Fatalf("%d entries, %d in order, want %d", len(b.of), len(b.order), len(m.list))
	}
	waiting := int64(0)
	for _, e := range b.of {
		if e.counts && !e.returned {
			waiting++
		}
	}
	if m.delayed != m.returned+b.expired+waiting {
		t.Fatalf("%d delayed, but %d returned, %d expired and %d are waited for", m.delayed, m.returned, b.expired, waiting)
	}
}

// A table is looked at for every message, so it must not cost: with 100,000 entries and
// one recipient nothing is allocated but the answer.
func TestLookAllocates(t *testing.T) {
	b := newBench(t, "", mostEntries)
	for n := range mostEntries {
		b.Remember([]Key{key(n)})
	}
	keys := []Key{key(7)}
	if n := testing.AllocsPerRun(100, func() { b.Look(keys) }); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(format))
	f.Add(bytes.Repeat([]byte{0xff}, 2*recordSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench(t, "", 10)
		_ = b.decode(data)
		// With format and sum in order, so that what is behind them is reached too.
		sealed := append([]byte(format), data...)
		_ = b.decode(binary.BigEndian.AppendUint32(sealed, crc32.Checksum(sealed, castagnoli)))
		if len(b.of) != len(b.order) {
			t.Fatalf("%d entries, %d in order", len(b.of), len(b.order))
		}
		b.now = b.now.Add(1000 * time.Hour)
		b.want("all expire", New, key(1))
		if len(b.of) != 0 {
			t.Fatalf("%d entries never expire", len(b.of))
		}
	})
}

// Many sessions and the goroutine that writes use the table at once.
func TestConcurrentUse(t *testing.T) {
	b := newBench(t, "", 50)
	b.o.Path = filepath.Join(t.TempDir(), "delayed")
	table := open(b.o, 50, time.Millisecond)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for n := range 200 {
				keys := []Key{key(n + g*10), key(n + g*20)}
				table.Look(keys)
				table.Remember(keys)
				table.Return(keys[:1])
				table.Waiting()
			}
		})
	}
	group.Wait()
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	if len(table.of) != 50 || len(table.order) != 50 {
		t.Errorf("%d entries, %d in order, want 50", len(table.of), len(table.order))
	}
}
