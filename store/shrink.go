package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"
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
			if err := tx.db.w.vacuum(shrinkStep); err != nil {
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
	err = db.ask(ctx, "count free pages", func(c *conn) error {
		return c.consistent(func() error {
			var n [3]int64
			for i, what := range []string{"auto_vacuum", "page_count", "freelist_count"} {
				if n[i], err = c.integer("PRAGMA " + what); err != nil {
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

// vacuum gives free pages back to the file system, at most so many.
func (c *conn) vacuum(pages int) error {
	return c.query(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", pages), func([]driver.Value) error { return nil })
}

// incremental is the value of PRAGMA auto_vacuum in a ledger that can give pages back.
const incremental = 2
