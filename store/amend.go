package store

import (
	"time"

	"fanmill/store/ledger"
)

// Complete gives a row the message that it lacks, whole; what it has of features and
// grams stands as it is. It changes nothing where the row has some of its message, in
// users' scopes, which keep none, and for a message larger than MaxMessage.
func (tx *Tx) Complete(row Row, message []byte) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if row.Scope != "" || row.Complete || len(message) > ledger.MaxMessage {
		return nil
	}
	packed, err := tx.db.pack.Message(message)
	if err != nil {
		return err
	}
	did, err := ledger.Complete(tx.db.w, row.ID, packed)
	if err != nil {
		return tx.fail("keep message", err)
	}
	tx.asked = tx.asked && !did // else the row that Find remembers is another now
	return nil
}

// Attribute says who gave a row its label and when, of a label that comes from
// another ledger.
func (tx *Tx) Attribute(row *Row, source string, at time.Time) error {
	if err := tx.usable(); err != nil {
		return err
	}
	tx.asked = false
	if err := ledger.Attribute(tx.db.w, row, source, at); err != nil {
		return tx.fail("say whose label it is", err)
	}
	return nil
}
