package training

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fanmill/store"
	"fanmill/store/dump"
)

// Merged counts what became of the rows of another ledger.
type Merged struct {
	Added     int `json:"added"`
	Same      int `json:"same"`      // both ledgers say so
	Confirmed int `json:"confirmed"` // a person says what was labelled automatically, or insists on it
	Changed   int `json:"changed"`   // theirs outranks ours, or is newer
	Forgotten int `json:"forgotten"` // they took the label away
	Kept      int `json:"kept"`      // ours outranks theirs, or is newer
	Skipped   int `json:"skipped"`   // without a label, and not known here, or expired there
	Waiting   int `json:"waiting"`   // of those added or changed: to be learned
}

// Entries hands out the lines of another ledger; io.EOF ends them.
type Entries func() (*dump.Entry, error)

// Merge takes the rows of another ledger in: those that are not here are added as they
// are, so often as they count there; of two labels for the same message in the same
// scope a person's outranks an automatic one, and else the newer one holds. A label that
// was taken away is one of the two as well. The ops are of the source of by, the labels
// keep theirs. The log of the other ledger is not read. It is done in batches; what was
// done before an error stays, and to do it again finishes the rest. With dryRun nothing
// is written.
func Merge(ctx context.Context, db *store.DB, next Entries, by store.Origin, dryRun bool, progress func(rows int)) (sum Merged, err error) {
	m := merger{db: db, by: by, dryRun: dryRun}
	for n, more := 0, true; more; {
		if err := ctx.Err(); err != nil {
			return m.sum, err
		}
		var batch []*store.Row
		if batch, more, err = read(next); err != nil {
			return m.sum, err
		}
		if err := m.batch(ctx, batch); err != nil {
			return m.sum, fmt.Errorf("merge ledger: %w", err)
		}
		if n += len(batch); progress != nil {
			progress(n)
		}
	}
	return m.sum, nil
}

// mergeBatch bounds the rows in memory; a batch takes some ten milliseconds.
const mergeBatch = 100

// read returns the next rows.
func read(next Entries) (rows []*store.Row, more bool, err error) {
	for len(rows) < mergeBatch {
		e, err := next()
		if errors.Is(err, io.EOF) {
			return rows, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if e.Row != nil {
			rows = append(rows, e.Row)
		}
	}
	return rows, true, nil
}

type merger struct {
	db     *store.DB
	by     store.Origin
	dryRun bool
	sum    Merged
}

// errDry ends a transaction that was only to say what would be done.
var errDry = errors.New("nothing is to be written")

func (m *merger) batch(ctx context.Context, rows []*store.Row) error {
	var sum Merged
	err := m.db.Update(ctx, func(tx *store.Tx) error {
		sum = m.sum
		for _, row := range rows {
			if err := m.row(tx, row, &sum); err != nil {
				return err
			}
		}
		if m.dryRun {
			return errDry
		}
		return nil
	})
	if err == nil || errors.Is(err, errDry) {
		m.sum, err = sum, nil
	}
	return err
}

// row takes one row in.
func (m *merger) row(tx *store.Tx, theirs *store.Row, sum *Merged) error {
	ours, found, err := tx.Find(theirs.Scope, theirs.Digest)
	if err != nil {
		return err
	}
	switch {
	case theirs.Class == store.None && (!found || theirs.Source == "expire"):
		sum.Skipped++ // that a label was too old elsewhere says nothing of it here
		return nil
	case found && ours.Class == theirs.Class:
		return m.confirm(tx, &ours, theirs, sum)
	case found && !outranks(theirs, &ours):
		sum.Kept++
		return nil
	case theirs.Class == store.None:
		sum.Forgotten++
		_, err = tx.Forget(theirs.Scope, theirs.Digest, m.by)
	case found:
		sum.Changed++
		err = tx.Learn(*theirs, m.by)
	default:
		sum.Added++
		err = tx.Learn(*theirs, m.by)
	}
	if theirs.Waits {
		sum.Waiting++
	}
	if err != nil {
		return err
	}
	return tx.Attribute(theirs, theirs.Source, theirs.Time)
}

// outranks tells which of two different labels of a message holds.
func outranks(theirs, ours *store.Row) bool {
	if a, b := Automatic(theirs.Source), Automatic(ours.Source); a != b {
		return b
	}
	return theirs.Time.After(ours.Time)
}

// confirm takes in what a row says of a label that is here as well.
func (m *merger) confirm(tx *store.Tx, ours, theirs *store.Row, sum *Merged) error {
	switch {
	case ours.Class == store.None:
		sum.Same++
		return nil
	case theirs.Sure && !ours.Sure:
		sum.Confirmed++
		if err := tx.Insist(ours.Scope, ours.Digest, m.by); err != nil {
			return err
		}
	case Automatic(ours.Source) && !Automatic(theirs.Source):
		sum.Confirmed++
		if err := tx.Confirm(ours.Scope, ours.Digest, m.by); err != nil {
			return err
		}
	default:
		sum.Same++
		return nil
	}
	return tx.Attribute(ours, theirs.Source, theirs.Time)
}
