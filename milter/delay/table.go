package delay

import (
	"log/slog"
	"sync"
	"time"
)

// Sight is what the table says of a message that arrives.
type Sight uint8

// The sights; see the package comment.
const (
	New Sight = iota
	Early
	Due
	NoRoom
)

// String returns the word for logs.
func (s Sight) String() string { return [...]string{"new", "early", "due", "no room"}[s] }

// Sighting is a sight with the time since the first one, 0 where there was none.
type Sighting struct {
	Sight
	Ago time.Duration
}

// Limits are when a message must come again: not before Min, and before Max.
type Limits struct{ Min, Max time.Duration }

const (
	mostEntries = 100_000         // 7 MB, measured
	saveEvery   = 5 * time.Second // while something changes
	// patience is how long an entry keeps its place in a full table: by then every MTA
	// has tried again; of those in wide use Postfix waits longest, 4,000 s.
	patience = 2 * time.Hour
)

// Options set up a Table.
type Options struct {
	Path    string           // of the file; "": nothing outlives the process
	Limits  func() Limits    // in force now; called often
	Expired func(n int64)    // so many messages have not come again; nil: nobody asks. It must not wait.
	Now     func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: nothing is logged
}

// entry is what is remembered for a key.
type entry struct {
	first    int64 // nanoseconds of Unix time
	counts   bool  // stands for its message in counters: one of its keys does
	returned bool  // it has come again
}

// Table remembers what was delayed.
type Table struct {
	o    Options
	most int

	mu    sync.Mutex
	of    map[Key]entry
	order []Key // the oldest first
	dirty bool

	stop    chan struct{}
	once    sync.Once
	stopped chan struct{}
	saveErr error // of the last save; belongs to the goroutine until stopped is closed
}

// Open returns the table that the file at o.Path has, or an empty one. Close ends it.
func Open(o Options) *Table { return open(o, mostEntries, saveEvery) }

func open(o Options, most int, every time.Duration) *Table {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Expired == nil {
		o.Expired = func(int64) {}
	}
	t := &Table{o: o, most: most, of: map[Key]entry{}, stop: make(chan struct{}), stopped: make(chan struct{})}
	t.load()
	go t.run(every)
	return t
}

// Waiting returns how many keys are remembered that have not come again.
func (t *Table) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, e := range t.of {
		if !e.returned {
			n++
		}
	}
	return n
}

// Look tells what is known of the keys of a message. It changes nothing that counts.
func (t *Table) Look(keys []Key) []Sighting {
	limits := t.o.Limits()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.o.Now().UnixNano()
	t.expire(now, limits.Max)
	room := t.room(len(keys), now)
	list := make([]Sighting, len(keys))
	for i, k := range keys {
		e, known := t.of[k]
		ago := time.Duration(now - e.first)
		switch {
		case !known && room > 0:
			room--
		case !known:
			list[i].Sight = NoRoom
		case e.returned || ago >= limits.Min || ago < 0: // below 0 the clock was set back
			list[i] = Sighting{Due, max(ago, 0)}
		default:
			list[i] = Sighting{Early, ago}
		}
	}
	return list
}

// room returns how many entries there is a place for, at most n.
func (t *Table) room(n int, now int64) int {
	free := t.most - len(t.of)
	for i := 0; free < n && i < len(t.order) && now-t.of[t.order[i]].first >= int64(patience); i++ {
		free++
	}
	return min(free, n)
}

// Remember notes that a message was asked to come again. Keys that are known keep
// their clock.
func (t *Table) Remember(keys []Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.o.Now().UnixNano()
	counts := true
	for _, k := range keys {
		if _, known := t.of[k]; known {
			continue
		}
		if len(t.of) >= t.most {
			t.expired(t.drop())
		}
		t.of[k] = entry{first: now, counts: counts}
		t.order = append(t.order, k)
		counts, t.dirty = false, true
	}
}

// Return notes that a message has come again and was decided. It returns how many
// messages that were delayed have now come back: 0 for a further copy, more than 1 if
// they came together. From now on the keys are Due.
func (t *Table) Return(keys []Key) (n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keys {
		e, known := t.of[k]
		if !known || e.returned {
			continue
		}
		if e.counts {
			n++
		}
		e.returned = true
		t.of[k] = e
		t.dirty = true
	}
	return n
}

// expire drops what is too old.
func (t *Table) expire(now int64, after time.Duration) {
	n := int64(0)
	for len(t.order) > 0 && now-t.of[t.order[0]].first >= int64(after) {
		n += t.drop()
	}
	t.expired(n)
}

func (t *Table) expired(n int64) {
	if n > 0 {
		t.o.Expired(n)
	}
}

// drop takes the oldest entry out, and returns 1 if a message ends with it that has
// not come again.
func (t *Table) drop() int64 {
	k := t.order[0]
	e := t.of[k]
	delete(t.of, k)
	t.order = t.order[1:]
	t.dirty = true
	if e.counts && !e.returned {
		return 1
	}
	return 0
}
