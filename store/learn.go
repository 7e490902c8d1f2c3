package store

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"fanmill/classify"
)

const (
	insertMsg = `INSERT INTO msg
	(scope, digest, class, adds, step, score_c, score_e, score_l, log_odds, time, source, complete, waits, features, message)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING`
	updateMsg = `UPDATE msg SET class = ?, adds = ?, step = ?, score_c = ?, score_e = ?, score_l = ?, log_odds = ?,
	time = ?, source = ?, waits = waits AND ?, features = coalesce(features, ?) WHERE id = ?`
	forgetMsg  = `UPDATE msg SET class = 0, adds = 0, step = 0, time = ?, source = ? WHERE id = ?`
	confirmMsg = `UPDATE msg SET time = ?, source = ? WHERE id = ?`
	insertOp   = `INSERT INTO op
	(time, actor, source, kind, row, scope, class_before, adds_before, class_after, adds_after, step_before, step_after)
	VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`
)

// Learn records a labelled message and counts it row.Adds times, in the ledger
// and at once in the model. A message that the scope already has gets the class, adds,
// step and scores of row (kind flip; kind learn if it was forgotten); its kept
// features stand, and its source where the class stays. Nothing is written when class, adds and step are the same. row.ID is
// ignored. Features are needed when the message counts and always in a user's scope; they
// and the message are copied.
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
	model, err := tx.load(row.Scope)
	if err != nil {
		return err
	}
	keepMessage(&row)
	if row.Features == nil && (row.Adds > 0 || !row.Complete) {
		return tx.relearn(model, row, by) // can only be a change of what is there
	}
	id, err := tx.insert(&row, by.Source)
	if err != nil {
		return err
	}
	if id == 0 {
		return tx.relearn(model, row, by)
	}
	return tx.record(model, Op{Kind: KindLearn, Row: id, Scope: row.Scope, After: row.mark(), Origin: by}, row.Features)
}

// keepMessage takes away what the ledger does not keep.
func keepMessage(row *Row) {
	if row.Scope != "" {
		row.Message = nil
	}
	if len(row.Message) > MaxMessage {
		row.Message, row.Complete = row.Message[:MaxMessage], false
	}
	row.Complete = row.Complete && row.Message != nil
}

