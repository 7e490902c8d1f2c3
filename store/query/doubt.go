package query

import (
	"cmp"
	"context"
	"slices"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// Doubts are the labels of a scope's Fit that are probably wrong.
type Doubts struct {
	Labels, Spam int     // labels in the window of the scope's Fit, and how many of them say spam
	Total        int     // doubtful ones
	Worst        []Doubt // of these the likeliest to be wrong, the likeliest first
}

// Doubt is one label that is probably wrong.
type Doubt struct {
	Described
	Chance float64 // that the label is wrong
}

// Doubtful lists the labels of a scope that its Fit takes for slips, at most limit of them. Labels that are sure are believed.
func (r *Reader) Doubtful(ctx context.Context, scope string, fit classify.Fit, limit int) (d Doubts, err error) {
	err = r.db.Ask(ctx, "look for doubtful labels", func(c *sqlite.Conn) error {
		return c.Consistent(func() error {
			var rows []Doubt
			if d, rows, err = findDoubts(ctx, c, scope, fit); err != nil {
				return err
			}
			d.Worst = rows[:min(max(limit, 0), len(rows))]
			for i := range d.Worst {
				w := &d.Worst[i]
				if w.Described, err = describe(c, w.ID); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return d, err
}

// findDoubts looks at all labels of a scope's Fit; of the rows it returns only
// id and chance are set.
func findDoubts(ctx context.Context, c *sqlite.Conn, scope string, fit classify.Fit) (d Doubts, rows []Doubt, err error) {
	n, err := c.Integer("SELECT count(*) FROM msg WHERE scope = ? AND class IN (1, 2) AND NOT waits", scope)
	if err != nil {
		return d, nil, err
	}
	first, end := model.FitRows(int(n))
	rank := int(n)
	err = ledger.EachLabel(ctx, c, scope, int(n)-first, func(id int64, l classify.Label) {
		if rank--; rank >= end {
			return
		}
		d.Labels++
		if l.Spam {
			d.Spam++
		}
		chance := fit.Slip(l.Spam, fit.LogOdds(l.C, l.E, l.L))
		if !l.Sure && chance >= classify.Doubtful {
			rows = append(rows, Doubt{Described{Row: ledger.Row{ID: id}}, chance})
		}
	})
	d.Total = len(rows)
	slices.SortFunc(rows, func(a, b Doubt) int {
		return cmp.Or(cmp.Compare(b.Chance, a.Chance), cmp.Compare(b.ID, a.ID))
	})
	return d, rows, err
}
