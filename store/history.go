package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"fanmill/classify"
)

// HistoryOptions say what the history keeps, where and for how long.
type HistoryOptions struct {
	Dir      string
	Days     int   // records older than this are deleted; 0: 14
	MaxBytes int64 // see History; 0: 1 GiB

	Subject   bool // keep subjects
	Addresses bool // keep mail addresses: Sender, Recipients, From
	Features  bool // keep features and grams, so that a message can be learned after it has gone

	ReadOnly bool          // only look; the history must exist
	Busy     time.Duration // how long to wait for other processes; 0: 2 min
	Logger   *slog.Logger  // nil: nothing is logged
}

// Record is what is kept of one message that was scored. Its texts come from the
// message and are hostile.
type Record struct {
	ID                       string
	Time                     time.Time
	QueueID, Client          string
	Sender                   string
	Recipients               []string
	Subject, From, MessageID string
	Size                     int64
	Digest                   classify.Digest
	Verdict                  string
	Score                    classify.Score
	Outcome, Rule, Scope     string
	Features                 []uint64 // nil: not kept; the same holds for Grams
	Grams                    []uint32 // buckets of the linear part
	Version                  int64    // feature version of what is kept, 0: nothing is; Get sets it
	Unscored                 bool
}

// pressing reports that the record may go before its time when space is short:
// the message was delivered, and nobody need look for it.
func (r *Record) pressing() bool {
	return (r.Outcome == "accept" || r.Outcome == "tag") && r.Verdict != "unsure"
}

// DayCount is one daily counter: N messages of this outcome by this rule. Day is
// as HistoryDay gives it.
type DayCount struct {
	Day, Outcome, Rule string
	N                  int64
}

// DayTally is a cell of the daily table: N messages of that day in this column.
type DayTally struct {
	Day, Column string
	N           int64
}

// HistoryDay names the day of t, in t's location, as the daily counters do.
func HistoryDay(t time.Time) string { return t.Format(time.DateOnly) }

// Bounds of the queue between Add and the disk.
const (
	queueRecords = 2048
	queueBytes   = 4 << 20
	queueFull    = queueRecords / 4 // written at once
)

// History is the record of past verdicts. Add and Count never wait for the disk: a
// goroutine of the History's own writes what they leave in a bounded queue, at
// most a fraction of a second later.
//
// Records are deleted after Days. When the database has more than MaxBytes in
// use, the feature lists of accepted mail go first, the oldest before the newer,
// then records of accepted mail, then feature lists of other mail; records of
// mail that was refused, held, dropped or unsure stay for all their days.
type History struct {
	opts HistoryOptions
	log  *slog.Logger
	path string
	now  func() time.Time

	mu     sync.Mutex // guards the queue
	queue  []queued
	bytes  int
	counts map[DayCount]int64 // key with N zero
	table  map[DayTally]int64 // key with N zero
	lost   int64              // records dropped since the last report
	closed bool

	wake    chan struct{}
	full    chan struct{}
	flushes chan chan error
	stop    chan struct{}
	stopped chan struct{}

	rmu sync.Mutex // guards r
	r   *conn
}

const tallyDDL = `
CREATE TABLE tally (
	day TEXT, name TEXT, n INTEGER NOT NULL,
	PRIMARY KEY (day, name)
) STRICT, WITHOUT ROWID;`

var historySchema = schema{
	what: "history", appID: 0x66616e68, version: 2,
	once: []string{"auto_vacuum=INCREMENTAL"},
	ddl: metaDDL + `
CREATE TABLE record (
	n INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	time INTEGER NOT NULL,
	queue_id TEXT, client TEXT, sender TEXT, recipients TEXT, subject TEXT, sender_field TEXT, message_id TEXT,
	size INTEGER, digest BLOB, verdict TEXT,
	p REAL, log_odds REAL, c REAL, e REAL, l REAL, clues INTEGER,
	outcome TEXT, rule TEXT, scope TEXT, unscored INTEGER,
	pressing INTEGER NOT NULL
) STRICT;
CREATE INDEX record_time ON record (time);
CREATE INDEX record_pressing ON record (n) WHERE pressing;
CREATE TABLE feature (
	n INTEGER PRIMARY KEY,
	pressing INTEGER NOT NULL,
	version INTEGER NOT NULL,
	list BLOB NOT NULL,
	grams BLOB
) STRICT;
CREATE INDEX feature_pressing ON feature (n) WHERE pressing;
CREATE TABLE daily (
	day TEXT, outcome TEXT, rule TEXT, n INTEGER NOT NULL,
	PRIMARY KEY (day, outcome, rule)
) STRICT, WITHOUT ROWID;` + tallyDDL,
	upgrade: []string{tallyDDL},
}

// OpenHistory opens the history in o.Dir, creating directory and file when they are
// missing and o.ReadOnly is not set. Errors are those of Open.
func OpenHistory(ctx context.Context, o HistoryOptions) (*History, error) {
	return openHistory(ctx, o, time.Now)
}

