package store

import (
	"cmp"
	"errors"

	"fanmill/store/ledger"
	"fanmill/store/model"
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
// where they are gone (see package renew), it comes back and adds nothing.
func (tx *Tx) backTo(op *ledger.Op, row *Row) (*model.Change, error) {
	ch := &model.Change{Row: row.ID, Before: row.Mark(), After: op.Without(row.Mark()), Undoes: op.Seq}
	if err := tx.kept(ch); err != nil {
		return nil, err
	}
	if ch.Lacks() {
		ch.After.Adds, ch.After.Step = 0, 0
	}
	if ch.Lacks() {
		return nil, tx.fail("take a decision back", ledger.Missing(tx.db.path, ch))
	}
	return ch, nil
}

// putBack gives a row what it had before an op, and keeps what it has now.
func (tx *Tx) putBack(op *ledger.Op, ch *model.Change) error {
	was, err := ledger.ReadWas(tx.db.w, op.Seq)
	if err == nil {
		err = tx.keepWas(ch.Row)
	}
	if err != nil {
		return err
	}
	return ledger.PutBack(tx.db.w, op, ch.After, was)
}

// DecidedSince adds to rows those about which something was decided after the op since.
// What was listed as Undoable before that must stay: whoever decides meanwhile outranks
// whoever takes back.
func (tx *Tx) DecidedSince(since int64, rows map[int64]bool) error {
	if err := tx.usable(); err != nil {
		return err
	}
	err := ledger.EachOp(tx.db.w, since, func(op ledger.Op) {
		if op.Decides() {
			rows[op.Row] = true
		}
	})
	if err != nil {
		return tx.fail("look for decisions", err)
	}
	return nil
}

// Seq returns the number of the last op, those of the transaction included.
func (tx *Tx) Seq() int64 { return tx.db.Seq() }
