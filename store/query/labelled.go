package query

import (
	"context"
	"database/sql/driver"

	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// labelledAtOnce is how many rows Labelled reads before it lets others read.
const labelledAtOnce = 64

const selectLabelled = ledger.RowColumns + `, features, grams, message FROM ` + ledger.Kept + `
	WHERE scope = ? AND class IN (1, 2) AND id > ? ORDER BY id LIMIT ?`

// Labelled calls fn with every label of a scope, in the order in which the messages were
// recorded, with all that is kept of them. Labels that change meanwhile come as they were
// or as they are.
func (r *Reader) Labelled(ctx context.Context, scope string, fn func(*ledger.Row) error) error {
	return r.labelledAfter(ctx, scope, 0, fn)
}

// LabelledNewest is Labelled for the messages recorded last, limit of them at most.
func (r *Reader) LabelledNewest(ctx context.Context, scope string, limit int, fn func(*ledger.Row) error) error {
	const query = "SELECT id FROM msg WHERE scope = ? AND class IN (1, 2) ORDER BY id DESC LIMIT 1 OFFSET ?"
	before := int64(0)
	err := r.db.Ask(ctx, "read labels", func(c *sqlite.Conn) (err error) {
		before, err = c.Integer(query, scope, int64(limit))
		return err
	})
	if err != nil {
		return err
	}
	return r.labelledAfter(ctx, scope, before, fn)
}

func (r *Reader) labelledAfter(ctx context.Context, scope string, last int64, fn func(*ledger.Row) error) error {
	for {
		var rows []ledger.Row
		err := r.db.Ask(ctx, "read labels", func(c *sqlite.Conn) error {
			rows = rows[:0]
			return c.Query(selectLabelled, func(v []driver.Value) error {
				row := ledger.AsRow(v)
				if err := row.TakeKept(v[ledger.NumRowColumns:]); err != nil {
					return err
				}
				rows = append(rows, row)
				return ctx.Err()
			}, scope, last, int64(labelledAtOnce))
		})
		if err != nil {
			return err
		}
		for i := range rows {
			if err := fn(&rows[i]); err != nil {
				return err
			}
			last = rows[i].ID
		}
		if len(rows) < labelledAtOnce {
			return nil
		}
	}
}
