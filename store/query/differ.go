package query

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// Differences are the labels of a user's scope that say otherwise than the site.
type Differences struct {
	Labels, Spam int          // the newest labels, FitWindow at most, and how many of them say spam
	Total        int          // that differ
	Most         []Difference // of these those that differ most, the farthest first
}

// Difference is a label of a scope that is the contrary of the site's verdict.
type Difference struct {
	ledger.Row                // without features, grams and message
	Site       classify.Score // of the message, by the site's training as it is now
}

// Differing lists the labels of a user's scope whose messages the site's training, as it is
// now, puts on the other side, at most limit of them. That is no fault: a scope is there for
// it. Between the cut-offs the site has no opinion. It reads the features of all
// labels that it looks at, some 50 us each.
func (r *Reader) Differing(ctx context.Context, scope string, site classify.Model, cutoffs classify.Cutoffs, limit int) (d Differences, err error) {
	var ids []int64
	err = r.db.Ask(ctx, "list labels", func(c *sqlite.Conn) error {
		d, ids = Differences{}, ids[:0]
		return ledger.EachLabel(ctx, c, scope, classify.FitWindow, func(id int64, l classify.Label) {
			d.Labels++
			if l.Spam {
				d.Spam++
			}
			ids = append(ids, id)
		})
	})
	if err != nil {
		return d, err
	}
	var scorer classify.Scorer
	for batch := range slices.Chunk(ids, sourceBatch) { // others may ask the ledger in between
		err := r.db.Ask(ctx, "look for labels that differ", func(c *sqlite.Conn) error {
			for _, id := range batch {
				if err := d.take(c, id, &scorer, site, cutoffs); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return Differences{}, err
		}
	}
	slices.SortFunc(d.Most, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Site.LogOdds), math.Abs(a.Site.LogOdds)), cmp.Compare(b.ID, a.ID))
	})
	d.Total = len(d.Most)
	d.Most = d.Most[:min(max(limit, 0), d.Total)]
	return d, nil
}

// take adds a row if it differs.
func (d *Differences) take(c *sqlite.Conn, id int64, scorer *classify.Scorer, site classify.Model, cutoffs classify.Cutoffs) error {
	row, err := ledger.LoadRow(c, id)
	if errors.Is(err, ledger.ErrNoRow) { // removed meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	s := scorer.Score(row.Features, row.Grams, site)
	row.Features, row.Grams, row.Message = nil, nil, nil
	v := cutoffs.Verdict(s.P)
	if v == classify.Spam && row.Class == model.Ham || v == classify.Ham && row.Class == model.Spam {
		d.Most = append(d.Most, Difference{row, s})
	}
	return nil
}
