package query

import (
	"context"
	"database/sql/driver"
	"slices"

	"fanmill/classify"
	"fanmill/store/ledger"
	"fanmill/store/model"
	"fanmill/store/sqlite"
)

// Tally counts the labels of a scope by who gave them, and again for little: it reads
// the rows once, and then only what the log says has changed. It must not be used by two
// goroutines at once.
type Tally struct {
	r       *Reader
	scope   string
	sources []string
	seq     int64 // the op up to which labels are counted

	given map[int64]model.Class // rows with a label of one of sources; nil: nothing is counted
	by    [3]int                // of these, by class
	all   [3]int                // labels, by class
}

// Tally returns a Tally of the labels that come from sources, and the others.
func (r *Reader) Tally(scope string, sources ...string) *Tally {
	return &Tally{r: r, scope: scope, sources: sources}
}

// Count returns how many labels the ledger has of each kind now. Only Ham and Spam are set.
func (t *Tally) Count(ctx context.Context) (by, others model.Labels, err error) {
	err = t.r.db.Ask(ctx, "count labels", func(c *sqlite.Conn) error {
		return c.Consistent(func() error { return t.update(ctx, c) })
	})
	if err != nil {
		t.given = nil // half of it may be counted
		return by, others, err
	}
	by = model.Labels{Ham: t.by[model.Ham], Spam: t.by[model.Spam]}
	return by, model.Labels{Ham: t.all[model.Ham] - by.Ham, Spam: t.all[model.Spam] - by.Spam}, nil
}

// update counts what is new; everything when the log does not lead from here.
func (t *Tally) update(ctx context.Context, c *sqlite.Conn) error {
	last, err := c.Integer(ledger.SelectLast)
	if err != nil || t.given != nil && last == t.seq {
		return err
	}
	next, err := c.Integer("SELECT seq FROM op WHERE seq = ?", t.seq+1)
	if err != nil {
		return err
	}
	if t.given == nil || next == 0 {
		err = t.anew(ctx, c)
	} else {
		err = t.follow(ctx, c)
	}
	t.seq = last
	return err
}

func (t *Tally) anew(ctx context.Context, c *sqlite.Conn) error {
	t.given, t.by, t.all = map[int64]model.Class{}, [3]int{}, [3]int{}
	return c.Query("SELECT id, class, source FROM msg WHERE scope = ? AND class IN (1, 2)", func(v []driver.Value) error {
		t.all[sqlite.Int(v[1])]++
		t.put(sqlite.Int(v[0]), model.Class(sqlite.Int(v[1])), sqlite.Text(v[2]))
		return ctx.Err()
	}, t.scope)
}

// follow takes in the ops since. An op does not say whose the label was before, nor
// whose it is by now: that the row does.
func (t *Tally) follow(ctx context.Context, c *sqlite.Conn) error {
	const query = `SELECT op.row, op.class_before, op.class_after, msg.class, msg.source
		FROM op LEFT JOIN msg ON msg.id = op.row WHERE op.seq > ? AND op.scope = ?`
	return c.Query(query, func(v []driver.Value) error {
		if before := model.Class(sqlite.Int(v[1])); before == model.Ham || before == model.Spam {
			t.all[before]--
		}
		if after := model.Class(sqlite.Int(v[2])); after == model.Ham || after == model.Spam {
			t.all[after]++
		}
		t.put(sqlite.Int(v[0]), model.Class(sqlite.Int(v[3])), sqlite.Text(v[4]))
		return ctx.Err()
	}, t.seq, t.scope)
}

// put notes the label that a row has now.
func (t *Tally) put(row int64, class model.Class, source string) {
	if was, ok := t.given[row]; ok {
		t.by[was]--
		delete(t.given, row)
	}
	if (class == model.Ham || class == model.Spam) && slices.Contains(t.sources, source) {
		t.by[class]++
		t.given[row] = class
	}
}

// LearnedBy calls fn with the digest of each message of a scope that a source has ever
// labelled, as far as ledger and log go back. It reads the state of every row.
func (r *Reader) LearnedBy(ctx context.Context, scope, source string, fn func(classify.Digest)) error {
	const query = "SELECT digest FROM msg WHERE scope = ?1 AND (source = ?2 OR id IN (SELECT row FROM op WHERE source = ?2))"
	return r.db.Ask(ctx, "look for what was learned", func(c *sqlite.Conn) error {
		return c.Query(query, func(v []driver.Value) error {
			var d classify.Digest
			copy(d[:], sqlite.Blob(v[0]))
			fn(d)
			return ctx.Err()
		}, scope, source)
	})
}
