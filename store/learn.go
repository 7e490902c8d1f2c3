package store

import (
	"fmt"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// Learn records a labelled message and counts it row.Adds times, in the ledger
// and at once in the model, and adds row.Step to the weights of its grams. A message
// that the scope already has gets the class, adds, step, sure and scores of row (kind
// flip; kind learn if it was forgotten or waited); its kept features and grams stand,
// and its source where the class stays. Nothing is written when class, adds, step, sure,
// waits and the scores C, E and L are the same. row.ID is ignored, and so is row.Step in
// a user's scope.
//
// Features are needed when the message counts, grams when it has a step, and both
// always in a user's scope; they and the message are copied. A change of adds and
// step that leaves class, sure and the scores C, E and L as they are costs no new Fit.
func (tx *Tx) Learn(row Row, by Origin) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := row.Check(); err != nil {
		return err
	}
	if row.Time.IsZero() {
		row.Time = tx.now
	}
	keepMessage(&row)
	old, found, err := tx.Find(row.Scope, row.Digest)
	if err != nil {
		return err
	}
	m, err := tx.load(row.Scope)
	switch {
	case err != nil:
		return err
	case found:
		return tx.relearn(m, &old, &row, by)
	case row.Features == nil && (row.Adds > 0 || !row.Complete), row.Grams == nil && (row.Step != 0 || !row.Complete):
		return fmt.Errorf("learn %s: features and grams are needed", row.Digest)
	}
	return tx.insert(m, &row, by)
}

// keepMessage takes away what the ledger does not keep.
func keepMessage(row *Row) {
	if row.Scope != "" {
		row.Message = nil
	}
	row.Step = ledger.StepOf(row.Scope, row.Step)
	if len(row.Message) > ledger.MaxMessage {
		row.Message, row.Complete = row.Message[:ledger.MaxMessage], false
	}
	row.Complete = row.Complete && row.Message != nil
}

// insert records a message that the scope does not have.
func (tx *Tx) insert(m *Model, row *Row, by Origin) error {
	all := row.Waits || !row.Complete
	lists, err := row.Pack(tx.db.pack, all || row.Adds > 0, all || row.Step != 0)
	if err != nil {
		return err
	}
	waits := ledger.Waiting(0)
	if row.Waits {
		waits = ledger.WaitsBare
		if lists.Any() {
			waits = ledger.WaitsListed
		}
	}
	id, err := ledger.Insert(tx.db.w, row, by.Source, waits, tx.nextOp())
	if err == nil {
		err = ledger.Keep(tx.db.w, tx.db.pack, id, lists, row.Message)
	}
	if err != nil {
		return tx.fail("record message", err)
	}
	return tx.record(m, ledger.KindLearn, by, &model.Change{Row: id, After: row.Mark(), Features: row.Features, Grams: row.Grams, Label: row.Label()})
}

// relearn gives a message that the scope has the label of row.
func (tx *Tx) relearn(m *Model, old, row *Row, by Origin) error {
	if old.Mark() == row.Mark() && old.Label() == row.Label() {
		return nil
	}
	ch := &model.Change{
		Row: old.ID, Before: old.Mark(), After: row.Mark(), Label: row.Label(),
		Same: old.Class == row.Class && old.Waits == row.Waits && old.Label() == row.Label(),
	}
	if err := tx.relist(ch, old, row); err != nil {
		return err
	}
	if err := tx.forgo(old, row); err != nil {
		return err
	}
	scored := !old.Waits && (old.Label() != row.Label() || old.LogOdds != row.LogOdds)
	if old.Class != row.Class || old.Sure != row.Sure || scored {
		if err := tx.keepWas(old.ID); err != nil {
			return err
		}
	}
	source := by.Source
	if row.Class == old.Class {
		source = old.Source
	}
	waits := ledger.Waiting(0)
	if row.Waits {
		waits = ledger.WaitsAgain
	}
	if err := ledger.Relabel(tx.db.w, old.ID, row, source, waits, ledger.Judged{Op: tx.nextOp(), Same: ch.Same}); err != nil {
		return tx.fail("change message", err)
	}
	kind := ledger.KindFlip
	if old.Class == None || old.Waits && !row.Waits {
		kind = ledger.KindLearn
	}
	return tx.record(m, kind, by, ch)
}

// forgo takes away the lists that were kept while a row waited, if it was
// learned and adds nothing: its message yields them again. Where one of them is
// needed, both stay, and so do those that may have counted: ops speak of them.
func (tx *Tx) forgo(old, row *Row) error {
	if old.Waiting() != ledger.WaitsListed || row.Waits || !old.Complete || row.Adds > 0 || row.Step != 0 {
		return nil
	}
	if err := ledger.DropLists(tx.db.w, old.ID); err != nil {
		return tx.fail("drop features", err)
	}
	return nil
}

