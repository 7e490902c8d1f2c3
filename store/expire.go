package store

import (
	"errors"
	"fmt"

	"fanmill/store/ledger"
	"fanmill/store/query"
)

// Expire takes the label of a row away for its age, and reports whether it had one that
// nobody has decided about since it was listed. The row itself goes with a later Sweep:
// until then processes that follow find what they need to take it out of their models.
func (tx *Tx) Expire(x query.Expirable, actor string) (bool, error) {
	if err := tx.usable(); err != nil {
		return false, err
	}
	row, err := ledger.RowByID(tx.db.w, x.ID)
	switch {
	case errors.Is(err, ledger.ErrNoRow), err == nil && (row.Class == None || !row.Time.Equal(x.Time)):
		return false, nil
	case err != nil:
		return false, tx.fail("find message", err)
	}
	return tx.unlabel(ledger.KindExpire, &row, Origin{Actor: actor, Source: ledger.Expired})
}

// Spare returns up to limit labels of a scope and class that do not count, the newest
// first, for training to look at again when others of the class have gone.
func (tx *Tx) Spare(scope string, class Class, limit int) (rows []Row, err error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if rows, err = ledger.Spare(tx.ctx, tx.db.w, scope, class, limit); err != nil {
		return nil, tx.fail(fmt.Sprintf("list %s that does not count", class), err)
	}
	return rows, nil
}
