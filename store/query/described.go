package query

import (
	"context"
	"fmt"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/sqlite"
)

// Described is a row that a person can tell from others.
type Described struct {
	ledger.Row           // without features, grams and message
	Subject, From string // decoded from the kept message, "" where none is kept; hostile: escape them
}

// Describe returns the row with this ID; ledger.ErrNoRow when there is none.
func (r *Reader) Describe(ctx context.Context, id int64) (d Described, err error) {
	err = r.db.Ask(ctx, fmt.Sprintf("load message %d", id), func(c *sqlite.Conn) (err error) {
		d, err = describe(c, id)
		return err
	})
	return d, err
}

func describe(c *sqlite.Conn, id int64) (d Described, err error) {
	if d.Row, err = ledger.LoadRow(c, id); err != nil {
		return d, err
	}
	if d.Message != nil {
		m := classify.Extract(classify.DefaultOptions(), d.Message)
		d.Subject, d.From = m.Subject, m.From
	}
	d.Features, d.Grams, d.Message = nil, nil, nil
	return d, nil
}
