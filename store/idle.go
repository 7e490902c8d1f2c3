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
func (tx *Tx) Judged(scope string, id int64) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if _, err := tx.db.w.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", judgedKey(scope), id); err != nil {
		return tx.fail("note what was judged again", err)
	}
	return nil
}

// DropFeatures takes away the features of a row that does not count and whose
// message is kept: whoever needs them reads them from the message.
func (tx *Tx) DropFeatures(id int64) error {
	if err := tx.usable(); err != nil {
		return err
	}
	_, err := tx.db.w.exec("UPDATE msg SET features = NULL WHERE id = ? AND adds = 0 AND complete = 1 AND features IS NOT NULL", id)
	if err != nil {
		return tx.fail("drop features", err)
	}
	return nil
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
