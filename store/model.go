package store

import (
	"sync"

	"fanmill/classify"
)

// memory is the model of one process: the site's counts and those of the
// scopes asked for so far. mu guards all of it; only the holder of DB.turn changes it.
type memory struct {
	mu     sync.RWMutex
	site   counts
	scopes map[string]*Model   // also "", the site's
	due    map[*Model]struct{} // whose Fit may be behind; for the holder of the turn
}

// Model is the trained model of one scope, kept current while its DB is open
// (by Update, CatchUp or Follow). It implements classify.Model and is safe for
// concurrent use; a look-up neither allocates nor touches the disk.
type Model struct {
	mem   *memory
	scope string
	own   *counts // nil for the site's model
}

var _ classify.Model = (*Model)(nil)

// Totals returns how often messages of each class count: the site's plus the scope's own.
func (m *Model) Totals() classify.Count {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	t := m.mem.site.totals
	if m.own != nil {
		t.Ham += m.own.totals.Ham
		t.Spam += m.own.totals.Spam
	}
	return t
}

// Lookup sets out[i] to the counts of features[i].
func (m *Model) Lookup(features []uint64, out []classify.Count) {
	out = out[:len(features)]
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	if t := m.mem.site.tab; t != nil {
		for i, f := range features {
			out[i] = t.get(f)
		}
	} else {
		clear(out)
	}
	if m.own == nil || m.own.tab == nil {
		return
	}
	for i, f := range features {
		c := m.own.tab.get(f)
		out[i].Ham += c.Ham
		out[i].Spam += c.Spam
	}
}

// Weigh returns the sum of the linear part's weights of these buckets.
func (m *Model) Weigh(grams []uint32) int64 {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	sum := m.mem.site.weigh(grams)
	if m.own != nil {
		sum += m.own.weigh(grams)
	}
	return sum
}

// Fit returns the calibrator made last: the scope's own when it has at least
// classify.MinLabels labels of each class, else the site's.
func (m *Model) Fit() classify.Fit {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	w := &m.mem.site.window
	if m.own != nil && m.own.fits() && m.own.window.fitted > 0 {
		w = &m.own.window
	}
	if w.fitted == 0 {
		return classify.PriorFit()
	}
	return w.fit
}

// Features returns how many features the scope's own training counts.
func (m *Model) Features() int {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	return m.counts().features()
}

// Labels returns the labels of the scope itself, without the site's.
func (m *Model) Labels() Labels {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	return m.counts().labels()
}

// Known returns the labels that the scope's mail is judged by: for a user his own
// and the site's.
func (m *Model) Known() Labels {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	l := m.mem.site.labels()
	if m.own != nil {
		own := m.own.labels()
		l.Ham, l.HamAdds = l.Ham+own.Ham, l.HamAdds+own.HamAdds
		l.Spam, l.SpamAdds = l.Spam+own.Spam, l.SpamAdds+own.SpamAdds
		l.Waiting += own.Waiting
	}
	return l
}

func (m *Model) counts() *counts {
	if m.own == nil {
		return &m.mem.site
	}
	return m.own
}

// model returns the scope's model, nil when it is not loaded.
func (mem *memory) model(scope string) *Model {
	mem.mu.RLock()
	defer mem.mu.RUnlock()
	return mem.scopes[scope]
}

// change carries an op out on a loaded model.
func (mem *memory) change(m *Model, ch *change) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	m.counts().change(ch)
	mem.due[m] = struct{}{}
}

// takeBack carries the opposite of an op out, but for the weights.
func (mem *memory) takeBack(d *done) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	c := d.model.counts()
	c.label(d.after, -1)
	c.label(d.before, +1)
	c.window.stale = c.window.stale || !d.same
	if ham, spam := difference(d.after, d.before); ham|spam != 0 {
		c.add(d.features, ham, spam)
	}
	mem.due[d.model] = struct{}{}
}

func (mem *memory) setWeights(m *Model, w []int32) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	m.counts().weights = w
}

// set replaces the counts of a scope, so that models handed out stay good.
func (mem *memory) set(scope string, c counts) *Model {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	m := mem.scopes[scope]
	if m == nil {
		m = &Model{mem: mem, scope: scope}
		if scope != "" {
			m.own = new(counts)
		}
		mem.scopes[scope] = m
	}
	*m.counts() = c
	mem.due[m] = struct{}{}
	return m
}

// names lists the loaded scopes.
func (mem *memory) names() []string {
	mem.mu.RLock()
	defer mem.mu.RUnlock()
	names := make([]string, 0, len(mem.scopes))
	for name := range mem.scopes {
		names = append(names, name)
	}
	return names
}
