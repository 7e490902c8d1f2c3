package store

import (
	"context"

	"fanmill/classify"
	"fanmill/store/ledger"
)

// Waiting calls fn with up to limit messages of a scope that were recorded and are to
// be learned, with the features and grams that the ledger keeps of them, in the order of
// their digests, from the one after a digest on. It returns how many there were.
// fn may change the message that it gets, and no other.
func (tx *Tx) Waiting(scope string, after classify.Digest, limit int, fn func(*Row) error) (int, error) {
	if err := tx.usable(); err != nil {
		return 0, err
	}
	rows, err := ledger.WaitingRows(tx.db.w, scope, after, limit) // all are read before the first is changed
	if err != nil {
		return 0, tx.fail("list messages that wait", err)
	}
	for i := range rows {
		tx.found, tx.asked = rows[i], true // Learn need not look for it
		if err := fn(&rows[i]); err != nil {
			return i, err
		}
	}
	return len(rows), nil
}

// Lists gives a row the features and grams that the ledger keeps of it, which is
// less work than to Load it. What is not kept stays nil.
func (tx *Tx) Lists(row *Row) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := ledger.ReadLists(tx.db.w, row); err != nil {
		return tx.fail("read features", err)
	}
	return nil
}

// Counting calls fn with every label of a scope that adds something, without its lists
// and message. fn may change it.
func (tx *Tx) Counting(ctx context.Context, scope string, fn func(Row) error) error {
	if err := tx.usable(); err != nil {
		return err
	}
	rows, err := ledger.Counting(ctx, tx.db.w, scope)
	if err != nil {
		return tx.fail("list labels that count", err)
	}
	for _, row := range rows {
		if err := fn(row); err != nil {
			return err
		}
	}
	return nil
}
