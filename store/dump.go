package store

import (
	"bufio"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// A dump is a ledger as JSON Lines, for moving it and for other programs: a header,
// the rows in the order in which they were recorded, and, if asked for, the log.
//
//	{"fanmill":"ledger","format":1,"features":9,"seq":7,"rows":2,"log":true,"ops":7}
//	{"row":{"id":1,"scope":"","digest":"5f..","class":"ham",...,"features":"..","grams":null,"message":".."}}
//	{"op":{"seq":1,"time":"..","actor":"anna","source":"train","kind":"learn","row":1,...}}
//
// seq is the number of the last op. features, grams and message are base64: 8 bytes
// for each feature, little endian, ascending; grams as package pack writes them; the
// canonical message as it is; null where the ledger keeps none. The other fields are
// those of the tables (see the package comment). Numbers are written so that they read
// back to the same bits, so the dump of a ledger that was loaded from a dump is the
// same, byte for byte.

// dumpFormat is the version of the format.
const dumpFormat = 1

// DumpHeader is the first line of a dump.
type DumpHeader struct {
	Fanmill  string `json:"fanmill"` // "ledger"
	Format   int    `json:"format"`
	Features int    `json:"features"` // classify.FeatureVersion
	Seq      int64  `json:"seq"`
	Rows     int64  `json:"rows"`
	Log      bool   `json:"log"`
	Ops      int64  `json:"ops"`
}

// dumpLine is any other line: one of the two is set.
type dumpLine struct {
	Row *dumpRow `json:"row,omitempty"`
	Op  *dumpOp  `json:"op,omitempty"`
}

type dumpRow struct {
	ID       int64          `json:"id"`
	Scope    string         `json:"scope"`
	Digest   string         `json:"digest"`
	Class    string         `json:"class"`
	Adds     int64          `json:"adds"`
	Step     int64          `json:"step"`
	Sure     bool           `json:"sure"`
	ScoreC   float64        `json:"score_c"`
	ScoreE   float64        `json:"score_e"`
	ScoreL   float64        `json:"score_l"`
	LogOdds  float64        `json:"log_odds"`
	Time     time.Time      `json:"time"`
	Source   string         `json:"source"`
	Complete bool           `json:"complete"`
	Waits    ledger.Waiting `json:"waits"`
	Judged   int64          `json:"judged"`
	Features []byte         `json:"features"`
	Grams    []byte         `json:"grams"`
	Message  []byte         `json:"message"`
}

type dumpOp struct {
	Seq    int64     `json:"seq"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Source string    `json:"source"`
	Kind   string    `json:"kind"`
	Row    int64     `json:"row"`
	Scope  string    `json:"scope"`
	Before dumpMark  `json:"before"`
	After  dumpMark  `json:"after"`
	Undoes int64     `json:"undoes,omitempty"`
	Was    *dumpWas  `json:"was,omitempty"`
}

type dumpMark struct {
	Class string `json:"class"`
	Adds  int64  `json:"adds"`
	Step  int64  `json:"step"`
	Sure  bool   `json:"sure"`
	Waits bool   `json:"waits"`
}

type dumpWas struct {
	ScoreC  float64   `json:"score_c"`
	ScoreE  float64   `json:"score_e"`
	ScoreL  float64   `json:"score_l"`
	LogOdds float64   `json:"log_odds"`
	Judged  int64     `json:"judged"`
	Time    time.Time `json:"time"`
	Source  string    `json:"source"`
}

const (
	dumpRows = ledger.RowColumns + `, judged, features, grams, message FROM ` + ledger.Kept + ` ORDER BY id`
	dumpOps  = `SELECT seq, op.time, actor, op.source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes,
	was.op, score_c, score_e, score_l, log_odds, judged, was.time, was.source FROM op LEFT JOIN was ON was.op = op.seq ORDER BY seq`
)

// Dump writes the ledger, and with log its log too, as one moment saw it. progress
// may be nil; it gets the lines written and those to write.
func (db *DB) Dump(ctx context.Context, w io.Writer, log bool, progress func(done, total int64)) (h DumpHeader, err error) {
	out := bufio.NewWriterSize(w, 64<<10)
	err = db.r.Ask(ctx, "export ledger", func(c *sqlite.Conn) error {
		return c.Consistent(func() (err error) {
			if h, err = dumpHead(c, log); err != nil {
				return err
			}
			d := dumper{ctx: ctx, enc: json.NewEncoder(out), total: h.Rows + h.Ops, progress: progress}
			d.enc.SetEscapeHTML(false)
			if err := d.enc.Encode(h); err != nil {
				return err
			}
			if err := c.Query(dumpRows, d.row); err != nil || !log {
				return err
			}
			return c.Query(dumpOps, d.op)
		})
	})
	if err != nil {
		return h, err
	}
	if err := out.Flush(); err != nil {
		return h, fmt.Errorf("export ledger: %w", err)
	}
	return h, nil
}

func dumpHead(c *sqlite.Conn, log bool) (h DumpHeader, err error) {
	h = DumpHeader{Fanmill: "ledger", Format: dumpFormat, Features: classify.FeatureVersion, Log: log}
	if h.Seq, err = c.Integer(ledger.SelectLast); err != nil {
		return h, err
	}
	if h.Rows, err = c.Integer("SELECT count(*) FROM msg"); err != nil || !log {
		return h, err
	}
	h.Ops, err = c.Integer("SELECT count(*) FROM op")
	return h, err
}

// dumper writes lines.
type dumper struct {
	ctx         context.Context
	enc         *json.Encoder
	done, total int64
	progress    func(done, total int64)
}

func (d *dumper) write(l dumpLine) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if d.done++; d.progress != nil {
		d.progress(d.done, d.total)
	}
	return d.enc.Encode(l)
}

// row writes a row of dumpRows.
func (d *dumper) row(v []driver.Value) error {
	r := ledger.AsRow(v)
	more := v[ledger.NumRowColumns:]
	line := dumpRow{
		ID: r.ID, Scope: r.Scope, Digest: r.Digest.String(), Class: r.Class.String(), Adds: int64(r.Adds), Step: r.Step, Sure: r.Sure,
		ScoreC: r.ScoreC, ScoreE: r.ScoreE, ScoreL: r.ScoreL, LogOdds: r.LogOdds,
		Time: r.Time.UTC(), Source: r.Source, Complete: r.Complete, Waits: dumpedWaits(r.Waiting()),
		Judged: sqlite.Int(more[0]), Features: sqlite.Blob(more[1]), Grams: sqlite.Blob(more[2]),
	}
	if b := sqlite.Blob(more[3]); b != nil {
		message, err := pack.ReadMessage(b)
		if err != nil {
			return fmt.Errorf("message %d: %w", r.ID, err)
		}
		line.Message = notNil(message)
	}
	return d.write(dumpLine{Row: &line})
}

// dumpedWaits is column waits as every fanmill that reads this format knows it. Whether
// lists are kept is seen by the row.
func dumpedWaits(waits ledger.Waiting) ledger.Waiting {
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

// op writes a row of dumpOps.
func (d *dumper) op(v []driver.Value) error {
	o := ledger.AsOp(v)
	line := dumpOp{
		Seq: o.Seq, Time: o.Time.UTC(), Actor: o.Origin.Actor, Source: o.Origin.Source, Kind: o.Kind.String(), Row: o.Row, Scope: o.Scope,
		Before: dumpedMark(o.Before), After: dumpedMark(o.After), Undoes: o.Undoes,
	}
	if was := v[ledger.NumOpColumns:]; was[0] != nil {
		line.Was = &dumpWas{
			ScoreC: sqlite.Float(was[1]), ScoreE: sqlite.Float(was[2]), ScoreL: sqlite.Float(was[3]), LogOdds: sqlite.Float(was[4]),
			Judged: sqlite.Int(was[5]), Time: sqlite.Time(was[6]).UTC(), Source: sqlite.Text(was[7]),
		}
	}
	return d.write(dumpLine{Op: &line})
}

func dumpedMark(m Mark) dumpMark {
	return dumpMark{Class: m.Class.String(), Adds: int64(m.Adds), Step: m.Step, Sure: m.Sure, Waits: m.Waits}
}
