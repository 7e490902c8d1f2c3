package query

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"
	"time"

	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// Keep says how much of a scope's training stays. Zero is no limit.
type Keep struct {
	Age   time.Duration // labels older than this go
	Rows  int           // of more labels the surplus goes, of each class its share
	Least int           // so many labels of each class stay, however old
}

// Expirable is a labelled row that is to go.
type Expirable struct {
	ID     int64
	Class  model.Class
	Needed bool      // it counts, or is to be learned
	Time   time.Time // of its label: one that was decided since stays

	place float64 // in the list of its class, 0 to 1
}

const selectExpirable = `SELECT id, adds > 0 OR waits, time < ?, time FROM msg WHERE scope = ? AND class = ?
	ORDER BY time >= ?1, adds > 0 OR waits, time, id`

// Expirables lists the labels of a scope that are to go, in the order in which they
// should: of each class those that do not count before those that do, and the oldest
// first; the classes mixed, so that they stay in proportion.
func (r *Reader) Expirables(ctx context.Context, scope string, keep Keep, now time.Time) (list []Expirable, err error) {
	err = r.db.Ask(ctx, "list what is to expire", func(c *sqlite.Conn) error {
		list = nil
		return c.Consistent(func() error {
			labels := map[model.Class]int{}
			err := c.Query("SELECT class, count(*) FROM msg WHERE scope = ? AND class IN (1, 2) GROUP BY class", func(v []driver.Value) error {
				labels[model.Class(sqlite.Int(v[0]))] = int(sqlite.Int(v[1]))
				return nil
			}, scope)
			for class, n := range labels {
				surplus := 0
				if all := labels[model.Ham] + labels[model.Spam]; keep.Rows > 0 && all > keep.Rows {
					surplus = n - int(math.Round(float64(keep.Rows)*float64(n)/float64(all)))
				}
				if err == nil {
					err = keep.expirables(ctx, c, scope, class, surplus, n-keep.Least, now, &list)
				}
			}
			slices.SortFunc(list, func(a, b Expirable) int {
				return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.ID, b.ID))
			})
			return err
		})
	})
	return list, err
}

// expirables adds those of one class: the surplus and all that are too old, at most
// so many.
func (k Keep) expirables(ctx context.Context, c *sqlite.Conn, scope string, class model.Class, surplus, most int, now time.Time, list *[]Expirable) error {
	before, first := int64(0), len(*list)
	if k.Age > 0 {
		before = now.Add(-k.Age).UnixMicro()
	}
	err := c.Query(selectExpirable, func(v []driver.Value) error {
		n := len(*list) - first
		if old := sqlite.Int(v[2]) != 0; !old && n >= surplus || n >= most {
			return sqlite.ErrStop
		}
		*list = append(*list, Expirable{ID: sqlite.Int(v[0]), Class: class, Needed: sqlite.Int(v[1]) != 0, Time: sqlite.Time(v[3])})
		return ctx.Err()
	}, before, scope, int64(class))
	for i, part := 0, (*list)[first:]; i < len(part); i++ {
		part[i].place = float64(i) / float64(len(part))
	}
	return err
}
