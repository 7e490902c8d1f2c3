package ledger

import (
	"database/sql/driver"
	"fmt"
	"time"

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
)

// Packed are lists of a row in their stored forms, nil where one is not wanted or not
// known.
type Packed struct{ Features, Grams []byte }

// Any tells whether there is a list.
func (p Packed) Any() bool { return p.Features != nil || p.Grams != nil }

// Pack returns those of a row's lists that are wanted, valid until p is used again.
func (r *Row) Pack(p *pack.Packer, features, grams bool) (stored Packed, err error) {
	if features {
		stored.Features = p.Features(r.Features)
	}
	if grams {
		if stored.Grams, err = p.Grams(r.Grams); err != nil {
			err = fmt.Errorf("learn %s: %w", r.Digest, err)
		}
	}
	return stored, err
}

// Judged says which op gave a label its scores and its place among the labels: the one of
// that number, or, with Same, the one that did before.
type Judged struct {
	Op   int64
	Same bool
}

// Insert records a row without what is kept of it, and returns its number.
func Insert(c *sqlite.Conn, r *Row, source string, waits Waiting, judged int64) (id int64, err error) {
	res, err := c.Exec(insertMsg, r.Scope, r.Digest[:], int64(r.Class), int64(r.Adds), r.Step, r.Sure,
		r.ScoreC, r.ScoreE, r.ScoreL, r.LogOdds, r.Time.UnixMicro(), source, r.Complete, int64(waits), judged)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// Keep writes what is kept of a row that is new.
func Keep(c *sqlite.Conn, p *pack.Packer, id int64, lists Packed, message []byte) error {
	if lists.Any() {
		if _, err := c.Exec(insertLists, id, lists.Features, lists.Grams); err != nil {
			return err
		}
	}
	text, err := p.Message(message)
	if err == nil && text != nil {
		_, err = c.Exec(insertBody, id, text)
	}
	return err
}

// Relabel gives the row with a number the label of r.
func Relabel(c *sqlite.Conn, id int64, r *Row, source string, waits Waiting, judged Judged) error {
	_, err := c.Exec(updateMsg, int64(r.Class), int64(r.Adds), r.Step, r.Sure, r.ScoreC, r.ScoreE, r.ScoreL, r.LogOdds,
		r.Time.UnixMicro(), source, int64(waits), judged.Same, judged.Op, id)
	return err
}

// Confirm says whose a row's label is from now on, and whether it is sure.
func Confirm(c *sqlite.Conn, id int64, sure bool, source string, at time.Time, judged Judged) error {
	_, err := c.Exec(confirmMsg, sure, at.UnixMicro(), source, judged.Same, judged.Op, id)
	return err
}

// Unlabel takes a row's label away.
func Unlabel(c *sqlite.Conn, id int64, source string, at time.Time) error {
	_, err := c.Exec(forgetMsg, at.UnixMicro(), source, id)
	return err
}

// AddLists keeps those of a row's lists that are not kept yet.
func AddLists(c *sqlite.Conn, id int64, lists Packed) error {
	_, err := c.Exec(addLists, id, lists.Features, lists.Grams)
	return err
}

// DropLists removes a row's lists.
func DropLists(c *sqlite.Conn, id int64) error {
	_, err := c.Exec(dropLists, id)
	return err
}

// Log writes an op and returns its number.
func Log(c *sqlite.Conn, o *Op) (seq int64, err error) {
	b, a := o.Before, o.After
	res, err := c.Exec(insertOp, o.Time.UnixMicro(), o.Origin.Actor, o.Origin.Source, int64(o.Kind), o.Row, o.Scope,
		int64(b.Class), int64(b.Adds), b.Step, b.Sure, b.Waits, int64(a.Class), int64(a.Adds), a.Step, a.Sure, a.Waits, NilIfZero(o.Undoes))
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// NilIfZero binds SQL NULL for 0.
func NilIfZero(n int64) driver.Value {
	if n == 0 {
		return nil
	}
	return n
}

// Complete keeps the message of a row that has none, in its stored form, and tells whether
// it had none.
func Complete(c *sqlite.Conn, id int64, message []byte) (bool, error) {
	res, err := c.Exec("INSERT OR IGNORE INTO body (id, message) VALUES (?,?)", id, message)
	if err != nil {
		return false, err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return false, nil
	}
	_, err = c.Exec("UPDATE msg SET complete = 1 WHERE id = ?", id)
	return err == nil, err
}

// Attribute says who gave a row its label and when.
func Attribute(c *sqlite.Conn, r *Row, source string, at time.Time) error {
	_, err := c.Exec("UPDATE msg SET source = ?, time = ? WHERE scope = ? AND digest = ?", source, at.UnixMicro(), r.Scope, r.Digest[:])
	return err
}

// Sweep removes a row and what is kept of it, and tells whether it did: not if the row has
// a label.
func Sweep(c *sqlite.Conn, id int64) (bool, error) {
	res, err := c.Exec("DELETE FROM msg WHERE id = ? AND class = 0", id)
	if err != nil {
		return false, err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return false, nil
	}
	if err := DropLists(c, id); err != nil {
		return false, err
	}
	_, err = c.Exec("DELETE FROM body WHERE id = ?", id)
	return err == nil, err
}

// Prune removes all ops up to one, with what they took from their rows.
func Prune(c *sqlite.Conn, last int64) error {
	if _, err := c.Exec("DELETE FROM was WHERE op <= ?", last); err != nil {
		return err
	}
	_, err := c.Exec("DELETE FROM op WHERE seq <= ?", last)
	return err
}