// insert writes a new row and returns its id, 0 when the message is there already.
func (tx *Tx) insert(row *Row, source string) (int64, error) {
	var features, message []byte
	waits := row.Waits && row.Adds == 0 && row.Complete
	if row.Adds > 0 || !row.Complete || waits {
		features = appendFeatures(make([]byte, 0, 8*len(row.Features)), row.Features)
	}
	if row.Message != nil {
		var err error
		if message, err = tx.db.pack.pack(row.Message); err != nil {
			return 0, tx.fail("record message", err)
		}
	}
	res, err := tx.db.w.exec(insertMsg, row.Scope, row.Digest[:], int64(row.Class), int64(row.Adds), row.Step,
		row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds, row.Time.UnixMicro(), source, row.Complete, waits,
		nilIfNone(features), nilIfNone(message))
	if err != nil {
		return 0, tx.fail("record message", err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return 0, nil
	}
	id, err := res.LastInsertId()
	return id, err
}

// relearn gives a message that the ledger has the label of row.
func (tx *Tx) relearn(model *Model, row Row, by Origin) error {
	old, err := findRow(tx.db.w, row.Scope, row.Digest)
	switch {
	case errors.Is(err, ErrNoRow):
		return fmt.Errorf("learn %s: features are needed", row.Digest)
	case err != nil:
		return tx.fail("find message", err)
	case old.mark() == row.mark():
		return nil
	}
	kept, err := tx.features(old.ID, old.Adds > 0 || row.Adds > 0)
	if err != nil {
		return err
	}
	var added []byte
	if kept == nil && row.Adds > 0 {
		if kept = row.Features; kept == nil {
			return fmt.Errorf("learn %s: features are needed, the ledger has none", row.Digest)
		}
		added = appendFeatures(make([]byte, 0, 8*len(kept)), kept)
	}
	source := by.Source
	if row.Class == old.Class {
		source = old.Source
	}
	_, err = tx.db.w.exec(updateMsg, int64(row.Class), int64(row.Adds), row.Step,
		row.ScoreC, row.ScoreE, row.ScoreL, row.LogOdds, row.Time.UnixMicro(), source, row.Adds == 0, nilIfNone(added), old.ID)
	if err != nil {
		return tx.fail("change message", err)
	}
	kind := KindFlip
	if old.Class == None {
		kind = KindLearn
	}
	return tx.record(model, Op{Kind: kind, Row: old.ID, Scope: row.Scope, Before: old.mark(), After: row.mark(), Origin: by}, kept)
}

// Forget takes the label of a message away and reports whether it had one. The row
// stays, with what is kept of the message.
func (tx *Tx) Forget(scope string, d classify.Digest, by Origin) (bool, error) {
	row, found, err := tx.Find(scope, d)
	if err != nil || !found || row.Class == None {
		return false, err
	}
	model, err := tx.load(scope)
	if err != nil {
		return false, err
	}
	features, err := tx.features(row.ID, row.Adds > 0)
	if err != nil {
		return false, err
	}
	if _, err := tx.db.w.exec(forgetMsg, tx.now.UnixMicro(), by.Source, row.ID); err != nil {
		return false, tx.fail("forget message", err)
	}
	err = tx.record(model, Op{Kind: KindForget, Row: row.ID, Scope: scope, Before: row.mark(), Origin: by}, features)
	return err == nil, err
}

// Confirm makes by the source of a label that the message has: where a person
// says what was labelled automatically, the label is the person's from then on. What
// counts stays as it is.
func (tx *Tx) Confirm(scope string, d classify.Digest, by Origin) error {
	row, found, err := tx.Find(scope, d)
	if err != nil {
		return err
	}
	if !found || row.Class == None {
		return fmt.Errorf("confirm %s: %w", d, ErrNoRow)
	}
	model, err := tx.load(scope)
	if err != nil {
		return err
	}
	if _, err := tx.db.w.exec(confirmMsg, tx.now.UnixMicro(), by.Source, row.ID); err != nil {
		return tx.fail("confirm label", err)
	}
	return tx.record(model, Op{Kind: KindLearn, Row: row.ID, Scope: scope, Before: row.mark(), After: row.mark(), Origin: by}, nil)
}

// features returns the kept features of a row, nil when there are none or they
// are not wanted.
func (tx *Tx) features(id int64, wanted bool) (features []uint64, err error) {
	if !wanted {
		return nil, nil
	}
	err = tx.db.w.query("SELECT features FROM msg WHERE id = ?", func(v []driver.Value) (err error) {
		if v[0] != nil {
			features, err = parseFeatures(make([]uint64, 0, len(asBlob(v[0]))/8), asBlob(v[0]))
		}
		return err
	}, id)
	if err != nil {
		return nil, tx.fail("read features", err)
	}
	return features, nil
}

// record logs an op and carries it out on the model.
func (tx *Tx) record(model *Model, op Op, features []uint64) error {
	res, err := tx.db.w.exec(insertOp, tx.now.UnixMicro(), op.Origin.Actor, op.Origin.Source, int64(op.Kind), op.Row, op.Scope,
		int64(op.Before.Class), int64(op.Before.Adds), int64(op.After.Class), int64(op.After.Adds), op.Before.Step, op.After.Step)
	if err != nil {
		return tx.fail("log change", err)
	}
	if seq, _ := res.LastInsertId(); seq != tx.db.seq.Load()+1 {
		return tx.fail("log change", damaged(tx.db.path, fmt.Sprintf("op %d follows op %d", seq, tx.db.seq.Load())))
	}
	first := len(tx.list)
	if ham, spam := difference(op.Before, op.After); ham|spam != 0 {
		tx.list = append(tx.list, features...)
	}
	tx.done = append(tx.done, done{model, first, len(tx.list), op.Before, op.After})
	tx.db.mem.change(model, tx.list[first:], op.Before, op.After)
	tx.db.seq.Add(1)
	tx.db.unsaved++
	return nil
}
