package dump

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// ErrUnsound says that a file is not a dump that this fanmill can read.
var ErrUnsound = errors.New("not a sound export of a ledger")

// MaxLine bounds a line of a dump: a message of MaxMessage bytes in base64 and
// lists of some hundred thousand features.
const MaxLine = 4 << 20

// maxOrigin bounds the names of actors and sources in bytes.
const maxOrigin = 255

// Reader reads a dump line by line, and believes nothing in it. Errors
// name the line, and the column where there is one.
type Reader struct {
	Header Header
	in     *bufio.Scanner
	line   int64
	rows   int64
	ops    int64
	lastID int64
	lastOp int64
}

// Entry is a line of a dump: a row with all that is kept of it, or an op.
type Entry struct {
	Row *ledger.Row // nil: an op
	raw record
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{in: bufio.NewScanner(r)}
	d.in.Buffer(make([]byte, 64<<10), MaxLine)
	raw, err := d.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is empty", ErrUnsound)
	}
	if err != nil {
		return nil, err
	}
	if err := d.decode(raw, &d.Header); err != nil {
		return nil, err
	}
	switch h := &d.Header; {
	case h.Fanmill != "ledger":
		return nil, d.fault("it does not begin with the header of one")
	case h.Format != format:
		return nil, d.fault("it has format %d, this fanmill knows %d: install another fanmill", h.Format, format)
	case h.Features != classify.FeatureVersion:
		return nil, fmt.Errorf("%w: it has version %d, this fanmill uses %d: export it with a fanmill that uses %[3]d",
			sqlite.ErrFeatureVersion, h.Features, classify.FeatureVersion)
	case h.Seq < 0 || h.Rows < 0 || h.Ops < 0 || h.Ops > h.Seq:
		return nil, d.fault("header: numbers that cannot be")
	}
	return d, nil
}

// Next returns the next row or op; io.EOF when there were as many as the header says.
func (d *Reader) Next() (*Entry, error) {
	raw, err := d.next()
	if errors.Is(err, io.EOF) {
		if d.rows != d.Header.Rows || d.ops != d.Header.Ops {
			return nil, d.fault("it is cut short: %d of %d rows and %d of %d ops are there", d.rows, d.Header.Rows, d.ops, d.Header.Ops)
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	e := new(Entry)
	if err := d.decode(raw, &e.raw); err != nil {
		return nil, err
	}
	switch row, op := e.raw.Row, e.raw.Op; {
	case row != nil && op == nil && d.ops == 0 && d.rows < d.Header.Rows:
		d.rows++
		e.Row, err = d.row(row)
	case op != nil && row == nil && d.rows == d.Header.Rows && d.ops < d.Header.Ops:
		d.ops++
		err = d.op(op)
	default:
		err = errors.New("neither a row nor an op that is expected here")
	}
	if err != nil {
		return nil, d.fault("%w", err)
	}
	return e, nil
}

// next returns the next line.
func (d *Reader) next() ([]byte, error) {
	d.line++
	if d.in.Scan() {
		return d.in.Bytes(), nil
	}
	switch err := d.in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, d.fault("it is longer than %d bytes", MaxLine)
	case err != nil:
		return nil, fmt.Errorf("read line %d: %w", d.line, err)
	}
	return nil, io.EOF
}

func (d *Reader) fault(format string, args ...any) error {
	return fmt.Errorf("line %d: %w: %w", d.line, ErrUnsound, fmt.Errorf(format, args...))
}

// decode reads one JSON value with the fields of v and no others.
func (d *Reader) decode(raw []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil && len(bytes.TrimSpace(raw[dec.InputOffset():])) > 0 {
		return d.fault("column %d: something stands behind the value", dec.InputOffset()+1)
	}
	if err == nil {
		return nil
	}
	at := dec.InputOffset() + 1
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return d.fault("column %d: the line ends too early", len(raw)+1) // not the end of the file
	}
	if s := new(json.SyntaxError); errors.As(err, &s) {
		at = s.Offset
	} else if t := new(json.UnmarshalTypeError); errors.As(err, &t) {
		at = t.Offset
	}
	return d.fault("column %d: %w", at, err)
}

