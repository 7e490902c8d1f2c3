package history

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/store/sqlite"
)

const (
	gatherFor   = 200 * time.Millisecond // from the first record to the writing of a batch
	retryAfter  = time.Second            // after a failed write
	writeBusy   = time.Second            // how long a write waits for another process at once
	pruneEvery  = time.Minute
	pruneStep   = 500 // records in one transaction
	vacuumPages = 512
	pruneGap    = 10 * time.Millisecond // between two steps
)

// historian writes the history; all of it belongs to one goroutine.
type historian struct {
	*History
	w       *sqlite.Conn
	pending batch
	failing bool
	over    bool // the limit is exceeded by what must stay
}

type batch struct {
	records []queued
	counts  map[DayCount]int64
	table   map[DayTally]int64
	lost    int64
}

func (h *historian) run() {
	defer close(h.stopped)
	defer h.w.Close()
	var due <-chan time.Time
	prune := time.NewTimer(0)
	defer prune.Stop()
	for {
		select {
		case <-h.wake:
			if due == nil {
				due = time.After(gatherFor)
			}
			continue
		case <-prune.C:
			prune.Reset(h.prune())
			continue
		case reply := <-h.flushes:
			reply <- h.write()
		case <-h.stop:
			h.write()
			return
		case <-h.full:
			if h.failing {
				continue // wait for the retry
			}
			h.write()
		case <-due:
			h.write()
		}
		if due = nil; h.failing {
			due = time.After(retryAfter)
		}
	}
}

// write empties the queue, or says why it cannot; that is logged when it begins
// and when it ends. What could not be written stays pending.
func (h *historian) write() error {
	err := h.writeAll()
	switch {
	case err != nil && !h.failing:
		h.log.Error("cannot write the history, trying again", "error", err)
	case err == nil && h.failing:
		h.log.Info("writing the history again")
	}
	h.failing = err != nil
	return err
}

func (h *historian) writeAll() error {
	for {
		if h.pending.empty() {
			h.pending = h.take()
		}
		if h.pending.empty() {
			return nil
		}
		err := sqlite.Retry(context.Background(), writeBusy, func() error { return h.w.Atomically(h.insert) })
		if err != nil && !sqlite.IsRefusal(err) {
			return fmt.Errorf("write history: %w", sqlite.Explain(h.path, err))
		}
		if err != nil {
			h.log.Error("history records lost", "records", len(h.pending.records), "error", err)
		}
		h.pending = batch{}
	}
}

func (b *batch) empty() bool { return len(b.records)+len(b.counts)+len(b.table) == 0 }

func (h *historian) take() batch {
	h.mu.Lock()
	b := batch{records: h.queue, counts: h.counts, table: h.table, lost: h.lost}
	h.queue, h.bytes, h.lost = nil, 0, 0
	h.counts, h.table = make(map[DayCount]int64), make(map[DayTally]int64)
	h.mu.Unlock()
	if b.lost > 0 {
		h.log.Warn("history records dropped: the disk did not keep up", "records", b.lost)
	}
	return b
}

func (h *historian) insert() error {
	for i := range h.pending.records {
		if err := h.insertRecord(&h.pending.records[i]); err != nil {
			return err
		}
	}
	for key, n := range h.pending.counts {
		_, err := h.w.Exec(`INSERT INTO daily VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n`,
			key.Day, key.Outcome, key.Rule, n)
		if err != nil {
			return err
		}
	}
	for key, n := range h.pending.table {
		_, err := h.w.Exec(`INSERT INTO tally VALUES (?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n`, key.Day, key.Column, n)
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *historian) insertRecord(r *queued) error {
	res, err := h.w.Exec(`INSERT INTO record (id, time, queue_id, client, sender, recipients, subject, sender_field, message_id,
		size, digest, verdict, p, log_odds, c, e, l, clues, outcome, rule, scope, unscored, pressing)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`,
		r.ID, r.Time.UnixMicro(), r.QueueID, r.Client, r.Sender, joinAddresses(r.Recipients), r.Subject, r.From, r.MessageID,
		r.Size, r.Digest[:], r.Verdict, r.Score.P, r.Score.LogOdds, r.Score.C, r.Score.E, r.Score.L, int64(r.Score.Clues),
		r.Outcome, r.Rule, r.Scope, r.Unscored, r.pressing())
	if err != nil || r.features == nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return nil // the first record of an id stands
	}
	n, _ := res.LastInsertId()
	_, err = h.w.Exec("INSERT INTO feature VALUES (?,?,?,?,?)",
		n, r.pressing(), int64(classify.FeatureVersion), r.features, r.grams)
	return err
}

