package store

import (
	"context"
	"fmt"
	"time"

	"fanmill/store/sqlite"
)

const (
	// Pages that hold nothing are used again by what comes next. Where they are more than
	// one in so many, it would be long until then.
	shrinkFrom = 16
	shrinkStep = 64 // pages given back in one transaction, which takes some milliseconds
)

// Shrink gives pages of the ledger that hold nothing back to the file system, if they are
// many, in steps with a pause between them. A ledger that an older fanmill has made keeps
// them.
func (db *DB) Shrink(ctx context.Context, pause time.Duration) error {
	free, err := db.freePages(ctx)
	if err != nil {
		return err
	}
	for ; free > 0; free -= shrinkStep {
		err := db.Update(ctx, func(tx *Tx) error {
			if err := tx.db.w.Vacuum(shrinkStep); err != nil {
				return tx.fail("give free pages back", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("give free pages back: %w", ctx.Err())
		case <-time.After(pause):
		}
	}
	return nil
}

// freePages returns how many pages may be given back: none if they are few.
func (db *DB) freePages(ctx context.Context) (free int64, err error) {
	err = db.r.Ask(ctx, "count free pages", func(c *sqlite.Conn) error {
		return c.Consistent(func() error {
			var n [3]int64
			for i, what := range []string{"auto_vacuum", "page_count", "freelist_count"} {
				if n[i], err = c.Integer("PRAGMA " + what); err != nil {
					return err
				}
			}
			if free = n[2]; n[0] != incremental || free*shrinkFrom <= n[1] {
				free = 0
			}
			return nil
		})
	})
	return free, err
}

// incremental is the value of PRAGMA auto_vacuum in a ledger that can give pages back.
const incremental = 2