// relist gives a change the features and grams that the ledger has of its row,
// and the ledger those of row that it lacks.
func (tx *Tx) relist(ch *model.Change, old, row *Row) error {
	if old.Waiting() != ledger.WaitsBare {
		if err := tx.kept(ch); err != nil {
			return err
		}
	}
	addFeatures, addGrams := ch.Features == nil && ch.NeedsFeatures(), ch.Grams == nil && ch.NeedsGrams()
	if !addFeatures && !addGrams {
		return nil
	}
	if addFeatures {
		ch.Features = row.Features
	}
	if addGrams {
		ch.Grams = row.Grams
	}
	if ch.Lacks() {
		return fmt.Errorf("learn %s: features or grams are needed, the ledger has none", row.Digest)
	}
	lists, err := row.Pack(tx.db.pack, addFeatures, addGrams)
	if err != nil {
		return err
	}
	if err := ledger.AddLists(tx.db.w, ch.Row, lists); err != nil {
		return tx.fail("change message", err)
	}
	return nil
}

// kept gives a change those features and grams of its row that it needs and the
// ledger has.
func (tx *Tx) kept(ch *model.Change) error {
	if err := tx.lists.Read(tx.db.w, ch); err != nil {
		return tx.fail("read features", err)
	}
	return nil
}

// Forget takes the label of a message away and reports whether it had one. The row
// stays, with what is kept of the message.
func (tx *Tx) Forget(scope string, d classify.Digest, by Origin) (bool, error) {
	row, found, err := tx.Find(scope, d)
	if err != nil || !found || row.Class == None {
		return false, err
	}
	return tx.unlabel(ledger.KindForget, &row, by)
}

// unlabel takes the label of a row away.
func (tx *Tx) unlabel(kind ledger.Kind, row *Row, by Origin) (bool, error) {
	ch := &model.Change{Row: row.ID, Before: row.Mark()}
	if err := tx.kept(ch); err != nil {
		return false, err
	}
	if ch.Lacks() {
		return false, tx.fail("forget message", ledger.Missing(tx.db.path, ch))
	}
	m, err := tx.load(row.Scope)
	if err != nil {
		return false, err
	}
	if err := tx.keepWas(ch.Row); err != nil {
		return false, err
	}
	if err := ledger.Unlabel(tx.db.w, ch.Row, by.Source, tx.now); err != nil {
		return false, tx.fail("forget message", err)
	}
	err = tx.record(m, kind, by, ch)
	return err == nil, err
}

// Confirm makes by the source of a label that the message has: where a person
// says what was labelled automatically, the label is the person's from then on. What
// counts stays as it is. Nothing is written when by is its source already.
func (tx *Tx) Confirm(scope string, d classify.Digest, by Origin) error {
	return tx.confirm(scope, d, by, false)
}

// Insist is Confirm of a label that a person repeats or insists on: it is taken at
// its word from then on (Row.Sure). Nothing is written when it is sure already.
func (tx *Tx) Insist(scope string, d classify.Digest, by Origin) error {
	return tx.confirm(scope, d, by, true)
}

func (tx *Tx) confirm(scope string, d classify.Digest, by Origin, insist bool) error {
	row, found, err := tx.Find(scope, d)
	switch {
	case err != nil:
		return err
	case !found || row.Class == None:
		return fmt.Errorf("confirm %s: %w", d, ledger.ErrNoRow)
	case insist && row.Sure, !insist && row.Source == by.Source:
		return nil
	}
	m, err := tx.load(scope)
	if err != nil {
		return err
	}
	ch := &model.Change{Row: row.ID, Before: row.Mark(), Same: !insist}
	row.Sure = row.Sure || insist
	ch.After, ch.Label = row.Mark(), row.Label()
	if err := tx.keepWas(row.ID); err != nil {
		return err
	}
	if err := ledger.Confirm(tx.db.w, row.ID, row.Sure, by.Source, tx.now, ledger.Judged{Op: tx.nextOp(), Same: ch.Same}); err != nil {
		return tx.fail("confirm label", err)
	}
	return tx.record(m, ledger.KindLearn, by, ch)
}

// keepWas keeps what the next op takes from a row besides its mark, for Undo.
func (tx *Tx) keepWas(row int64) error {
	if err := ledger.KeepWas(tx.db.w, tx.nextOp(), row); err != nil {
		return tx.fail("keep the label as it was", err)
	}
	return nil
}

// nextOp is the number that the next op will have.
func (tx *Tx) nextOp() int64 { return tx.db.Seq() + 1 }

// record logs a change and carries it out on the model.
func (tx *Tx) record(m *Model, kind ledger.Kind, by Origin, ch *model.Change) error {
	op := ledger.Op{Time: tx.now, Origin: by, Kind: kind, Row: ch.Row, Scope: m.Scope(), Before: ch.Before, After: ch.After, Undoes: ch.Undoes}
	seq, err := ledger.Log(tx.db.w, &op)
	if err != nil {
		return tx.fail("log change", err)
	}
	if seq != tx.nextOp() {
		return tx.fail("log change", sqlite.Damaged(tx.db.path, fmt.Sprintf("op %d follows op %d", seq, tx.db.Seq())))
	}
	tx.asked = false
	tx.remember(m, ch)
	tx.db.follower.Record(m, ch)
	return nil
}
