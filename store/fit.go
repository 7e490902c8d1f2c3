package store

import (
	"context"
	"database/sql/driver"
	"slices"

	"fanmill/classify"
	"fanmill/store/sqlite"
)

// The calibrator is a function of the rows that are labelled now in the site's scope,
// and of nothing else: of n such rows that do not wait, in the order in which they
// got label and scores (column judged), the first classify.FitLabels(n) count, and of
// these the newest classify.FitWindow are fitted. So whoever has the same rows has the
// same Fit, bit for bit, however it came there, and what was forgotten has no say.
//
// Training asks for the Fit with every message. The labels of rows that had none are
// therefore kept in memory as they come; after any other change they are read
// from the ledger again, once, when somebody asks.

// window is the Fit and the labels it is made from. Its labels belong to
// the holder of DB.turn; fit and fitted change under memory.mu.
type window struct {
	labels []classify.Label // of the newest labelled rows, the oldest first
	stale  bool             // labels must be read from the ledger
	fitted int              // the FitLabels that fit was made for; 0: there is no fit
	fit    classify.Fit
}

// change takes in the label of a row that had none; any other change of labels
// makes the window stale.
func (w *window) change(ch *change) {
	switch {
	case ch.same || w.stale || !ch.before.judged() && !ch.after.judged():
	case !ch.before.judged() && ch.undoes == 0:
		if len(w.labels) >= 2*classify.FitWindow {
			w.labels = append(w.labels[:0], w.labels[len(w.labels)-3*classify.FitWindow/2:]...)
		}
		w.labels = append(w.labels, ch.label)
	default:
		w.stale = true
	}
}

// fitRows returns which of n labelled rows, counted from the oldest, go into
// the Fit.
func fitRows(n int) (first, end int) {
	end = classify.FitLabels(n)
	return max(0, end-classify.FitWindow), end
}

// behind reports that the Fit is not that of the rows.
func (t *siteCounts) behind() bool {
	end := classify.FitLabels(t.judged())
	return t.window.fitted != end || t.window.stale && end > 0
}

// refit makes the Fit anew if it is behind, for the holder of the turn.
func (db *DB) refit(ctx context.Context) error {
	site := &db.mem.site
	if !site.behind() {
		return nil
	}
	fit, err := db.calibrate(ctx, site)
	if err != nil {
		return err
	}
	db.mem.mu.Lock()
	defer db.mem.mu.Unlock()
	site.window.fit, site.window.fitted = fit, classify.FitLabels(site.judged())
	return nil
}

// calibrate returns the Fit of the site's labels.
func (db *DB) calibrate(ctx context.Context, t *siteCounts) (classify.Fit, error) {
	n, w := t.judged(), &t.window
	first, end := fitRows(n)
	if end > 0 && (w.stale || len(w.labels) < n-first) {
		if err := w.read(ctx, db.w, n-first); err != nil {
			return classify.Fit{}, err
		}
	}
	// Rows that somebody else has written meanwhile may make the list another
	// than expected; their ops will make the window stale.
	have := len(w.labels)
	return classify.Calibrate(w.labels[max(0, have-(n-first)):max(0, have-(n-end))]), nil
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

// read fills the window with the site's newest labels.
func (w *window) read(ctx context.Context, c *sqlite.Conn, limit int) error {
	w.stale = true // until all are read
	w.labels = slices.Grow(w.labels[:0], limit)
	err := eachLabel(ctx, c, "", limit, func(_ int64, l classify.Label) { w.labels = append(w.labels, l) })
	if err != nil {
		return err
	}
	slices.Reverse(w.labels)
	w.stale = false
	return nil
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
