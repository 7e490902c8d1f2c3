package dump

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// ErrNotEmpty says that a ledger has rows or a log already.
var ErrNotEmpty = errors.New("the ledger is not empty")

// Empty tells whether nothing was ever recorded.
func Empty(c *sqlite.Conn) (bool, error) {
	const query = "SELECT (SELECT count(*) FROM msg) + (SELECT count(*) FROM op) + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'op'), 0)"
	n, err := c.Integer(query)
	return n == 0, err
}

// Target is the ledger that a dump is loaded into, in a write transaction of its owner.
type Target struct {
	*sqlite.Conn
	Path string // for messages
	Pack *pack.Packer
}

// Load fills an empty ledger with all of a dump: rows and ops get the numbers that they
// had. After an error the caller rolls back. A ledger that is not empty is ErrNotEmpty.
// progress may be nil.
func Load(ctx context.Context, to Target, d *Reader, progress func(done, total int64)) error {
	if empty, err := Empty(to.Conn); err != nil || !empty {
		return errors.Join(err, ErrNotEmpty)
	}
	for {
		e, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && e.Row != nil {
			err = to.row(d, e)
		} else if err == nil {
			err = to.op(e.raw.Op)
		}
		if err != nil {
			return err
		}
		if progress != nil {
			progress(d.rows+d.ops, d.Header.Rows+d.Header.Ops)
		}
	}
	if _, err := to.Exec("DELETE FROM sqlite_sequence WHERE name = 'op'"); err != nil {
		return to.fault("number the log", err)
	}
	if _, err := to.Exec("INSERT INTO sqlite_sequence (name, seq) VALUES ('op', ?)", d.Header.Seq); err != nil {
		return to.fault("number the log", err)
	}
	return to.coherent()
}

func (to *Target) fault(what string, err error) error {
	return fmt.Errorf("%s: %w", what, sqlite.Explain(to.Path, err))
}

const (
	insertRow = `INSERT INTO msg
	(id, scope, digest, class, adds, step, sure, score_c, score_e, score_l, log_odds, time, source, complete, waits, judged)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertOp = `INSERT INTO op
	(seq, time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertWas = `INSERT INTO was (op, score_c, score_e, score_l, log_odds, judged, time, source) VALUES (?,?,?,?,?,?,?,?)`
)

// loadRow writes a row as it was dumped.
func (to *Target) row(d *Reader, e *Entry) error {
	r, raw := e.Row, e.raw.Row
	if raw.Waits == ledger.WaitsBare && (raw.Features != nil || raw.Grams != nil) {
		raw.Waits = ledger.WaitsListed // see stored
	}
	_, err := to.Exec(insertRow, r.ID, r.Scope, r.Digest[:], int64(r.Class), int64(r.Adds), r.Step, r.Sure,
		r.ScoreC, r.ScoreE, r.ScoreL, r.LogOdds, r.Time.UnixMicro(), r.Source, r.Complete, int64(raw.Waits), raw.Judged)
	if sqlite.IsConstraint(err) {
		return d.fault("message %s stands there twice in scope %q", r.Digest, r.Scope)
	}
	if err == nil {
		err = ledger.Keep(to.Conn, to.Pack, r.ID, ledger.Packed{Features: raw.Features, Grams: raw.Grams}, r.Message)
	}
	if err != nil {
		return to.fault("record message", err)
	}
	return nil
}

// insertOp writes an op, and what it took from its row, as they were dumped.
func (to *Target) op(o *opLine) error {
	kind, err := parseKind(o.Kind)
	if err != nil {
		return err
	}
	b, a := o.Before.mark(), o.After.mark()
	_, err = to.Exec(insertOp, o.Seq, o.Time.UnixMicro(), o.Actor, o.Source, int64(kind), o.Row, o.Scope,
		int64(b.Class), int64(b.Adds), b.Step, b.Sure, b.Waits, int64(a.Class), int64(a.Adds), a.Step, a.Sure, a.Waits, ledger.NilIfZero(o.Undoes))
	if w := o.Was; err == nil && w != nil {
		_, err = to.Exec(insertWas, o.Seq, w.ScoreC, w.ScoreE, w.ScoreL, w.LogOdds, w.Judged, w.Time.UnixMicro(), w.Source)
	}
	if err != nil {
		return to.fault("record op", err)
	}
	return nil
}

// mark is for marks that were checked.
func (m markField) mark() model.Mark {
	class, _ := parseClass(m.Class)
	return model.Mark{Class: class, Adds: int(m.Adds), Step: m.Step, Sure: m.Sure, Waits: m.Waits}
}

// selectTorn yields an op that does not begin where the one before it of its row ended,
// or a row that is not what its last op has made of it. A log that was pruned, or that
// begins after rows were loaded without one, does not say how its rows began.
const selectTorn = `WITH o AS (
	SELECT seq, row, class_before || ' ' || adds_before || ' ' || step_before || ' ' || sure_before || ' ' || waits_before AS b,
		class_after || ' ' || adds_after || ' ' || step_after || ' ' || sure_after || ' ' || waits_after AS a FROM op),
p AS (SELECT *, lag(a) OVER w AS was, lead(seq) OVER w AS next FROM o WINDOW w AS (PARTITION BY row ORDER BY seq)),
whole AS (SELECT coalesce(min(seq), 0) = 1 AS yes FROM op)
SELECT p.seq FROM p LEFT JOIN msg ON msg.id = p.row
WHERE was <> b
	OR was IS NULL AND b <> '0 0 0 0 0' AND (SELECT yes FROM whole)
	OR next IS NULL AND msg.id IS NOT NULL
		AND a <> class || ' ' || adds || ' ' || step || ' ' || sure || ' ' || (waits <> 0)
UNION ALL SELECT judged FROM msg WHERE class <> 0 AND (SELECT yes FROM whole) AND NOT EXISTS (SELECT 1 FROM op WHERE op.row = msg.id)
LIMIT 1`

// coherent makes sure that the log leads to the rows: processes follow the log, and
// would come to another model than one that is built from the rows.
func (to *Target) coherent() error {
	seq, err := to.Integer("SELECT coalesce((" + selectTorn + "), -1)")
	if err != nil {
		return to.fault("check the log", err)
	}
	if seq >= 0 {
		return fmt.Errorf("%w: rows and log do not fit together at op %d", ErrUnsound, seq)
	}
	return nil
}
