package store

import (
	"sync"

	"fanmill/classify"
)

// counts is what one scope's training adds up to.
type counts struct {
	tab       *table // nil until something counts
	totals    classify.Count
	ham, spam int // labelled messages, counting or not
}

// change carries an op out: before is taken away, after is given.
func (c *counts) change(features []uint64, before, after Mark) {
	c.label(before.Class, -1)
	c.label(after.Class, +1)
	ham, spam := difference(before, after)
	if ham|spam == 0 {
		return
	}
	c.totals.Ham += ham
	c.totals.Spam += spam
	if c.tab == nil {
		c.tab = new(table)
	}
	for _, f := range features {
		c.tab.add(f, ham, spam)
	}
}

func (c *counts) label(class Class, n int) {
	switch class {
	case Ham:
		c.ham += n
	case Spam:
		c.spam += n
	}
}

// difference returns what turns the counts of before into those of after,
// modulo 2^32.
func difference(before, after Mark) (ham, spam uint32) {
	for _, m := range [...]struct {
		mark Mark
		sign int
	}{{before, -1}, {after, +1}} {
		switch m.mark.Class {
		case Ham:
			ham += uint32(m.sign * m.mark.Adds)
		case Spam:
			spam += uint32(m.sign * m.mark.Adds)
		}
	}
	return ham, spam
}

func (c *counts) labels() Labels {
	return Labels{Ham: c.ham, Spam: c.spam, HamAdds: int(c.totals.Ham), SpamAdds: int(c.totals.Spam)}
}

func (c *counts) features() int {
	if c.tab == nil {
		return 0
	}
	return c.tab.live
}

// memory is the model of one process: the site's counts and those of the
// scopes asked for so far. mu guards all of it; only the holder of DB.turn changes it.
type memory struct {
	mu     sync.RWMutex
	site   counts
	scopes map[string]*Model // also "", the site's
}

// Model is the trained model of one scope, kept current while its DB is open
// (by Update, CatchUp or Follow). It implements classify.Model and is safe for
// concurrent use; a look-up neither allocates nor touches the disk.
type Model struct {
	mem *memory
	own *counts // nil for the site's model
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
func (mem *memory) change(m *Model, features []uint64, before, after Mark) {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	m.counts().change(features, before, after)
}

// set replaces the counts of a scope, so that models handed out stay good.
func (mem *memory) set(scope string, c counts) *Model {
	mem.mu.Lock()
	defer mem.mu.Unlock()
	m := mem.scopes[scope]
	if m == nil {
		m = &Model{mem: mem}
		if scope != "" {
			m.own = new(counts)
		}
		mem.scopes[scope] = m
	}
	*m.counts() = c
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

// Weigh returns the sum of the linear part's weights of these buckets.
func (m *Model) Weigh(grams []uint32) int64 { return 0 }

// Fit returns the calibrator.
func (m *Model) Fit() classify.Fit { return classify.PriorFit() }
