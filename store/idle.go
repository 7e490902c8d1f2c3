package store

import (
	"database/sql/driver"
	"fmt"
	"slices"

	"fanmill/classify"
)

// Idle is a labelled message that does not count.
type Idle struct {
	ID     int64
	Digest classify.Digest
	Class  Class
}

// Idle returns the messages of a scope that are labelled class, do not count,
// and have not been judged again: the last limit of them, in the order in which
// they were recorded.
func (tx *Tx) Idle(scope string, class Class, limit int) (idle []Idle, err error) {
	after, err := tx.LastJudged(scope)
	if err != nil {
		return nil, err
	}
	err = tx.db.w.query("SELECT id, digest FROM msg WHERE scope = ? AND class = ? AND adds = 0 AND id > ? ORDER BY id DESC LIMIT ?",
		func(v []driver.Value) error {
			row := Idle{ID: asInt(v[0]), Class: class}
			copy(row.Digest[:], asBlob(v[1]))
			idle = append(idle, row)
			return nil
		}, scope, int64(class), after, int64(limit))
	if err != nil {
		return nil, tx.fail("list messages that do not count", err)
	}
	slices.Reverse(idle)
	return idle, nil
}

// Judged notes that the messages of a scope up to row id were judged again.
// Of several trainers that do so at once, the one that came furthest stands.
func (tx *Tx) Judged(scope string, id int64) error {
	last, err := tx.LastJudged(scope)
	if err != nil || last >= id {
		return err
	}
	if _, err := tx.db.w.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", judgedKey(scope), id); err != nil {
		return tx.fail("note what was judged again", err)
	}
	return nil
}

const (
	judgedWaiting = ` WHERE id IN (SELECT id FROM msg INDEXED BY msg_waits WHERE waits AND scope = ? AND id <= ? ORDER BY id LIMIT ?)`
	dropFeatures  = `UPDATE body SET features = NULL, grams = NULL` + judgedWaiting
	waitNoLonger  = `UPDATE msg SET waits = 0` + judgedWaiting
)

// DropFeatures takes away the features and grams that were kept for a second look, in at
// most limit of the rows that had it, and returns in how many. Those rows have never
// counted nor had a step, so no op speaks of what is dropped, and no follower or
// snapshot has it.
func (tx *Tx) DropFeatures(scope string, limit int) (n int, err error) {
	last, err := tx.LastJudged(scope)
	if err != nil {
		return 0, err
	}
	for _, sql := range []string{dropFeatures, waitNoLonger} {
		res, err := tx.db.w.exec(sql, scope, last, int64(limit))
		if err != nil {
			return 0, tx.fail("drop features", err)
		}
		dropped, _ := res.RowsAffected()
		n = int(dropped)
	}
	return n, nil
}

// LastJudged is the last row that was judged again, 0 when none was.
func (tx *Tx) LastJudged(scope string) (id int64, err error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	err = tx.db.w.query("SELECT value FROM meta WHERE key = ?", func(v []driver.Value) error {
		n, ok := v[0].(int64)
		if !ok {
			return damaged(tx.db.path, fmt.Sprintf("%q in meta is no number", judgedKey(scope)))
		}
		id = n
		return nil
	}, judgedKey(scope))
	if err != nil {
		return 0, tx.fail("read what was judged again", err)
	}
	return id, nil
}

func judgedKey(scope string) string { return "judged:" + scope }
