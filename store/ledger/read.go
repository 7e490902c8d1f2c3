package ledger

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// ErrNoRow says that a message was never recorded.
var ErrNoRow = errors.New("no such message in the ledger")

// RowColumns begins a query of rows, and NumRowColumns is how many columns it names.
const (
	RowColumns    = "SELECT id, scope, digest, class, adds, step, sure, score_c, score_e, score_l, log_odds, time, source, complete, waits"
	NumRowColumns = 15
)

// AsRow reads RowColumns.
func AsRow(v []driver.Value) Row {
	r := Row{
		ID: sqlite.Int(v[0]), Scope: sqlite.Text(v[1]), Class: model.Class(sqlite.Int(v[3])), Adds: int(sqlite.Int(v[4])), Step: StepOf(sqlite.Text(v[1]), sqlite.Int(v[5])), Sure: sqlite.Int(v[6]) != 0,
		ScoreC: sqlite.Float(v[7]), ScoreE: sqlite.Float(v[8]), ScoreL: sqlite.Float(v[9]), LogOdds: sqlite.Float(v[10]),
		Time: sqlite.Time(v[11]), Source: sqlite.Text(v[12]), Complete: sqlite.Int(v[13]) != 0, Waits: sqlite.Int(v[14]) != 0, waits: Waiting(sqlite.Int(v[14])),
	}
	copy(r.Digest[:], sqlite.Blob(v[2]))
	return r
}

// AsMark reads class, adds, step, sure and waits.
func AsMark(scope string, v []driver.Value) model.Mark {
	return model.Mark{Class: model.Class(sqlite.Int(v[0])), Adds: int(sqlite.Int(v[1])), Step: StepOf(scope, sqlite.Int(v[2])), Sure: sqlite.Int(v[3]) != 0, Waits: sqlite.Int(v[4]) != 0}
}

// StepOf is what a row of a scope adds to the weights. Ledgers from before scopes held
// counts only have steps in users' scopes: there they are nothing.
func StepOf(scope string, step int64) int64 {
	if scope != "" {
		return 0
	}
	return step
}

// FindRow returns a row without its lists and message, or ErrNoRow.
func FindRow(c *sqlite.Conn, scope string, d classify.Digest) (Row, error) {
	return oneRow(c, RowColumns+" FROM msg WHERE scope = ? AND digest = ?", scope, d[:])
}

// RowByID is FindRow by the row's number.
func RowByID(c *sqlite.Conn, id int64) (Row, error) {
	return oneRow(c, RowColumns+" FROM msg WHERE id = ?", id)
}

func oneRow(c *sqlite.Conn, query string, args ...driver.Value) (row Row, err error) {
	err = ErrNoRow
	queryErr := c.Query(query, func(v []driver.Value) error {
		row, err = AsRow(v), nil
		return sqlite.ErrStop
	}, args...)
	return row, cmp.Or(queryErr, err)
}

// Rows returns the rows that a query of RowColumns yields.
func Rows(ctx context.Context, c *sqlite.Conn, query string, args ...driver.Value) (rows []Row, err error) {
	err = c.Query(query, func(v []driver.Value) error {
		rows = append(rows, AsRow(v))
		return ctx.Err()
	}, args...)
	return rows, err
}

// selectSpare and selectWaiting go by an index, without sorting.
const (
	selectSpare   = RowColumns + ` FROM msg WHERE scope = ? AND class <> 0 AND NOT waits AND class = ? AND adds = 0 ORDER BY judged DESC LIMIT ?`
	selectWaiting = RowColumns + `, features, grams, NULL FROM msg LEFT JOIN lists USING (id)
	WHERE waits AND scope = ? AND digest > ? ORDER BY digest LIMIT ?`
)

// Spare returns up to limit labels of a scope and class that do not count, the newest first.
func Spare(ctx context.Context, c *sqlite.Conn, scope string, class model.Class, limit int) ([]Row, error) {
	return Rows(ctx, c, selectSpare, scope, int64(class), int64(limit))
}

// Counting returns the labels of a scope that add something.
func Counting(ctx context.Context, c *sqlite.Conn, scope string) ([]Row, error) {
	return Rows(ctx, c, RowColumns+" FROM msg WHERE scope = ? AND class IN (1, 2) AND (adds > 0 OR step <> 0)", scope)
}

