package store

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"fanmill/classify"
)

// memory is the model of one process: what the site's training adds up to, and the
// counts of the scopes asked for last. mu guards all of it; only the holder of DB.turn
// changes it.
type memory struct {
	mu     sync.RWMutex
	site   siteCounts
	scopes map[string]*Model // also "", the site's
	clock  atomic.Int64      // goes on by one with every look for a scope
}

// Model is the trained model of one scope. It implements classify.Model and is safe
// for concurrent use; a look-up neither allocates nor touches the disk. The site's is
// kept current while its DB is open (by Update, CatchUp or Follow), a user's as long as
// it is in memory: ask the DB for it anew for each message.
type Model struct {
	mem   *memory
	scope string
	own   *counts      // nil for the site's model
	used  atomic.Int64 // memory.clock when it was asked for last
}

var _ classify.Model = (*Model)(nil)

// Totals returns how often messages of each class count: the site's, and the scope's own
// as often as Base says.
func (m *Model) Totals() classify.Count {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	t := m.mem.site.totals
	if m.own != nil {
		t = joint(t, m.own.totals, times(t))
	}
	return t
}

// Borrowed tells whether counts of another filter are among the totals, the site's or the
// scope's own, and fewer than classify.MinLabels labels of a class have been given here.
func (m *Model) Borrowed() bool {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	l := m.known()
	return l.Imported > 0 && min(l.Ham, l.Spam) < classify.MinLabels
}

// Base returns the site's model and how often each label of the scope counts beside it;
// nil for the site itself, and for a scope in which nothing counts.
func (m *Model) Base() (classify.Model, uint32) {
	if m.own == nil {
		return nil, 1
	}
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	n := times(m.mem.site.totals)
	if site := m.mem.scopes[""]; site != nil && !m.own.silent() {
		return site, n
	}
	return nil, n
}

// Lookup sets out[i] to the counts of features[i].
func (m *Model) Lookup(features []uint64, out []classify.Count) {
	out = out[:len(features)]
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	if t := m.mem.site.tab; t != nil {
		t.lookUp(features, out)
	} else {
		clear(out)
	}
	if m.own != nil {
		m.own.beside(features, out, times(m.mem.site.totals))
	}
}

// Weigh returns the sum of the linear part's weights of these buckets: the site's.
func (m *Model) Weigh(grams []uint32) int64 {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	return m.mem.site.weigh(grams)
}

// Fit returns the calibrator made last: the site's.
func (m *Model) Fit() classify.Fit {
	m.mem.mu.RLock()
	defer m.mem.mu.RUnlock()
	if w := &m.mem.site.window; w.fitted > 0 {
		return w.fit
	}
	return classify.PriorFit()
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
	return m.known()
}

func (m *Model) known() Labels {
	l := m.mem.site.labels()
	if m.own != nil {
		own := m.own.labels()
		l.Ham, l.HamAdds = l.Ham+own.Ham, l.HamAdds+own.HamAdds
		l.Spam, l.SpamAdds = l.Spam+own.Spam, l.SpamAdds+own.SpamAdds
		l.Waiting, l.Imported = l.Waiting+own.Waiting, l.Imported+own.Imported
	}
	return l
}

func (m *Model) counts() *counts {
	if m.own == nil {
		return &m.mem.site.counts
	}
	return m.own
}

// model returns the scope's model, nil when it is not loaded.
func (mem *memory) model(scope string) *Model {
	mem.mu.RLock()
	defer mem.mu.RUnlock()
	m := mem.scopes[scope]
	if m != nil {
		m.used.Store(mem.clock.Add(1))
	}
	return m
}

// change carries an op out on a loaded model.
func (mem *memory) change(m *Model, ch *change) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	if m.own != nil {
		m.own.change(ch)
		return
	}
	mem.site.change(ch)
}

// takeBack carries the opposite of an op out, but for the weights.
func (mem *memory) takeBack(d *done) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	c := d.model.counts()
	c.label(d.after, -1)
	c.label(d.before, +1)
	if ham, spam := difference(d.after, d.before); ham|spam != 0 {
		c.add(d.features, ham, spam)
	}
	if w := &mem.site.window; d.model.own == nil {
		w.stale = w.stale || !d.same
	}
}

func (mem *memory) setWeights(w []int32) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	mem.site.weights = w
}

// set replaces what a scope's training adds up to, so that models handed out stay good.
func (mem *memory) set(scope string, t siteCounts) *Model {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	m := mem.scopes[scope]
	if m == nil {
		m = &Model{mem: mem, scope: scope}
		if scope != "" {
			m.own = new(counts)
		}
		m.used.Store(mem.clock.Add(1))
		mem.scopes[scope] = m
	}
	if scope == "" {
		mem.site = t
	} else {
		*m.own = t.counts
	}
	return m
}

// trim lets scopes go that were not asked for longest until the others take no more
// than three quarters of so many bytes, if they take more than all. Not within a
// transaction: a rollback changes the models that it has changed.
func (mem *memory) trim(most int64) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	size, list := int64(0), make([]*Model, 0, len(mem.scopes))
	for _, m := range mem.scopes {
		if m.own != nil {
			size += m.own.size()
			list = append(list, m)
		}
	}
	if size <= most {
		return
	}
	slices.SortFunc(list, func(a, b *Model) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	for _, m := range list {
		if size <= most/4*3 {
			return
		}
		size -= m.own.size()
		delete(mem.scopes, m.scope)
	}
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
