package history

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"fanmill/store/sqlite"
)

// Purge chooses the records that speak of an address. Case does not matter; an
// address that begins with @ is all of a domain, without those below it.
type Purge struct {
	To   string // a recipient
	From string // the envelope sender, or an address in the From field
}

// Purge deletes the records that p chooses and returns how many there were. A
// record goes whole, also when it names other recipients. Then the database is
// written anew, so that nothing deleted, now or earlier, is left in its files: SQLite
// leaves pieces of old rows in its pages, also under secure_delete, when it balances
// them. That needs room for a second copy, and records wait meanwhile. When it
// fails, the records are gone all the same, and the error says so.
//
// What is on its way to disk is written first.
func (h *History) Purge(ctx context.Context, p Purge) (int, error) {
	if h.opts.ReadOnly {
		return 0, fmt.Errorf("purge history: %w", sqlite.ErrReadOnly)
	}
	list, err := h.concerned(ctx, p)
	if err != nil {
		return 0, err
	}
	c, err := sqlite.Connect(h.path, "secure_delete=ON", "temp_store=FILE")
	if err != nil {
		return 0, fmt.Errorf("purge history: %w", sqlite.Explain(h.path, err))
	}
	defer c.Close()
	for some := range slices.Chunk(list, pruneStep) {
		err := sqlite.Retry(ctx, h.opts.Busy, func() error {
			return c.Atomically(func() error { return deleteRecords(c, some, true) })
		})
		if err != nil {
			return 0, fmt.Errorf("purge history: %w", sqlite.Explain(h.path, err))
		}
	}
	if err := h.rewrite(ctx, c); err != nil {
		return len(list), fmt.Errorf("purge history: %d deleted, but what they said may still be in the files: %w", len(list), sqlite.Explain(h.path, err))
	}
	return len(list), nil
}

// Concerned returns how many records Purge would delete.
func (h *History) Concerned(ctx context.Context, p Purge) (int, error) {
	list, err := h.concerned(ctx, p)
	return len(list), err
}

func (h *History) concerned(ctx context.Context, p Purge) (list []int64, err error) {
	if err := h.Flush(ctx); err != nil {
		return nil, err
	}
	err = h.r.Ask(ctx, "look for an address in the history", func(c *sqlite.Conn) error {
		list = list[:0]
		return c.Query("SELECT n, sender, recipients, sender_field FROM record", func(v []driver.Value) error {
			if p.concerns(sqlite.Text(v[1]), sqlite.Text(v[2]), sqlite.Text(v[3])) {
				list = append(list, sqlite.Int(v[0]))
			}
			return ctx.Err()
		})
	})
	return list, err
}

func (p *Purge) concerns(sender, recipients, from string) bool {
	if p.To != "" {
		for to := range strings.SplitSeq(recipients, "\n") {
			if sameAddress(p.To, to) {
				return true
			}
		}
	}
	return p.From != "" && (sameAddress(p.From, sender) || slices.ContainsFunc(addressesIn(from), func(a string) bool { return sameAddress(p.From, a) }))
}

// addressesIn cuts a From field at what cannot be part of an address. A name that
// looks like an address counts as one.
func addressesIn(field string) []string {
	words := strings.FieldsFunc(field, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>()[],;:"`, r) })
	return slices.DeleteFunc(words, func(w string) bool { return !strings.Contains(w, "@") })
}

// sameAddress tells whether a is the address meant, or is in the domain meant.
func sameAddress(meant, a string) bool {
	if strings.HasPrefix(meant, "@") && len(a) > len(meant) {
		a = a[len(a)-len(meant):]
	}
	return strings.EqualFold(meant, a)
}

// rewrite writes the database anew and empties the write-ahead log. Both wait for
// others who write or read.
func (h *History) rewrite(ctx context.Context, c *sqlite.Conn) error {
	if err := sqlite.Retry(ctx, h.opts.Busy, func() error { return c.Run("VACUUM") }); err != nil {
		return err
	}
	return sqlite.Retry(ctx, h.opts.Busy, c.EmptyLog)
}