// row checks a row and makes it one of ours.
func (d *Reader) row(in *rowLine) (*ledger.Row, error) {
	r := &ledger.Row{
		ID: in.ID, Scope: in.Scope, Adds: int(in.Adds), Step: in.Step, Sure: in.Sure, Source: in.Source,
		ScoreC: in.ScoreC, ScoreE: in.ScoreE, ScoreL: in.ScoreL, LogOdds: in.LogOdds,
		Message: in.Message, Complete: in.Complete, Waits: in.Waits != 0, Time: in.Time,
	}
	var err error
	if r.Digest, err = classify.ParseDigest(in.Digest); err != nil {
		return nil, err
	}
	if r.Class, err = parseClass(in.Class); err != nil {
		return nil, err
	}
	if r.Features, err = pack.ReadFeatures(in.Features); err != nil {
		return nil, err
	}
	if r.Grams, err = pack.ReadGrams(in.Grams); err != nil {
		return nil, err
	}
	labelled := *r
	if r.Class == model.None {
		labelled.Class = model.Ham
	}
	if err := labelled.Check(); err != nil {
		return nil, err
	}
	switch {
	case r.Class == model.None && r.Mark() != model.Mark{}:
		return nil, errors.New("a row without a label adds something")
	case in.ID <= d.lastID:
		return nil, fmt.Errorf("id %d does not follow %d", in.ID, d.lastID)
	case in.Waits < 0 || in.Waits > ledger.WaitsAgain:
		return nil, fmt.Errorf("waits %d", in.Waits)
	case in.Judged < 0 || in.Judged > d.Header.Seq:
		return nil, fmt.Errorf("judged %d is not an op up to %d", in.Judged, d.Header.Seq)
	case len(in.Message) > ledger.MaxMessage:
		return nil, fmt.Errorf("a message of %d bytes, the limit is %d", len(in.Message), ledger.MaxMessage)
	case in.Complete && in.Message == nil, in.Scope != "" && in.Message != nil:
		return nil, errors.New("a message is missing, or one is there that cannot be")
	case r.Adds > 0 && r.Features == nil, r.Step != 0 && r.Grams == nil:
		return nil, errors.New("it counts, but its features or grams are missing")
	}
	d.lastID = in.ID
	return r, checkStamp(in.Source, in.Time)
}

func parseClass(s string) (model.Class, error) {
	for c := model.None; c <= model.SpamCounts; c++ {
		if c.String() == s {
			return c, nil
		}
	}
	return model.None, fmt.Errorf("class %q is not known", s)
}

func parseKind(s string) (ledger.Kind, error) {
	for k := ledger.KindLearn; k <= ledger.KindExpire; k++ {
		if k.String() == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("kind %q is not known", s)
}

// checkStamp checks who did something and when.
func checkStamp(source string, at time.Time) error {
	switch {
	case len(source) > maxOrigin:
		return fmt.Errorf("source of %d bytes, the limit is %d", len(source), maxOrigin)
	case at.Year() < 1970 || at.Year() > 9999 || at.Nanosecond()%1000 != 0:
		return fmt.Errorf("time %s: want one from 1970 on, in microseconds", at.Format(time.RFC3339Nano))
	}
	return nil
}

// op checks an op.
func (d *Reader) op(o *opLine) error {
	if _, err := parseKind(o.Kind); err != nil {
		return err
	}
	for _, m := range []markField{o.Before, o.After} {
		if err := m.check(); err != nil {
			return err
		}
	}
	if err := ledger.CheckScope(o.Scope); err != nil {
		return err
	}
	switch {
	case d.ops == 1 && o.Seq < 1, d.ops > 1 && o.Seq != d.lastOp+1:
		return fmt.Errorf("op %d does not follow op %d", o.Seq, d.lastOp)
	case o.Seq > d.Header.Seq, d.ops == d.Header.Ops && o.Seq != d.Header.Seq:
		return fmt.Errorf("op %d, and the last one is %d", o.Seq, d.Header.Seq)
	case o.Undoes < 0 || o.Undoes >= o.Seq:
		return fmt.Errorf("op %d cannot take back op %d", o.Seq, o.Undoes)
	case len(o.Actor) > maxOrigin:
		return fmt.Errorf("actor of %d bytes, the limit is %d", len(o.Actor), maxOrigin)
	}
	d.lastOp = o.Seq
	if err := checkStamp(o.Source, o.Time); err != nil || o.Was == nil {
		return err
	}
	return o.Was.check(o.Seq)
}

func (m markField) check() error {
	class, err := parseClass(m.Class)
	switch {
	case err != nil:
		return err
	case m.Adds < 0 || m.Adds > ledger.MaxAdds:
		return fmt.Errorf("adds %d is not in 0..%d", m.Adds, ledger.MaxAdds)
	case m.Step != int64(int32(m.Step)):
		return fmt.Errorf("step %d does not fit 32 bits", m.Step)
	case (class == model.None || m.Waits) && (m.Adds != 0 || m.Step != 0):
		return errors.New("a row without a label, or one that waits, adds something")
	}
	return nil
}

func (w *wasField) check(seq int64) error {
	for _, x := range [...]float64{w.ScoreC, w.ScoreE, w.ScoreL, w.LogOdds} {
		if !(math.Abs(x) <= ledger.MaxScore) {
			return fmt.Errorf("score %g is not in -%g..%[2]g", x, ledger.MaxScore)
		}
	}
	if w.Judged < 0 || w.Judged >= seq {
		return fmt.Errorf("judged %d is not an op before %d", w.Judged, seq)
	}
	return checkStamp(w.Source, w.Time)
}
