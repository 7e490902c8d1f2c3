package query

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"math"
	"slices"
	"sort"

	"fanmill/store/sqlite"
)

// sourceRows bounds how many counting messages Sources looks through, sourceBatch
// how many at a time: between two batches others may ask the ledger.
const (
	sourceRows  = 50_000
	sourceBatch = 500
)

// Sources returns, for each of features, the messages recorded last that count in
// the scope's model and hold it, at most limit each, the newest first. It reads the
// feature lists of the newest 50,000 counting messages until all are found.
func (r *Reader) Sources(ctx context.Context, scope string, features []uint64, limit int) ([][]Described, error) {
	s := search{features: features, limit: limit, found: make([][]int64, len(features)), next: math.MaxInt64}
	for read := 0; read < sourceRows && s.missing(); read += sourceBatch {
		if err := r.db.Ask(ctx, "look for messages with a feature", func(c *sqlite.Conn) error { return s.batch(ctx, c, scope) }); err != nil {
			return nil, err
		}
	}
	out := make([][]Described, len(features))
	known := map[int64]Described{}
	err := r.db.Ask(ctx, "load messages with a feature", func(c *sqlite.Conn) (err error) {
		for i, ids := range s.found {
			out[i] = out[i][:0]
			for _, id := range ids {
				d, ok := known[id]
				if !ok {
					if d, err = describe(c, id); err != nil {
						return err
					}
					known[id] = d
				}
				out[i] = append(out[i], d)
			}
		}
		return ctx.Err()
	})
	return out, err
}

// search is a walk from the newest counting message to older ones.
type search struct {
	features []uint64
	limit    int
	found    [][]int64 // of each feature: ids of the rows that hold it
	next     int64     // rows below this id are still to be read; 0: none
}

// missing tells whether older rows may hold what is still wanted.
func (s *search) missing() bool {
	return s.next > 0 && slices.ContainsFunc(s.found, func(ids []int64) bool { return len(ids) < s.limit })
}

// batch reads the next rows. In a user's model the site's messages count too. The
// walk goes by id, since an index would have all lists sorted first.
func (s *search) batch(ctx context.Context, c *sqlite.Conn, scope string) error {
	const query = `SELECT msg.id, features FROM msg NOT INDEXED JOIN lists USING (id)
		WHERE msg.id < ? AND scope IN ('', ?) AND class <> 0 AND adds > 0 ORDER BY msg.id DESC LIMIT ?`
	n, before := 0, s.next
	err := c.Query(query, func(v []driver.Value) error {
		n++
		s.next = sqlite.Int(v[0])
		s.look(s.next, sqlite.Blob(v[1]))
		return ctx.Err()
	}, before, scope, int64(sourceBatch))
	if n < sourceBatch && err == nil {
		s.next = 0
	}
	return err
}

// look searches one row's stored feature list, which is ascending.
func (s *search) look(id int64, stored []byte) {
	for i, f := range s.features {
		ids := s.found[i]
		if len(ids) >= s.limit {
			continue
		}
		n := len(stored) / 8
		at := sort.Search(n, func(k int) bool { return binary.LittleEndian.Uint64(stored[8*k:]) >= f })
		if at < n && binary.LittleEndian.Uint64(stored[8*at:]) == f {
			s.found[i] = append(ids, id)
		}
	}
}