// WaitingRows returns up to limit rows of a scope that wait, with the lists that are kept of
// them, in the order of their digests, from the one after a digest on.
func WaitingRows(c *sqlite.Conn, scope string, after classify.Digest, limit int) (rows []Row, err error) {
	err = c.Query(selectWaiting, func(v []driver.Value) error {
		rows = append(rows, AsRow(v))
		return rows[len(rows)-1].TakeKept(v[NumRowColumns:])
	}, scope, after[:], int64(limit))
	return rows, err
}

// ReadLists gives a row the lists that are kept of it.
func ReadLists(c *sqlite.Conn, r *Row) error {
	return c.Query("SELECT features, grams, NULL FROM lists WHERE id = ?", r.TakeKept, r.ID)
}

// LoadRow returns a row with all that is kept of it, or ErrNoRow. These are two
// queries because SQLite would plan a join anew each time.
func LoadRow(c *sqlite.Conn, id int64) (row Row, err error) {
	err = c.Consistent(func() error {
		if row, err = RowByID(c, id); err != nil {
			return err
		}
		const query = "SELECT (SELECT features FROM lists WHERE id = ?1), (SELECT grams FROM lists WHERE id = ?1), (SELECT message FROM body WHERE id = ?1)"
		return c.Query(query, row.TakeKept, id)
	})
	return row, err
}

// Kept joins the rows with what is kept of them.
const Kept = "msg LEFT JOIN lists USING (id) LEFT JOIN body USING (id)"

// TakeKept gives the row features, grams and message, as far as they are kept, from their
// stored forms.
func (r *Row) TakeKept(v []driver.Value) (err error) {
	if r.Features, err = pack.ReadFeatures(sqlite.Blob(v[0])); err != nil {
		return err
	}
	if r.Grams, err = pack.ReadGrams(sqlite.Blob(v[1])); err != nil {
		return err
	}
	if b := sqlite.Blob(v[2]); b != nil {
		r.Message, err = pack.ReadMessage(b)
	}
	return err
}

// OpColumns begins a query of ops, and NumOpColumns is how many columns it names.
const (
	OpColumns = `SELECT seq, time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes`
	NumOpColumns = 18
)

// AsOp reads OpColumns.
func AsOp(v []driver.Value) Op {
	return Op{
		Seq: sqlite.Int(v[0]), Time: sqlite.Time(v[1]), Origin: Origin{Actor: sqlite.Text(v[2]), Source: sqlite.Text(v[3])},
		Kind: Kind(sqlite.Int(v[4])), Row: sqlite.Int(v[5]), Scope: sqlite.Text(v[6]), Before: AsMark(sqlite.Text(v[6]), v[7:12]), After: AsMark(sqlite.Text(v[6]), v[12:17]), Undoes: sqlite.Int(v[17]),
	}
}

// EachOp calls fn with all ops after one.
func EachOp(c *sqlite.Conn, after int64, fn func(Op)) error {
	return c.Query(OpColumns+" FROM op WHERE seq > ?", func(v []driver.Value) error {
		fn(AsOp(v))
		return nil
	}, after)
}

// OpTime returns when an op was, in microseconds; 0 if the log does not have it.
func OpTime(c *sqlite.Conn, seq int64) (int64, error) {
	return c.Integer("SELECT time FROM op WHERE seq = ?", seq)
}

// SelectLast yields the number of the last op, even if the log was pruned of it.
const SelectLast = "SELECT seq FROM sqlite_sequence WHERE name = 'op'"

// SelectFirst yields number and time of the oldest op that the log has.
const SelectFirst = "SELECT seq, time FROM op ORDER BY seq LIMIT 1"

const selectLabels = `SELECT id, class, sure, score_c, score_e, score_l FROM msg
	WHERE scope = ? AND class <> 0 AND NOT waits AND class <= 2 ORDER BY judged DESC LIMIT ?`

// EachLabel calls fn with a scope's labels that do not wait, the newest first.
func EachLabel(ctx context.Context, c *sqlite.Conn, scope string, limit int, fn func(id int64, l classify.Label)) error {
	return c.Query(selectLabels, func(v []driver.Value) error {
		fn(sqlite.Int(v[0]), AsLabel(v[1:]))
		return ctx.Err()
	}, scope, int64(limit))
}

// AsLabel reads class, sure and the scores C, E and L.
func AsLabel(v []driver.Value) classify.Label {
	return classify.Label{
		Spam: model.Class(sqlite.Int(v[0])) == model.Spam, Sure: sqlite.Int(v[1]) != 0,
		C: sqlite.Float(v[2]), E: sqlite.Float(v[3]), L: sqlite.Float(v[4]),
	}
}
