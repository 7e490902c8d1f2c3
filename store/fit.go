package store

import (
	"context"
	"database/sql/driver"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// refit makes the Fit anew if it is behind, for the holder of the turn.
func (db *DB) refit(ctx context.Context) error { return db.models.Refit(db.siteLabels(ctx)) }

// siteLabels reads the labels that the site's Fit is made from.
func (db *DB) siteLabels(ctx context.Context) model.ReadLabels {
	return func(most int, each func(classify.Label)) error {
		return eachLabel(ctx, db.w, "", most, func(_ int64, l classify.Label) { each(l) })
	}
}

const selectLabels = `SELECT id, class, sure, score_c, score_e, score_l FROM msg
	WHERE scope = ? AND class <> 0 AND NOT waits AND class <= 2 ORDER BY judged DESC LIMIT ?`

// eachLabel calls fn with a scope's labels, the newest first.
func eachLabel(ctx context.Context, c *sqlite.Conn, scope string, limit int, fn func(id int64, l classify.Label)) error {
	return c.Query(selectLabels, func(v []driver.Value) error {
		fn(sqlite.Int(v[0]), asLabel(v[1:]))
		return ctx.Err()
	}, scope, int64(limit))
}

// asLabel reads class, sure and scores.
func asLabel(v []driver.Value) classify.Label {
	return classify.Label{
		Spam: Class(sqlite.Int(v[0])) == Spam, Sure: sqlite.Int(v[1]) != 0,
		C: sqlite.Float(v[2]), E: sqlite.Float(v[3]), L: sqlite.Float(v[4]),
	}
}

// TxModel is a scope's model as a transaction sees it.
type TxModel struct {
	*Model
	tx *Tx
}

// Fit returns the calibrator of the labels as the transaction has left them so
// far. Asking costs some milliseconds whenever new labels make a new Fit (see
// classify.FitLabels) or labels of older rows have changed, else nothing. If the
// labels cannot be read the transaction will fail, and the Fit is the one made last.
func (m TxModel) Fit() classify.Fit {
	m.tx.refit()
	return m.Model.Fit()
}

func (tx *Tx) refit() error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.db.refit(tx.ctx); err != nil {
		return tx.fail("calibrate", err)
	}
	return nil
}
