package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// Selection says whose decisions are meant. What is empty means any.
type Selection struct {
	Actor  string
	Source string // any: all but what undid others, and expiry
	Scope  *string
	Since  time.Time
}

func (s *Selection) has(o *Op) bool {
	source := s.Source == o.Origin.Source || s.Source == "" && o.Undoes == 0 && o.Kind != KindExpire
	return source && (s.Actor == "" || s.Actor == o.Origin.Actor) && (s.Scope == nil || *s.Scope == o.Scope) && !o.Time.Before(s.Since)
}

// Undoable is a decision that may be taken back.
type Undoable struct {
	Op
	Later *Op // a decision of others about the same message since, which forbids it; nil: none
}

// Undoables returns the last n decisions of a selection that stand, the newest first,
// and with them those that others have changed since; n of 0 means all. What was taken
// back stands no more, nor does what was decided about messages that are gone.
func (db *DB) Undoables(ctx context.Context, sel Selection, n int) (list []Undoable, err error) {
	err = db.ask(ctx, "list decisions", func(c *conn) error {
		list = nil
		walk := undoWalk{sel: sel, back: map[int64]int64{}, later: map[int64]*Op{}}
		free := 0
		return c.query(opColumns+" FROM op WHERE EXISTS (SELECT 1 FROM msg WHERE id = op.row) ORDER BY seq DESC", func(v []driver.Value) error {
			op := asOp(v)
			if u, ok := walk.see(op); ok {
				list = append(list, u)
				if u.Later == nil {
					free++
				}
			}
			if n > 0 && free == n || op.Time.Before(sel.Since) {
				return errStop
			}
			return ctx.Err()
		})
	})
	return list, err
}

// undoWalk looks at ops from the newest to the oldest.
type undoWalk struct {
	sel   Selection
	back  map[int64]int64 // row: all its ops from this one on are taken back
	later map[int64]*Op   // row: the last decision of others
}

// see tells whether an op is a decision that is looked for.
func (w *undoWalk) see(op Op) (Undoable, bool) {
	if since, ok := w.back[op.Row]; ok && op.Seq >= since || !op.decision() {
		return Undoable{}, false
	}
	if w.sel.has(&op) {
		return Undoable{op, w.later[op.Row]}, true
	}
	if op.Undoes != 0 {
		w.back[op.Row] = op.Undoes
	} else if w.later[op.Row] == nil {
		w.later[op.Row] = &op
	}
	return Undoable{}, false
}

const (
	undoneMsg = `UPDATE msg SET class = ?, adds = ?, step = ?, sure = ?, waits = ? WHERE id = ?`
	selectWas = `SELECT score_c, score_e, score_l, log_odds, judged, time, source FROM was WHERE op = ?`
	restore   = `UPDATE msg SET score_c = ?, score_e = ?, score_l = ?, log_odds = ?, judged = ?, time = ?, source = ? WHERE id = ?`
)

// Undo takes a decision back: its message has the label, the adds, the scores and the
// place among the labels that it had before, and the model is as if the decision had
// never been taken. It reports false, and does nothing, if the message has another label by now.
// Decisions about one message must be taken back from the newest on.
func (tx *Tx) Undo(op Op, by Origin) (bool, error) {
	if err := tx.usable(); err != nil {
		return false, err
	}
	row, err := oneRow(tx.db.w, rowColumns+" FROM msg WHERE id = ?", op.Row)
	switch {
	case errors.Is(err, ErrNoRow):
		return false, nil
	case err != nil:
		return false, tx.fail("find message", err)
	case row.Class != op.After.Class, row.Sure != op.After.Sure:
		return false, nil
	}
	model, err := tx.load(row.Scope)
	if err != nil {
		return false, err
	}
	ch, err := tx.backTo(op, &row)
	if err != nil {
		return false, err
	}
	if err := tx.putBack(op, ch, &row); err != nil {
		return false, tx.fail("take a decision back", err)
	}
	ch.label = row.label()
	kind := KindFlip
	switch None {
	case op.Before.Class:
		kind = KindForget
	case op.After.Class:
		kind = KindLearn
	}
	if ch.before == ch.after {
		kind = KindLearn // as the confirmation that is taken back
	}
	by.Source = cmp.Or(by.Source, "undo")
	return true, tx.record(model, kind, by, ch)
}

// backTo is the change that takes an op back. What the label added then needs its lists;
// where they are gone (see Renew), it comes back and adds nothing.
func (tx *Tx) backTo(op Op, row *Row) (*change, error) {
	ch := &change{row: row.ID, before: row.mark(), after: op.Before, undoes: op.Seq}
	if err := tx.kept(ch); err != nil {
		return nil, err
	}
	if ch.lacks() {
		ch.after.Adds, ch.after.Step = 0, 0
	}
	if ch.lacks() {
		return nil, tx.fail("take a decision back", missing(tx.db.path, ch))
	}
	return ch, nil
}

// putBack gives a row what it had before an op.
func (tx *Tx) putBack(op Op, ch *change, row *Row) error {
	var was []driver.Value // none for a message that was new
	err := tx.db.w.query(selectWas, func(v []driver.Value) error {
		was = append(was, v...)
		return nil
	}, op.Seq)
	if err == nil {
		err = tx.keepWas(row.ID)
	}
	if err != nil {
		return err
	}
	b, waits := ch.after, int64(0)
	if b.Waits {
		waits = waitsAgain
	}
	if _, err := tx.db.w.exec(undoneMsg, int64(b.Class), int64(b.Adds), b.Step, b.Sure, waits, row.ID); err != nil {
		return err
	}
	row.Class, row.Sure = b.Class, b.Sure
	if was == nil {
		return nil
	}
	row.ScoreC, row.ScoreE, row.ScoreL = asFloat(was[0]), asFloat(was[1]), asFloat(was[2])
	_, err = tx.db.w.exec(restore, append(was, row.ID)...)
	return err
}
