package store

import "fanmill/classify"

// TxModel is a scope's model as a transaction sees it.
type TxModel struct {
	*Model
	tx *Tx
}

// Fit returns the calibrator of the labels as the transaction has left them so
// far. Asking costs some milliseconds whenever new labels make a new Fit (see
// classify.FitLabels) or labels of older rows have changed, else nothing. If the
// labels cannot be read the transaction will fail, and the Fit is the one made last.
func (m TxModel) Fit() classify.Fit {
	m.tx.refit()
	return m.Model.Fit()
}

func (tx *Tx) refit() error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := tx.db.follower.Refit(tx.ctx); err != nil {
		return tx.fail("calibrate", err)
	}
	return nil
}
