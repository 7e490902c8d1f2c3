package model

import (
	"cmp"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// Models is the model of one process: what the site's training adds up to, and the counts
// of the scopes asked for last. Its methods, save for Model, are for one goroutine at a time,
// the writer; any other may use the models meanwhile.
type Models struct {
	mu     sync.RWMutex // guards what models read
	site   Sum
	scopes map[string]*Model // also "", the site's
	clock  atomic.Int64      // goes on by one with every look for a scope
}

// NewModels returns one in which no scope is loaded.
func NewModels() *Models { return &Models{scopes: make(map[string]*Model)} }

// Model returns the scope's model, nil when it is not loaded.
func (all *Models) Model(scope string) *Model {
	all.mu.RLock()
	defer all.mu.RUnlock()
	m := all.scopes[scope]
	if m != nil {
		m.used.Store(all.clock.Add(1))
	}
	return m
}

// Change carries a change out on a loaded model.
func (all *Models) Change(m *Model, ch *Change) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if m.own != nil {
		m.own.change(ch)
		return
	}
	all.site.Change(ch)
}

// TakeBack carries the opposite of a change out, but for the weights.
func (all *Models) TakeBack(d *Done) {
	all.mu.Lock()
	defer all.mu.Unlock()
	c := d.Model.counts()
	c.label(d.After, -1)
	c.label(d.Before, +1)
	if ham, spam := difference(d.After, d.Before); ham|spam != 0 {
		c.add(d.Features, ham, spam)
	}
	if w := &all.site.window; d.Model.own == nil {
		w.stale = w.stale || !d.Same
	}
}

// CopyWeights appends the site's weights to a buffer.
func (all *Models) CopyWeights(buf []int32) []int32 { return append(buf, all.site.weights...) }

// SetWeights puts weights back as they were copied; they are the Models's from then on.
func (all *Models) SetWeights(w []int32) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.site.weights = w
}

// Set replaces what a scope's training adds up to, so that models handed out stay good.
func (all *Models) Set(scope string, t Sum) *Model {
	all.mu.Lock()
	defer all.mu.Unlock()
	m := all.scopes[scope]
	if m == nil {
		m = &Model{all: all, scope: scope}
		if scope != "" {
			m.own = new(counts)
		}
		m.used.Store(all.clock.Add(1))
		all.scopes[scope] = m
	}
	if scope == "" {
		all.site = t
	} else {
		*m.own = t.counts
	}
	return m
}

// Size is about how many bytes of memory the users' scopes take.
func (all *Models) Size() (size int64) {
	for _, m := range all.scopes {
		if m.own != nil {
			size += m.own.size()
		}
	}
	return size
}

// Trim lets scopes go that were not asked for longest until the others take no more
// than three quarters of so many bytes, if they take more than all. Not within a
// transaction: a rollback changes the models that it has changed.
func (all *Models) Trim(most int64) {
	all.mu.Lock()
	defer all.mu.Unlock()
	size := all.Size()
	if size <= most {
		return
	}
	list := make([]*Model, 0, len(all.scopes))
	for _, m := range all.scopes {
		if m.own != nil {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *Model) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	for _, m := range list {
		if size <= most/4*3 {
			return
		}
		size -= m.own.size()
		delete(all.scopes, m.scope)
	}
}

// Names lists the loaded scopes.
func (all *Models) Names() []string {
	all.mu.RLock()
	defer all.mu.RUnlock()
	names := make([]string, 0, len(all.scopes))
	for name := range all.scopes {
		names = append(names, name)
	}
	return names
}

// Export writes what a scope's own training adds up to in a canonical form: a line with its
// name and totals, one with its Fit if it has one, and then its features that count and its
// weights that are not zero, ascending; nothing for one that is as if it had never learned.
func (all *Models) Export(w io.Writer, m *Model) {
	if m.own != nil {
		(&Sum{counts: *m.own}).export(w, m.scope)
		return
	}
	all.site.export(w, m.scope)
}