func openHistory(ctx context.Context, o HistoryOptions, now func() time.Time) (*History, error) {
	o.setDefaults()
	h := &History{
		opts: o, log: o.Logger, path: filepath.Join(o.Dir, historyFile), now: now,
		counts: make(map[DayCount]int64), table: make(map[DayTally]int64),
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		flushes: make(chan chan error), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if !o.ReadOnly {
		if err := os.MkdirAll(o.Dir, 0o750); err != nil {
			return nil, fmt.Errorf("create data directory: %w", err)
		}
	}
	if err := historySchema.prepareFile(ctx, h.path, o.ReadOnly, o.Busy); err != nil {
		return nil, err
	}
	var w *conn
	err := retryBusy(ctx, o.Busy, func() (err error) {
		h.r, w, err = h.connect()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open history: %w", explain(h.path, err))
	}
	if w == nil {
		close(h.stopped)
	} else {
		go (&historian{History: h, w: w}).run()
	}
	return h, nil
}

func (o *HistoryOptions) setDefaults() {
	if o.Days <= 0 {
		o.Days = 14
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Busy <= 0 {
		o.Busy = defaultBusy
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

func (h *History) connect() (r, w *conn, err error) {
	if r, err = connectToRead(h.path, "cache_size=-1024"); err != nil || h.opts.ReadOnly {
		return r, nil, err
	}
	if w, err = connect(h.path, "rw", "synchronous=NORMAL", "cache_size=-1024", "journal_size_limit=16777216"); err != nil {
		return nil, nil, errors.Join(err, r.close())
	}
	return r, w, nil
}

// Add takes a record into the queue. What it refers to is copied. When the queue
// is full, because the disk does not keep up, the record is dropped; how many were is
// logged.
func (h *History) Add(r Record) {
	h.trim(&r)
	q := queued{Record: r}
	h.mu.Lock()
	defer h.mu.Unlock()
	q.pack()
	size := 256 + len(r.Sender) + len(r.Client) + len(r.Subject) + len(r.From) + len(r.MessageID) + len(q.features) + len(q.grams)
	for _, rcpt := range r.Recipients {
		size += len(rcpt)
	}
	if h.closed || h.opts.ReadOnly || len(h.queue) >= queueRecords || h.bytes+size > queueBytes {
		h.lost++
		return
	}
	h.queue = append(h.queue, q)
	h.bytes += size
	h.signal()
}

// queued is a record on its way to disk, with its lists as they will be stored:
// grams take a quarter of the space then.
type queued struct {
	Record
	features, grams []byte // nil: not kept
}

// pack copies what the record refers to.
func (q *queued) pack() {
	q.Recipients = slices.Clone(q.Recipients)
	if q.Features != nil {
		q.features = appendFeatures(make([]byte, 0, 8*len(q.Features)), q.Features)
	}
	if q.Grams != nil {
		var err error
		if q.grams, err = appendGrams(make([]byte, 0, 2*len(q.Grams)), q.Grams); err != nil {
			q.grams = nil // cannot be learned
		}
	}
	q.Features, q.Grams = nil, nil
}

// trim takes away what the history does not keep.
func (h *History) trim(r *Record) {
	if r.Time.IsZero() {
		r.Time = h.now()
	}
	if !h.opts.Subject {
		r.Subject = ""
	}
	if !h.opts.Addresses {
		r.Sender, r.Recipients, r.From = "", nil, ""
	}
	if !h.opts.Features {
		r.Features, r.Grams = nil, nil
	}
}

// Count adds n to a daily counter; day is as HistoryDay gives it.
func (h *History) Count(day, outcome, rule string, n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.opts.ReadOnly {
		return
	}
	h.counts[DayCount{Day: day, Outcome: outcome, Rule: rule}] += n
	h.signal()
}

// Tally adds one to each of these columns of a day's row in the daily table.
func (h *History) Tally(day string, columns ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.opts.ReadOnly {
		return
	}
	for _, c := range columns {
		h.table[DayTally{Day: day, Column: c}]++
	}
	h.signal()
}

// signal tells the writing goroutine that there is something, or much; the
// caller holds mu.
func (h *History) signal() {
	c := h.wake
	if len(h.queue) >= queueFull || h.bytes >= queueBytes/4 {
		c = h.full
	}
	select {
	case c <- struct{}{}:
	default: // it knows
	}
}

// Flush waits until all that was added before is on its way to disk (committed;
// the file is synced at the next checkpoint).
func (h *History) Flush(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case h.flushes <- reply:
	case <-h.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("flush history: %w", ctx.Err())
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return fmt.Errorf("flush history: %w", ctx.Err())
	}
}

// Close writes what is queued and closes the history. Later Adds are dropped.
func (h *History) Close() error {
	h.mu.Lock()
	first := !h.closed
	h.closed = true
	h.mu.Unlock()
	if !first {
		<-h.stopped
		return nil
	}
	h.rmu.Lock()
	err := h.r.close() // first: the last one to close writes the log back, which this one cannot
	h.r = nil
	h.rmu.Unlock()
	close(h.stop)
	<-h.stopped
	return err
}

// Size returns the bytes that the history takes on disk.
func (h *History) Size() (int64, error) { return sizeOf(h.path, h.path+"-wal") }
