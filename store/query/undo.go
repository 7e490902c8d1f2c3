package query

import (
	"context"
	"database/sql/driver"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// Selection says whose decisions are meant. What is empty means any.
type Selection struct {
	Actor  string
	Source string // any: all but what undid others, and expiry
	Scope  *string
	Since  time.Time
}

func (s *Selection) has(o *ledger.Op) bool {
	source := s.Source == o.Origin.Source || s.Source == "" && o.Undoes == 0 && o.Kind != ledger.KindExpire
	return source && (s.Actor == "" || s.Actor == o.Origin.Actor) && (s.Scope == nil || *s.Scope == o.Scope) && !o.Time.Before(s.Since)
}

// Undoable is a decision that may be taken back.
type Undoable struct {
	ledger.Op
	Later *ledger.Op // a decision of others about the same message since, which forbids it; nil: none
	Seen  int64      // the last op when it was listed; see store.Tx.DecidedSince
}

// Undoables returns the last n decisions of a selection that stand, the newest first,
// and with them those that others have changed since; n of 0 means all. What was taken
// back stands no more, nor does what was decided about messages that are gone. Of source
// ledger.Exhaust it is all that the last run has changed, whether that was a decision or not.
func (r *Reader) Undoables(ctx context.Context, sel Selection, n int) (list []Undoable, err error) {
	err = r.db.Ask(ctx, "list decisions", func(c *sqlite.Conn) error {
		list = nil
		walk := newUndoWalk(sel)
		free, seen := 0, int64(0)
		return c.Query(ledger.OpColumns+" FROM op WHERE EXISTS (SELECT 1 FROM msg WHERE id = op.row) ORDER BY seq DESC", func(v []driver.Value) error {
			op := ledger.AsOp(v)
			seen = max(seen, op.Seq)
			if walk.past(&op) {
				return sqlite.ErrStop
			}
			if later, ok := walk.see(op); ok {
				list = append(list, Undoable{op, later, seen})
				if later == nil {
					free++
				}
			}
			if n > 0 && free == n {
				return sqlite.ErrStop
			}
			return ctx.Err()
		})
	})
	return list, err
}

// undoWalk looks at ops from the newest to the oldest.
type undoWalk struct {
	sel   Selection
	run   time.Time            // of the run of ledger.Exhaust that is listed: its ops have one time
	back  map[int64]int64      // row: all decisions about it from this op on are taken back
	whole map[int64]int64      // row: and so is all else that was changed in it from this op on
	taken map[int64]bool       // op: it was taken back by itself
	later map[int64]*ledger.Op // row: the last decision of others
}

func newUndoWalk(sel Selection) *undoWalk {
	return &undoWalk{sel: sel, back: map[int64]int64{}, whole: map[int64]int64{}, taken: map[int64]bool{}, later: map[int64]*ledger.Op{}}
}

// past tells that no older op can be looked for.
func (w *undoWalk) past(op *ledger.Op) bool {
	return op.Time.Before(w.sel.Since) || !w.run.IsZero() && !op.Time.Equal(w.run)
}

// see tells whether an op is one that is looked for, and the decision of others that
// stands in its way.
func (w *undoWalk) see(op ledger.Op) (later *ledger.Op, ok bool) {
	mine := w.sel.has(&op)
	run := mine && w.sel.Source == ledger.Exhaust
	if w.over(&op) || !op.Decides() && !run {
		return nil, false
	}
	if run {
		w.run = op.Time
	}
	switch {
	case mine:
		return w.later[op.Row], true
	case op.Undoes != 0:
		w.takeBack(&op)
	case w.later[op.Row] == nil:
		w.later[op.Row] = &op
	}
	return nil, false
}

// takeBack notes what an op has taken back. Decisions about a message are taken back
// from the newest on; what a run of ledger.Exhaust set since stays if the label does.
func (w *undoWalk) takeBack(op *ledger.Op) {
	w.back[op.Row] = op.Undoes
	w.taken[op.Undoes] = true
	if op.Whole() {
		w.whole[op.Row] = op.Undoes
	}
}

// over tells that an op was taken back.
func (w *undoWalk) over(op *ledger.Op) bool {
	rows := w.back
	if !op.Decides() {
		rows = w.whole
	}
	since, ok := rows[op.Row]
	return ok && op.Seq >= since || w.taken[op.Seq]
}
