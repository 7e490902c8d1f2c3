package history

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// Query chooses records; fields left empty do not matter. From, To and Subject are
// looked for anywhere in the text, without regard to the case of ASCII letters:
// From in the envelope sender and the From field, To in the recipients.
type Query struct {
	Since, Until      time.Time // at or after Since, before Until
	From, To, Subject string
	Verdict, Outcome  string
	Limit             int // 0: 100
}

const recordColumns = `SELECT n, id, time, queue_id, client, sender, recipients, subject, sender_field, message_id,
	size, digest, verdict, p, log_odds, c, e, l, clues, outcome, rule, scope, unscored FROM record`

// asRecord reads recordColumns.
func asRecord(v []driver.Value) Record {
	r := Record{
		ID: sqlite.Text(v[1]), Time: sqlite.Time(v[2]), QueueID: sqlite.Text(v[3]), Client: sqlite.Text(v[4]), Sender: sqlite.Text(v[5]),
		Subject: sqlite.Text(v[7]), From: sqlite.Text(v[8]), MessageID: sqlite.Text(v[9]),
		Size: sqlite.Int(v[10]), Verdict: sqlite.Text(v[12]),
		Score: classify.Score{
			P: sqlite.Float(v[13]), LogOdds: sqlite.Float(v[14]), C: sqlite.Float(v[15]), E: sqlite.Float(v[16]), L: sqlite.Float(v[17]),
			Clues: int(sqlite.Int(v[18])),
		},
		Outcome: sqlite.Text(v[19]), Rule: sqlite.Text(v[20]), Scope: sqlite.Text(v[21]), Unscored: sqlite.Int(v[22]) != 0,
	}
	copy(r.Digest[:], sqlite.Blob(v[11]))
	if to := sqlite.Text(v[6]); to != "" {
		r.Recipients = strings.Split(to, "\n")
	}
	return r
}

// Get returns the record of a message, with its features and grams if they are kept;
// ErrNoRecord when there is none. What was added last may still be on its way:
// Flush first.
func (h *History) Get(ctx context.Context, id string) (r Record, err error) {
	err = h.r.Ask(ctx, "look up history", func(c *sqlite.Conn) error {
		return c.Consistent(func() error {
			n := int64(0)
			err := c.Query(recordColumns+" WHERE id = ?", func(v []driver.Value) error {
				n, r = sqlite.Int(v[0]), asRecord(v)
				return sqlite.ErrStop
			}, id)
			if err == nil && n == 0 {
				return fmt.Errorf("%w: %q", ErrNoRecord, id)
			}
			return errors.Join(err, r.readFeatures(c, n))
		})
	})
	return r, err
}

// readFeatures reads what is kept of record n. Lists of another feature version are
// of no use to anybody: only their version is read.
func (r *Record) readFeatures(c *sqlite.Conn, n int64) error {
	return c.Query("SELECT version, list, grams FROM feature WHERE n = ?", func(v []driver.Value) (err error) {
		if r.Version = sqlite.Int(v[0]); r.Version != int64(classify.FeatureVersion) {
			return nil
		}
		if r.Features, err = pack.ReadFeatures(sqlite.Blob(v[1])); err == nil {
			r.Grams, err = pack.ReadGrams(sqlite.Blob(v[2]))
		}
		return err
	}, n)
}

// Message returns what the history keeps of the message in the form that training
// takes; ErrNoFeatures says that it cannot be learned, and why.
func (r *Record) Message() (*classify.Message, error) {
	switch {
	case r.Digest == classify.Digest{}:
		return nil, fmt.Errorf("%s: %w: it could not be read when it passed", r.ID, ErrNoFeatures)
	case r.Version != 0 && r.Version != int64(classify.FeatureVersion):
		return nil, fmt.Errorf("%s: %w: it was read by feature version %d, and this is %d", r.ID, ErrNoFeatures, r.Version, classify.FeatureVersion)
	case r.Features == nil || r.Grams == nil:
		return nil, fmt.Errorf("%s: %w: history.features is off, or they had to make room (history.max_bytes)", r.ID, ErrNoFeatures)
	}
	return &classify.Message{Digest: r.Digest, Features: r.Features, Grams: r.Grams, Subject: r.Subject, From: r.From, MessageID: r.MessageID, Size: r.Size}, nil
}

// Find returns the records that q chooses, the newest first, without features and grams.
func (h *History) Find(ctx context.Context, q Query) (found []Record, err error) {
	where, args := q.where()
	err = h.r.Ask(ctx, "search history", func(c *sqlite.Conn) error {
		found = found[:0]
		return c.Query(recordColumns+where+" ORDER BY time DESC, n DESC LIMIT ?", func(v []driver.Value) error {
			found = append(found, asRecord(v))
			return ctx.Err()
		}, args...)
	})
	return found, err
}

