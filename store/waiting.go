package store

import (
	"database/sql/driver"

	"fanmill/classify"
)

// Waiting is a labelled message that was recorded and is to be learned.
type Waiting struct {
	ID     int64
	Digest classify.Digest
	Class  Class
}

const selectWaiting = "SELECT id, digest, class FROM msg WHERE waits AND scope = ? ORDER BY id"

// Lists gives a row the features and grams that the ledger keeps of it, which is
// less work than to Load it. What is not kept stays nil.
func (tx *Tx) Lists(row *Row) error {
	if err := tx.usable(); err != nil {
		return err
	}
	err := tx.db.w.query("SELECT features, grams, NULL FROM body WHERE id = ?", func(v []driver.Value) error {
		return row.readBody(v)
	}, row.ID)
	if err != nil {
		return tx.fail("read features", err)
	}
	return nil
}

// Waiting returns the messages of a scope that wait, in the order in which they
// were recorded.
func (tx *Tx) Waiting(scope string) (rows []Waiting, err error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	err = tx.db.w.query(selectWaiting, func(v []driver.Value) error {
		row := Waiting{ID: asInt(v[0]), Class: Class(asInt(v[2]))}
		copy(row.Digest[:], asBlob(v[1]))
		rows = append(rows, row)
		return tx.ctx.Err()
	}, scope)
	if err != nil {
		return nil, tx.fail("list messages that wait", err)
	}
	return rows, nil
}
