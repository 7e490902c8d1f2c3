package cull

import (
	"cmp"
	"context"
	"slices"

	"fanmill/classify"
	"fanmill/store"
)

// Contradictions are near-duplicates among the labels of a scope that have both
// labels: as when a file of ham was given as spam.
type Contradictions struct {
	Looked int // labelled messages that were compared
	Pairs  []Pair
}

// Pair is one of them. It is given with the first of its kind.
type Pair struct {
	Ham, Spam int64   // store.Row.ID
	Alike     float64 // estimated likeness, LeastNear to 1
}

// Of what Contradict looks at.
const (
	contradictNewest = 20000 // labels, those recorded last
	contradictLeast  = 20    // features; messages with fewer are alike by chance
)

// Contradict looks for labels of a scope that contradict each other, the most alike
// first. Of pairs whose labels a person has both insisted on it says nothing. In a user's
// scope, where no message is kept, all features are compared, those of the way included.
func Contradict(ctx context.Context, db *store.DB, scope string, progress func(n int)) (c Contradictions, err error) {
	s := new(Survey)
	r := reader{Survey: s, stream: classify.NewStream(classify.DefaultOptions())}
	var rows []store.Row
	err = db.LabelledNewest(ctx, scope, contradictNewest, func(row *store.Row) error {
		if features := r.features(row); len(features) >= contradictLeast {
			rows = append(rows, store.Row{ID: row.ID, Class: row.Class, Sure: row.Sure})
			s.Entries = append(s.Entries, Entry{First: len(s.Entries)})
			s.sketches = append(s.sketches, newSketch(features))
		}
		progress(len(rows))
		return nil
	})
	if err != nil {
		return c, err
	}
	s.group(LeastNear)
	c.Looked = len(rows)
	for i, e := range s.Entries {
		a, b := &rows[i], &rows[e.First]
		if a.Class == b.Class || a.Sure && b.Sure {
			continue
		}
		if a.Class == store.Spam {
			a, b = b, a
		}
		c.Pairs = append(c.Pairs, Pair{Ham: a.ID, Spam: b.ID, Alike: min(s.Likeness(i, e.First), 1)})
	}
	slices.SortStableFunc(c.Pairs, func(a, b Pair) int { return cmp.Compare(b.Alike, a.Alike) })
	return c, nil
}

// features are those of sender, subject and text, valid until the next call; of a row
// without its message, those it has.
func (r *reader) features(row *store.Row) []uint64 {
	if row.Message == nil {
		return row.Features
	}
	r.head.Read(row.Message)
	return r.content().Features
}
