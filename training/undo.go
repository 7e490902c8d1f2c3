package training

import (
	"context"
	"fmt"
	"time"

	"fanmill/store"
	"fanmill/store/query"
)

// Undo takes decisions back, given the newest first, and returns how many: each message
// has the label it had before, and the model is as if they had never been taken. Those
// about messages that others have decided since stay, and so does what somebody decides
// while it runs. What was taken back before an error stays taken back. progress may be nil.
func Undo(ctx context.Context, db *store.DB, list []query.Undoable, by store.Origin, progress func(done, total int)) (undone int, err error) {
	by.Source = "undo"
	decided := map[int64]bool{} // since they were listed
	var seen int64
	if len(list) > 0 {
		seen = list[0].Seen
	}
	for done := 0; done < len(list); {
		if err := ctx.Err(); err != nil { // the ledger heeds it only where it waits
			return undone, err
		}
		var next, n int
		err := db.Update(ctx, func(tx *store.Tx) error {
			next, n = done, undone
			if err := tx.DecidedSince(seen, decided); err != nil {
				return err
			}
			for begin := time.Now(); next < len(list) && time.Since(begin) < batchTime; next++ {
				if list[next].Later != nil || decided[list[next].Row] {
					continue
				}
				ok, err := tx.Undo(list[next].Op, by)
				if err != nil {
					return fmt.Errorf("undo op %d: %w", list[next].Seq, err)
				}
				if ok {
					n++
				}
			}
			seen = tx.Seq()
			return nil
		})
		if err != nil {
			return undone, fmt.Errorf("write to the ledger: %w", err)
		}
		done, undone = next, n
		if progress != nil {
			progress(done, len(list))
		}
	}
	return undone, nil
}
