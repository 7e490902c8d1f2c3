package store

import (
	"database/sql/driver"
	"fmt"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/store/pack"
	"fanmill/store/sqlite"
)

const (
	insertMsg = `INSERT INTO msg
	(scope, digest, class, adds, step, sure, score_c, score_e, score_l, log_odds, time, source, complete, waits, judged)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertBody  = `INSERT INTO body (id, message) VALUES (?,?)`
	insertLists = `INSERT INTO lists (id, features, grams) VALUES (?,?,?)`
	updateMsg   = `UPDATE msg SET class = ?, adds = ?, step = ?, sure = ?, score_c = ?, score_e = ?, score_l = ?, log_odds = ?,
	time = ?, source = ?, waits = ?, judged = iif(?, judged, ?) WHERE id = ?`
	addLists   = insertLists + ` ON CONFLICT DO UPDATE SET features = coalesce(features, excluded.features), grams = coalesce(grams, excluded.grams)`
	dropLists  = `DELETE FROM lists WHERE id = ?`
	forgetMsg  = `UPDATE msg SET class = 0, adds = 0, step = 0, sure = 0, waits = 0, time = ?, source = ? WHERE id = ?`
	confirmMsg = `UPDATE msg SET sure = ?, time = ?, source = ?, judged = iif(?, judged, ?) WHERE id = ?`
	insertOp   = `INSERT INTO op
	(time, actor, source, kind, row, scope, class_before, adds_before, step_before, sure_before, waits_before,
	class_after, adds_after, step_after, sure_after, waits_after, undoes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertWas = `INSERT INTO was (op, score_c, score_e, score_l, log_odds, judged, time, source)
	SELECT ?, score_c, score_e, score_l, log_odds, judged, time, source FROM msg WHERE id = ?`
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
	if err := row.check(); err != nil {
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
	row.Step = stepOf(row.Scope, row.Step)
	if len(row.Message) > MaxMessage {
		row.Message, row.Complete = row.Message[:MaxMessage], false
	}
	row.Complete = row.Complete && row.Message != nil
}

// insert records a message that the scope does not have.
func (tx *Tx) insert(m *Model, row *Row, by Origin) error {
	all := row.Waits || !row.Complete
	lists, err := row.pack(tx.db.pack, all || row.Adds > 0, all || row.Step != 0)
	if err != nil {
		return err
	}
	waits := int64(0)
	if row.Waits {
		waits = waitsBare
		if lists.any() {
			waits = waitsListed
		}
	}
	res, err := tx.db.w.Exec(insertMsg, row.Scope, row.Digest[:], int64(row.Class), int64(row.Adds), row.Step, row.Sure,
		row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds, row.Time.UnixMicro(), by.Source, row.Complete, waits, tx.db.seq.Load()+1)
	if err != nil {
		return tx.fail("record message", err)
	}
	id, _ := res.LastInsertId()
	if err := tx.keep(id, lists, row.Message); err != nil {
		return tx.fail("record message", err)
	}
	return tx.record(m, KindLearn, by, &model.Change{Row: id, After: row.mark(), Features: row.Features, Grams: row.Grams, Label: row.label()})
}

// packed are lists of a row in their stored forms, nil where one is not wanted or not
// known.
type packed struct{ features, grams []byte }

func (p packed) any() bool { return p.features != nil || p.grams != nil }

// pack returns those of a row's lists that are wanted, valid until p is used again.
func (r *Row) pack(p *pack.Packer, features, grams bool) (stored packed, err error) {
	if features {
		stored.features = p.Features(r.Features)
	}
	if grams {
		if stored.grams, err = p.Grams(r.Grams); err != nil {
			err = fmt.Errorf("learn %s: %w", r.Digest, err)
		}
	}
	return stored, err
}

// keep writes what is kept of a row that is new.
func (tx *Tx) keep(id int64, lists packed, message []byte) error {
	if lists.any() {
		if _, err := tx.db.w.Exec(insertLists, id, lists.features, lists.grams); err != nil {
			return err
		}
	}
	text, err := tx.db.pack.Message(message)
	if err == nil && text != nil {
		_, err = tx.db.w.Exec(insertBody, id, text)
	}
	return err
}

// relearn gives a message that the scope has the label of row.
func (tx *Tx) relearn(m *Model, old, row *Row, by Origin) error {
	if old.mark() == row.mark() && old.label() == row.label() {
		return nil
	}
	ch := &model.Change{
		Row: old.ID, Before: old.mark(), After: row.mark(), Label: row.label(),
		Same: old.Class == row.Class && old.Waits == row.Waits && old.label() == row.label(),
	}
	if err := tx.relist(ch, old, row); err != nil {
		return err
	}
	if err := tx.forgo(old, row); err != nil {
		return err
	}
	scored := !old.Waits && (old.label() != row.label() || old.LogOdds != row.LogOdds)
	if old.Class != row.Class || old.Sure != row.Sure || scored {
		if err := tx.keepWas(old.ID); err != nil {
			return err
		}
	}
	source := by.Source
	if row.Class == old.Class {
		source = old.Source
	}
	waits := int64(0)
	if row.Waits {
		waits = waitsAgain
	}
	_, err := tx.db.w.Exec(updateMsg, int64(row.Class), int64(row.Adds), row.Step, row.Sure, row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds,
		row.Time.UnixMicro(), source, waits, ch.Same, tx.db.seq.Load()+1, old.ID)
	if err != nil {
		return tx.fail("change message", err)
	}
	kind := KindFlip
	if old.Class == None || old.Waits && !row.Waits {
		kind = KindLearn
	}
	return tx.record(m, kind, by, ch)
}

// What column waits says of a row that waits.
const (
	waitsBare   = 1 // no lists of it are kept
	waitsAgain  = 2 // it was there before it began to wait, and may have counted
	waitsListed = 3 // its lists are kept until it is learned
)

// forgo takes away the lists that were kept while a row waited, if it was
// learned and adds nothing: its message yields them again. Where one of them is
// needed, both stay, and so do those that may have counted: ops speak of them.
func (tx *Tx) forgo(old, row *Row) error {
	if old.waits != waitsListed || row.Waits || !old.Complete || row.Adds > 0 || row.Step != 0 {
		return nil
	}
	if _, err := tx.db.w.Exec(dropLists, old.ID); err != nil {
		return tx.fail("drop features", err)
	}
	return nil
}

// relist gives a change the features and grams that the ledger has of its row,
// and the ledger those of row that it lacks.
func (tx *Tx) relist(ch *model.Change, old, row *Row) error {
	if old.waits != waitsBare {
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
	lists, err := row.pack(tx.db.pack, addFeatures, addGrams)
	if err != nil {
		return err
	}
	if _, err := tx.db.w.Exec(addLists, ch.Row, lists.features, lists.grams); err != nil {
		return tx.fail("change message", err)
	}
	return nil
}

// kept gives a change those features and grams of its row that it needs and the
// ledger has.
func (tx *Tx) kept(ch *model.Change) error {
	if !ch.NeedsFeatures() && !ch.NeedsGrams() {
		return nil
	}
	err := tx.db.w.Query("SELECT features, grams FROM lists WHERE id = ?", func(v []driver.Value) error {
		return tx.lists.parse(ch, v[0], v[1])
	}, ch.Row)
	if err != nil {
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
	return tx.unlabel(KindForget, &row, by)
}

// unlabel takes the label of a row away.
func (tx *Tx) unlabel(kind Kind, row *Row, by Origin) (bool, error) {
	ch := &model.Change{Row: row.ID, Before: row.mark()}
	if err := tx.kept(ch); err != nil {
		return false, err
	}
	if ch.Lacks() {
		return false, tx.fail("forget message", missing(tx.db.path, ch))
	}
	m, err := tx.load(row.Scope)
	if err != nil {
		return false, err
	}
	if err := tx.keepWas(ch.Row); err != nil {
		return false, err
	}
	if _, err := tx.db.w.Exec(forgetMsg, tx.now.UnixMicro(), by.Source, ch.Row); err != nil {
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
		return fmt.Errorf("confirm %s: %w", d, ErrNoRow)
	case insist && row.Sure, !insist && row.Source == by.Source:
		return nil
	}
	m, err := tx.load(scope)
	if err != nil {
		return err
	}
	ch := &model.Change{Row: row.ID, Before: row.mark(), Same: !insist}
	row.Sure = row.Sure || insist
	ch.After, ch.Label = row.mark(), row.label()
	if err := tx.keepWas(row.ID); err != nil {
		return err
	}
	if _, err := tx.db.w.Exec(confirmMsg, row.Sure, tx.now.UnixMicro(), by.Source, ch.Same, tx.db.seq.Load()+1, row.ID); err != nil {
		return tx.fail("confirm label", err)
	}
	return tx.record(m, KindLearn, by, ch)
}

// nilIfZero binds SQL NULL for 0.
func nilIfZero(n int64) driver.Value {
	if n == 0 {
		return nil
	}
	return n
}

// keepWas keeps what the next op takes from a row besides its mark, for Undo.
func (tx *Tx) keepWas(row int64) error {
	if _, err := tx.db.w.Exec(insertWas, tx.db.seq.Load()+1, row); err != nil {
		return tx.fail("keep the label as it was", err)
	}
	return nil
}

// record logs a change and carries it out on the model.
func (tx *Tx) record(m *Model, kind Kind, by Origin, ch *model.Change) error {
	b, a := ch.Before, ch.After
	res, err := tx.db.w.Exec(insertOp, tx.now.UnixMicro(), by.Actor, by.Source, int64(kind), ch.Row, m.Scope(),
		int64(b.Class), int64(b.Adds), b.Step, b.Sure, b.Waits, int64(a.Class), int64(a.Adds), a.Step, a.Sure, a.Waits, nilIfZero(ch.Undoes))
	if err != nil {
		return tx.fail("log change", err)
	}
	if seq, _ := res.LastInsertId(); seq != tx.db.seq.Load()+1 {
		return tx.fail("log change", sqlite.Damaged(tx.db.path, fmt.Sprintf("op %d follows op %d", seq, tx.db.seq.Load())))
	}
	tx.asked = false
	tx.remember(m, ch)
	tx.db.models.Change(m, ch)
	tx.db.seq.Add(1)
	tx.db.unsaved++
	return nil
}
