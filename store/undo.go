package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"time"

	"fanmill/store/ledger"
	"fanmill/store/model"
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
	Seen  int64      // the last op when it was listed; see Tx.DecidedSince
}

// Undoables returns the last n decisions of a selection that stand, the newest first,
// and with them those that others have changed since; n of 0 means all. What was taken
// back stands no more, nor does what was decided about messages that are gone. Of source
// Exhaust it is all that the last run has changed, whether that was a decision or not.
func (db *DB) Undoables(ctx context.Context, sel Selection, n int) (list []Undoable, err error) {
	err = db.r.Ask(ctx, "list decisions", func(c *sqlite.Conn) error {
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
	run   time.Time            // of the run of Exhaust that is listed: its ops have one time
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
	run := mine && w.sel.Source == Exhaust
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
// from the newest on; what a run of Exhaust set since stays if the label does.
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

const (
	undoneMsg    = `UPDATE msg SET class = ?, adds = ?, step = ?, sure = ?, waits = ? WHERE id = ?`
	selectWas    = `SELECT score_c, score_e, score_l, log_odds, judged, time, source FROM was WHERE op = ?`
	restoreScore = `UPDATE msg SET score_c = ?, score_e = ?, score_l = ?, log_odds = ?, judged = ? WHERE id = ? AND judged <= ?`
	restoreGiver = `UPDATE msg SET time = ?, source = ? WHERE id = ?`
)

// Undo takes an op back: its message has again what the op changed, which for a new label
// is all of it: the label, the adds, the scores and the place among the labels that it had
// before. If nothing else has changed the message since, the model is as if the op had
// never been; where the op only made the label sure, or only set what it adds, what
// has changed besides stays. It reports false, and does nothing, if the message has
// another label by now. Decisions about one message must be taken back from the newest on.
func (tx *Tx) Undo(op ledger.Op, by Origin) (bool, error) {
	if err := tx.usable(); err != nil {
		return false, err
	}
	row, err := ledger.RowByID(tx.db.w, op.Row)
	switch {
	case errors.Is(err, ledger.ErrNoRow):
		return false, nil
	case err != nil:
		return false, tx.fail("find message", err)
	case !op.Stands(row.Mark()):
		return false, nil
	}
	m, err := tx.load(row.Scope)
	if err != nil {
		return false, err
	}
	ch, err := tx.backTo(&op, &row)
	if err != nil {
		return false, err
	}
	if err := tx.putBack(&op, ch); err != nil {
		return false, tx.fail("take a decision back", err)
	}
	by.Source = cmp.Or(by.Source, "undo")
	return true, tx.record(m, undoneBy(&op), by, ch)
}

// undoneBy is the kind of the op that takes this one back.
func undoneBy(o *ledger.Op) ledger.Kind {
	switch {
	case o.Before.Class == None:
		return ledger.KindForget
	case o.After.Class == None, o.Confirms(): // the model does not notice the latter
		return ledger.KindLearn
	}
	return ledger.KindFlip
}

// backTo is the change that takes an op back. What the label added then needs its lists;
// where they are gone (see Renew), it comes back and adds nothing.
func (tx *Tx) backTo(op *ledger.Op, row *Row) (*model.Change, error) {
	ch := &model.Change{Row: row.ID, Before: row.Mark(), After: op.Without(row.Mark()), Undoes: op.Seq}
	if err := tx.kept(ch); err != nil {
		return nil, err
	}
	if ch.Lacks() {
		ch.After.Adds, ch.After.Step = 0, 0
	}
	if ch.Lacks() {
		return nil, tx.fail("take a decision back", missing(tx.db.path, ch))
	}
	return ch, nil
}

// putBack gives a row what it had before an op. Scores that it got since stay with a
// label that stays; a row's judged is the op that gave it its scores.
func (tx *Tx) putBack(op *ledger.Op, ch *model.Change) error {
	var was []driver.Value // none for a message that was new, or waited
	err := tx.db.w.Query(selectWas, func(v []driver.Value) error {
		was = append(was, v...)
		return nil
	}, op.Seq)
	if err == nil {
		err = tx.keepWas(ch.Row)
	}
	if err != nil {
		return err
	}
	b, waits := ch.After, ledger.Waiting(0)
	if b.Waits {
		waits = ledger.WaitsAgain
	}
	if _, err := tx.db.w.Exec(undoneMsg, int64(b.Class), int64(b.Adds), b.Step, b.Sure, int64(waits), ch.Row); err != nil || was == nil {
		return err
	}
	last := op.Seq
	if op.Whole() {
		last = math.MaxInt64
	}
	if _, err := tx.db.w.Exec(restoreScore, append(was[:5:5], ch.Row, last)...); err != nil || !op.Decides() {
		return err
	}
	_, err = tx.db.w.Exec(restoreGiver, was[5], was[6], ch.Row)
	return err
}

// DecidedSince adds to rows those about which something was decided after the op since.
// What was listed as Undoable before that must stay: whoever decides meanwhile outranks
// whoever takes back.
func (tx *Tx) DecidedSince(since int64, rows map[int64]bool) error {
	if err := tx.usable(); err != nil {
		return err
	}
	err := tx.db.w.Query(ledger.OpColumns+" FROM op WHERE seq > ?", func(v []driver.Value) error {
		if op := ledger.AsOp(v); op.Decides() {
			rows[op.Row] = true
		}
		return nil
	}, since)
	if err != nil {
		return tx.fail("look for decisions", err)
	}
	return nil
}

// Seq returns the number of the last op, those of the transaction included.
func (tx *Tx) Seq() int64 { return tx.db.Seq() }
