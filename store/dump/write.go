package dump

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

const (
	selectRows = ledger.RowColumns + `, judged, features, grams, message FROM ` + ledger.Kept + ` ORDER BY id`
	selectOps  = `SELECT seq, op.time, actor, op.source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes,
	was.op, score_c, score_e, score_l, log_odds, judged, was.time, was.source FROM op LEFT JOIN was ON was.op = op.seq ORDER BY seq`
)

// Write writes what one moment, which is the caller's, saw of the ledger that c is open to,
// and with log its log too. progress may be nil; it gets the lines written and those to
// write.
func Write(ctx context.Context, c *sqlite.Conn, out io.Writer, log bool, progress func(done, total int64)) (h Header, err error) {
	if h, err = head(c, log); err != nil {
		return h, err
	}
	d := writer{ctx: ctx, enc: json.NewEncoder(out), total: h.Rows + h.Ops, progress: progress}
	d.enc.SetEscapeHTML(false)
	if err := d.enc.Encode(h); err != nil {
		return h, err
	}
	if err := c.Query(selectRows, d.row); err != nil || !log {
		return h, err
	}
	return h, c.Query(selectOps, d.op)
}

func head(c *sqlite.Conn, log bool) (h Header, err error) {
	h = Header{Fanmill: "ledger", Format: format, Features: classify.FeatureVersion, Log: log}
	if h.Seq, err = c.Integer(ledger.SelectLast); err != nil {
		return h, err
	}
	if h.Rows, err = c.Integer("SELECT count(*) FROM msg"); err != nil || !log {
		return h, err
	}
	h.Ops, err = c.Integer("SELECT count(*) FROM op")
	return h, err
}

// writer writes lines.
type writer struct {
	ctx         context.Context
	enc         *json.Encoder
	done, total int64
	progress    func(done, total int64)
}

func (d *writer) write(l record) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if d.done++; d.progress != nil {
		d.progress(d.done, d.total)
	}
	return d.enc.Encode(l)
}

// row writes a row of selectRows.
func (d *writer) row(v []driver.Value) error {
	r := ledger.AsRow(v)
	more := v[ledger.NumRowColumns:]
	line := rowLine{
		ID: r.ID, Scope: r.Scope, Digest: r.Digest.String(), Class: r.Class.String(), Adds: int64(r.Adds), Step: r.Step, Sure: r.Sure,
		ScoreC: r.ScoreC, ScoreE: r.ScoreE, ScoreL: r.ScoreL, LogOdds: r.LogOdds,
		Time: r.Time.UTC(), Source: r.Source, Complete: r.Complete, Waits: stored(r.Waiting()),
		Judged: sqlite.Int(more[0]), Features: sqlite.Blob(more[1]), Grams: sqlite.Blob(more[2]),
	}
	if b := sqlite.Blob(more[3]); b != nil {
		message, err := pack.ReadMessage(b)
		if err != nil {
			return fmt.Errorf("message %d: %w", r.ID, err)
		}
		line.Message = notNil(message)
	}
	return d.write(record{Row: &line})
}

// stored is column waits as every fanmill that reads this format knows it. Whether
// lists are kept is seen by the row.
func stored(waits ledger.Waiting) ledger.Waiting {
	if waits == ledger.WaitsListed {
		return ledger.WaitsBare
	}
	return waits
}

// notNil tells a message that is empty from one that is not kept.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// op writes a row of selectOps.
func (d *writer) op(v []driver.Value) error {
	o := ledger.AsOp(v)
	line := opLine{
		Seq: o.Seq, Time: o.Time.UTC(), Actor: o.Origin.Actor, Source: o.Origin.Source, Kind: o.Kind.String(), Row: o.Row, Scope: o.Scope,
		Before: asField(o.Before), After: asField(o.After), Undoes: o.Undoes,
	}
	if was := v[ledger.NumOpColumns:]; was[0] != nil {
		line.Was = &wasField{
			ScoreC: sqlite.Float(was[1]), ScoreE: sqlite.Float(was[2]), ScoreL: sqlite.Float(was[3]), LogOdds: sqlite.Float(was[4]),
			Judged: sqlite.Int(was[5]), Time: sqlite.Time(was[6]).UTC(), Source: sqlite.Text(was[7]),
		}
	}
	return d.write(record{Op: &line})
}

func asField(m model.Mark) markField {
	return markField{Class: m.Class.String(), Adds: int64(m.Adds), Step: m.Step, Sure: m.Sure, Waits: m.Waits}
}
