// Package history keeps what the filter has done: a record of each message that was scored,
// and daily counters.
//
// It lies in history.db of the data directory: SQLite, WAL, synchronous NORMAL, mode 0640.
//
//	record   one row for each message and outcome; pressing: it may go before its time
//	         when space is short
//	feature  of the same row (n), where they are kept: features and grams in their stored
//	         forms (package pack) and their feature version
//	daily    messages of a day by outcome and rule
//	tally    the daily table: messages of a day by column
//	meta     as in every database (package sqlite)
//
// All methods of a History may be called from any goroutine. One goroutine of its own
// writes; queries take turns on another connection.
package history

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
	"fanmill/store/disk"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// fileName is that of the history in the data directory.
const fileName = "history.db"

// What a caller may branch on, besides the errors of package sqlite.
var (
	ErrNoRecord   = errors.New("no such record in the history")
	ErrNoFeatures = errors.New("the history does not keep what was found in the message")
)

// Options say what the history keeps, where and for how long.
type Options struct {
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
// as Day gives it.
type DayCount struct {
	Day, Outcome, Rule string
	N                  int64
}

// DayTally is a cell of the daily table: N messages of that day in this column.
type DayTally struct {
	Day, Column string
	N           int64
}

// Day names the day of t, in t's location, as the daily counters do.
func Day(t time.Time) string { return t.Format(time.DateOnly) }

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
	opts Options
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

	r *sqlite.Reader
}

const tallyDDL = `
CREATE TABLE tally (
	day TEXT, name TEXT, n INTEGER NOT NULL,
	PRIMARY KEY (day, name)
) STRICT, WITHOUT ROWID;`

var schema = sqlite.Schema{
	What: "history", AppID: 0x66616e68, Version: 2,
	Once: []string{"auto_vacuum=INCREMENTAL"},
	DDL: `
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
	Upgrade: []string{tallyDDL},
}

// Open opens the history in o.Dir, creating directory and file when they are
// missing and o.ReadOnly is not set. Errors are those of Open.
func Open(ctx context.Context, o Options) (*History, error) {
	return open(ctx, o, time.Now)
}

func open(ctx context.Context, o Options, now func() time.Time) (*History, error) {
	o.setDefaults()
	h := &History{
		opts: o, log: o.Logger, path: filepath.Join(o.Dir, fileName), now: now,
		counts: make(map[DayCount]int64), table: make(map[DayTally]int64),
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1),
		flushes: make(chan chan error), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if !o.ReadOnly {
		if err := os.MkdirAll(o.Dir, 0o750); err != nil {
			return nil, fmt.Errorf("create data directory: %w", err)
		}
	}
	if err := schema.Prepare(ctx, h.path, o.ReadOnly, o.Busy); err != nil {
		return nil, err
	}
	var w *sqlite.Conn
	err := sqlite.Retry(ctx, o.Busy, func() (err error) {
		w, err = h.connect()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open history: %w", sqlite.Explain(h.path, err))
	}
	if w == nil {
		close(h.stopped)
	} else {
		go (&historian{History: h, w: w}).run()
	}
	return h, nil
}

func (o *Options) setDefaults() {
	if o.Days <= 0 {
		o.Days = 14
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Busy <= 0 {
		o.Busy = sqlite.DefaultBusy
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// connect opens the connection for queries, and the one that writes if there is to be one.
func (h *History) connect() (w *sqlite.Conn, err error) {
	if h.r, err = sqlite.OpenReader(h.path, h.opts.Busy); err != nil || h.opts.ReadOnly {
		return nil, err
	}
	if w, err = sqlite.Connect(h.path, "synchronous=NORMAL", "cache_size=-1024", "journal_size_limit=16777216"); err != nil {
		return nil, errors.Join(err, h.r.Close())
	}
	return w, nil
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
		q.features = pack.AppendFeatures(make([]byte, 0, 8*len(q.Features)), q.Features)
	}
	if q.Grams != nil {
		var err error
		if q.grams, err = pack.AppendGrams(make([]byte, 0, 2*len(q.Grams)), q.Grams); err != nil {
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

// Count adds n to a daily counter; day is as Day gives it.
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
	err := h.r.Close() // first: the last one to close writes the log back, which this one cannot
	close(h.stop)
	<-h.stopped
	return err
}

// Size returns the bytes that the history takes on disk.
func (h *History) Size() (int64, error) { return disk.Size(h.path, h.path+"-wal") }
