package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"fanmill/store/sqlite"
)

// Export writes the model of all scopes that have rows, in order, each as
// model.Models.Export does. Two ledgers with the same training export the same bytes.
func (db *DB) Export(w io.Writer) error {
	scopes, err := db.Scopes()
	if err != nil {
		return err
	}
	if err := db.take(context.Background()); err != nil {
		return fmt.Errorf("export model: %w", err)
	}
	defer db.give()
	out := bufio.NewWriter(w)
	for _, scope := range scopes {
		m, err := db.follower.Scope(context.Background(), scope)
		if err != nil {
			return fmt.Errorf("export model: %w", sqlite.Explain(db.path, err))
		}
		db.models.Export(out, m)
		db.models.Trim(db.opts.ScopeMemory)
	}
	if err := out.Flush(); err != nil { // keeps the first error of the writes before
		return fmt.Errorf("export model: %w", err)
	}
	return nil
}

// Sum returns a checksum of the site's model as Export writes it: two that are equal
// score all mail alike.
func (db *DB) Sum() (sum [sha256.Size]byte, err error) {
	if err := db.take(context.Background()); err != nil {
		return sum, fmt.Errorf("sum the model up: %w", err)
	}
	defer db.give()
	h := sha256.New()
	out := bufio.NewWriter(h)
	db.models.Export(out, db.models.Model(""))
	err = out.Flush()
	return [sha256.Size]byte(h.Sum(nil)), err
}
