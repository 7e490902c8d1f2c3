package ledger

import (
	"context"
	"database/sql/driver"
	"fmt"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

// What the model is made of is read here: a scope's rows, which add up to it, the ops, each of
// which changes it, and the site's labels, which make its Fit.

// Sum adds the rows of a scope up. path is the ledger's, for messages.
func Sum(ctx context.Context, c *sqlite.Conn, path, scope string) (sum model.Sum, err error) {
	const labels = "SELECT count(*) FILTER (WHERE class = 1), count(*) FILTER (WHERE class = 2), count(*) FILTER (WHERE waits) FROM msg WHERE scope = ?"
	err = c.Query(labels, func(v []driver.Value) error {
		sum = model.NewSum(int(sqlite.Int(v[0])), int(sqlite.Int(v[1])), int(sqlite.Int(v[2])))
		return nil
	}, scope)
	if err != nil {
		return sum, err
	}
	const query = `SELECT msg.id, class, adds, step, CASE WHEN adds > 0 THEN features END, CASE WHEN step <> 0 THEN grams END
		FROM msg LEFT JOIN lists USING (id) WHERE scope = ? AND class <> 0 AND (adds > 0 OR step <> 0)`
	var buf Lists
	err = c.Query(query, func(v []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		m := model.Mark{Class: model.Class(sqlite.Int(v[1])), Adds: int(sqlite.Int(v[2])), Step: StepOf(scope, sqlite.Int(v[3]))}
		ch := model.Change{Row: sqlite.Int(v[0]), Before: model.Mark{Class: m.Class}, After: m, Same: true}
		if err := buf.take(&ch, v[4], v[5]); err != nil {
			return err
		}
		if ch.Lacks() {
			return Missing(path, &ch)
		}
		sum.Change(&ch) // the label is counted already
		return nil
	}, scope)
	if err == nil && scope == "" {
		err = sum.Refit(SiteLabels(ctx, c))
	}
	return sum, err
}

// SiteLabels reads the labels that the site's Fit is made from.
func SiteLabels(ctx context.Context, c *sqlite.Conn) model.ReadLabels {
	return func(most int, each func(classify.Label)) error {
		return EachLabel(ctx, c, "", most, func(_ int64, l classify.Label) { each(l) })
	}
}

const selectChanges = `SELECT op.seq, op.scope, op.row,
	op.class_before, op.adds_before, op.step_before, op.sure_before, op.waits_before,
	op.class_after, op.adds_after, op.step_after, op.sure_after, op.waits_after,
	msg.class, msg.sure, msg.score_c, msg.score_e, msg.score_l,
	CASE WHEN op.adds_before > 0 OR op.adds_after > 0 THEN (SELECT features FROM lists WHERE id = msg.id) END,
	CASE WHEN op.step_before <> op.step_after THEN (SELECT grams FROM lists WHERE id = msg.id) END, op.undoes, op.kind
FROM op LEFT JOIN msg ON msg.id = op.row WHERE op.seq > ? ORDER BY op.seq`

// EachChange calls fn with number and scope of every op after one, the oldest first. read
// reads the change that the op is, whose lists are valid until the next op.
func EachChange(ctx context.Context, c *sqlite.Conn, after int64, fn func(seq int64, scope string, read func() (model.Change, error)) error) error {
	var buf Lists
	var row []driver.Value
	read := func() (model.Change, error) {
		ch := asChange(row)
		err := buf.take(&ch, row[18], row[19])
		return ch, err
	}
	return c.Query(selectChanges, func(v []driver.Value) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		row = v
		return fn(sqlite.Int(v[0]), sqlite.Text(v[1]), read)
	}, after)
}

// asChange takes a change from a row of selectChanges. An op does not say whether it changed
// the row's scores, nor whether a later op has done so: it is taken for one that did, but for
// a confirmation.
func asChange(v []driver.Value) model.Change {
	scope := sqlite.Text(v[1])
	ch := model.Change{
		Row: sqlite.Int(v[2]), Before: AsMark(scope, v[3:8]), After: AsMark(scope, v[8:13]), Label: AsLabel(v[13:18]),
		Undoes: sqlite.Int(v[20]),
	}
	ch.Label.Spam, ch.Label.Sure = ch.After.Class == model.Spam, ch.After.Sure
	ch.Same = ch.Before == ch.After && Kind(sqlite.Int(v[21])) == KindLearn
	return ch
}

// Lists are buffers for the features and grams of one change at a time.
type Lists struct {
	features []uint64
	grams    []uint32
}

// Read gives a change those features and grams of its row that it needs and the ledger
// has; they are valid until the next call.
func (l *Lists) Read(c *sqlite.Conn, ch *model.Change) error {
	if !ch.NeedsFeatures() && !ch.NeedsGrams() {
		return nil
	}
	return c.Query("SELECT features, grams FROM lists WHERE id = ?", func(v []driver.Value) error {
		return l.take(ch, v[0], v[1])
	}, ch.Row)
}

// take gives a change the stored lists that it needs, as far as they are kept.
func (l *Lists) take(ch *model.Change, features, grams driver.Value) (err error) {
	if l.features == nil {
		l.features, l.grams = make([]uint64, 0, 512), make([]uint32, 0, 2048)
	}
	if b := sqlite.Blob(features); b != nil && ch.NeedsFeatures() {
		if l.features, err = pack.ReadFeaturesTo(l.features[:0], b); err != nil {
			return err
		}
		ch.Features = l.features
	}
	if b := sqlite.Blob(grams); b != nil && ch.NeedsGrams() {
		l.grams, err = pack.ReadGramsTo(l.grams[:0], b)
		ch.Grams = l.grams
	}
	return err
}

// Missing is the fault of a row whose change lacks its lists. path is the ledger's.
func Missing(path string, ch *model.Change) error {
	return sqlite.Damaged(path, fmt.Sprintf("message %d counts but has no features or grams", ch.Row))
}
