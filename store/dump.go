package store

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"fanmill/store/dump"
	"fanmill/store/sqlite"
)

// Dump writes the ledger, and with log its log too, as one moment saw it (see package
// dump). progress may be nil; it gets the lines written and those to write.
func (db *DB) Dump(ctx context.Context, w io.Writer, log bool, progress func(done, total int64)) (h dump.Header, err error) {
	out := bufio.NewWriterSize(w, 64<<10)
	err = db.r.Ask(ctx, "export ledger", func(c *sqlite.Conn) error {
		return c.Consistent(func() (err error) {
			h, err = dump.Write(ctx, c, out, log, progress)
			return err
		})
	})
	if err != nil {
		return h, err
	}
	if err := out.Flush(); err != nil {
		return h, fmt.Errorf("export ledger: %w", err)
	}
	return h, nil
}

// Empty tells whether nothing was ever recorded.
func (db *DB) Empty(ctx context.Context) (empty bool, err error) {
	err = db.r.Ask(ctx, "look into the ledger", func(c *sqlite.Conn) (err error) {
		empty, err = dump.Empty(c)
		return err
	})
	return empty, err
}

// LoadDump fills an empty ledger with all of a dump, in one transaction: afterwards
// it is the ledger that was dumped, to the numbers of rows and ops, under an id of its
// own, and its model is the same bit for bit. If anything is wrong nothing is
// changed. A ledger that is not empty is dump.ErrNotEmpty. progress may be nil.
func (db *DB) LoadDump(ctx context.Context, d *dump.Reader, progress func(done, total int64)) error {
	err := db.Update(ctx, func(tx *Tx) error {
		return dump.Load(ctx, dump.Target{Conn: db.w, Path: db.path, Pack: db.pack}, d, progress)
	})
	if err != nil {
		return fmt.Errorf("import ledger: %w", err)
	}
	return db.Rebuild(ctx)
}