// where returns the conditions of q and their parameters, the limit last.
func (q *Query) where() (string, []driver.Value) {
	conditions, args := []string{"true"}, []driver.Value(nil)
	add := func(set bool, condition string, arg driver.Value) {
		if set {
			args = append(args, arg)
			conditions = append(conditions, strings.ReplaceAll(condition, "?", fmt.Sprintf("?%d", len(args))))
		}
	}
	add(!q.Since.IsZero(), "time >= ?", q.Since.UnixMicro())
	add(!q.Until.IsZero(), "time < ?", q.Until.UnixMicro())
	add(q.From != "", `(sender LIKE ? ESCAPE '\' OR sender_field LIKE ? ESCAPE '\')`, pattern(q.From))
	add(q.To != "", `recipients LIKE ? ESCAPE '\'`, pattern(q.To))
	add(q.Subject != "", `subject LIKE ? ESCAPE '\'`, pattern(q.Subject))
	add(q.Verdict != "", "verdict = ?", q.Verdict)
	add(q.Outcome != "", "outcome = ?", q.Outcome)
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	return " WHERE " + strings.Join(conditions, " AND "), append(args, int64(limit))
}

// pattern makes a LIKE pattern that finds text anywhere.
func pattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}

// Daily returns the counters of the last days, today included, ordered by day,
// outcome and rule.
func (h *History) Daily(ctx context.Context, days int) (list []DayCount, err error) {
	first := Day(h.now().AddDate(0, 0, 1-days))
	err = h.r.Ask(ctx, "read daily counters", func(c *sqlite.Conn) error {
		list = list[:0]
		return c.Query("SELECT day, outcome, rule, n FROM daily WHERE day >= ? ORDER BY day, outcome, rule", func(v []driver.Value) error {
			list = append(list, DayCount{Day: sqlite.Text(v[0]), Outcome: sqlite.Text(v[1]), Rule: sqlite.Text(v[2]), N: sqlite.Int(v[3])})
			return ctx.Err()
		}, first)
	})
	return list, err
}

// Table returns the cells of the daily table for the last days, today included, in
// the order of days.
func (h *History) Table(ctx context.Context, days int) (list []DayTally, err error) {
	first := Day(h.now().AddDate(0, 0, 1-days))
	err = h.r.Ask(ctx, "read the daily table", func(c *sqlite.Conn) error {
		list = list[:0]
		return c.Query("SELECT day, name, n FROM tally WHERE day >= ? ORDER BY day, name", func(v []driver.Value) error {
			list = append(list, DayTally{Day: sqlite.Text(v[0]), Column: sqlite.Text(v[1]), N: sqlite.Int(v[2])})
			return ctx.Err()
		}, first)
	})
	return list, err
}

// Verdicts says how many messages got which verdict.
type Verdicts struct{ Ham, Unsure, Spam int }

// verdictsOf is how many records Verdicts counts, the newest. That is a share to a
// fraction of a percent, in a fraction of a second.
const verdictsOf = 100_000

// Verdicts counts the verdicts in the records of the last days, of a user's scope or,
// with scope "", of all mail. Mail that was not scored is left out. When space is
// short, records of accepted mail go before others: it counts from the oldest of
// them on, so that the shares are those of the mail. A message with several outcomes
// has several records.
func (h *History) Verdicts(ctx context.Context, scope string, days int) (sum Verdicts, err error) {
	const query = `SELECT verdict, count(*) FROM (
		SELECT verdict FROM record WHERE time >= ?1 AND (?2 = '' OR scope = ?2) AND NOT unscored
			AND n >= (SELECT min(n) FROM record WHERE pressing) ORDER BY time DESC LIMIT ?3
		) GROUP BY verdict`
	since := h.now().AddDate(0, 0, -days).UnixMicro()
	err = h.r.Ask(ctx, "count verdicts", func(c *sqlite.Conn) error {
		sum = Verdicts{}
		of := map[string]*int{"ham": &sum.Ham, "unsure": &sum.Unsure, "spam": &sum.Spam}
		return c.Query(query, func(v []driver.Value) error {
			if n := of[sqlite.Text(v[0])]; n != nil {
				*n = int(sqlite.Int(v[1]))
			}
			return ctx.Err()
		}, since, scope, int64(verdictsOf))
	})
	return sum, err
}

// idsAtOnce is how many records MessageIDs reads before it lets others read.
const idsAtOnce = 1000

// MessageIDs calls fn with digest and Message-ID of every record, the oldest first. The
// latter comes from the message and is hostile.
func (h *History) MessageIDs(ctx context.Context, fn func(d classify.Digest, id string)) error {
	for last, more := int64(0), true; more; {
		n := 0
		err := h.r.Ask(ctx, "read Message-IDs", func(c *sqlite.Conn) error {
			return c.Query("SELECT n, digest, message_id FROM record WHERE n > ? ORDER BY n LIMIT ?", func(v []driver.Value) error {
				n++
				last = sqlite.Int(v[0])
				var d classify.Digest
				copy(d[:], sqlite.Blob(v[1]))
				fn(d, sqlite.Text(v[2]))
				return ctx.Err()
			}, last, int64(idsAtOnce))
		})
		if err != nil {
			return err
		}
		more = n == idsAtOnce
	}
	return nil
}