// joinAddresses puts one address on a line; a line break cannot be part of one.
func joinAddresses(list []string) string {
	clean := make([]string, len(list))
	for i, a := range list {
		clean[i] = strings.ReplaceAll(a, "\n", " ")
	}
	return strings.Join(clean, "\n")
}

// prune takes one small step towards the limits and returns how long to wait
// before the next.
func (h *historian) prune() time.Duration {
	n, err := h.pruneStep()
	switch {
	case err != nil && !sqlite.IsBusy(err) && !errors.Is(err, sqlite.ErrBusy):
		h.log.Warn("cannot prune the history", "error", sqlite.Explain(h.path, err))
	case err == nil && n > 0:
		return pruneGap
	}
	return pruneEvery
}

// pruning statements, each with the oldest first and its limit as last parameter.
const (
	pruneOld      = "SELECT n FROM record WHERE time < ? ORDER BY time LIMIT ?"
	prunePressing = "SELECT n FROM record WHERE pressing ORDER BY n LIMIT ?"
	leanPressing  = "SELECT n FROM feature WHERE pressing ORDER BY n LIMIT ?"
	leanOther     = "SELECT n FROM feature ORDER BY n LIMIT ?"
)

func (h *historian) pruneStep() (int, error) {
	old := h.now().AddDate(0, 0, -h.opts.Days).UnixMicro()
	if n, err := h.remove(true, pruneOld, old, int64(pruneStep)); n > 0 || err != nil {
		return n, errors.Join(err, h.w.Vacuum(vacuumPages))
	}
	used, err := h.used()
	if err != nil || used <= h.opts.MaxBytes {
		h.over = h.over && used > h.opts.MaxBytes
		return 0, err
	}
	for _, step := range []struct {
		rows bool
		sql  string
	}{{false, leanPressing}, {true, prunePressing}, {false, leanOther}} {
		if n, err := h.remove(step.rows, step.sql, int64(pruneStep)); n > 0 || err != nil {
			return n, errors.Join(err, h.w.Vacuum(vacuumPages))
		}
	}
	if !h.over {
		h.log.Warn("the history is over its limit with records that are kept for all their days", "bytes", used, "limit", h.opts.MaxBytes, "days", h.opts.Days)
		h.over = true
	}
	return 0, nil
}

// remove deletes the feature lists of the records that sql selects, and the
// records themselves if rows is set, and returns how many there were.
func (h *historian) remove(rows bool, sql string, args ...driver.Value) (n int, err error) {
	err = sqlite.Retry(context.Background(), writeBusy, func() error {
		return h.w.Atomically(func() error {
			var list []int64
			err := h.w.Query(sql, func(v []driver.Value) error { list = append(list, sqlite.Int(v[0])); return nil }, args...)
			n = len(list)
			if err != nil {
				return err
			}
			return deleteRecords(h.w, list, rows)
		})
	})
	return n, err
}

// deleteRecords deletes the feature lists of records, and the records themselves if
// rows is set.
func deleteRecords(c *sqlite.Conn, list []int64, rows bool) error {
	for _, n := range list {
		if _, err := c.Exec("DELETE FROM feature WHERE n = ?", n); err != nil {
			return err
		}
		if !rows {
			continue
		}
		if _, err := c.Exec("DELETE FROM record WHERE n = ?", n); err != nil {
			return err
		}
	}
	return nil
}

// used returns the bytes of the pages in use.
func (h *historian) used() (int64, error) {
	var total int64
	err := h.w.Query("SELECT (c.page_count - f.freelist_count) * s.page_size FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s",
		func(v []driver.Value) error { total = sqlite.Int(v[0]); return nil })
	return total, err
}
