package model

import (
	"sync/atomic"

	"fanmill/classify"
)

// Model is the trained model of one scope. It implements classify.Model and is safe
// for concurrent use; a look-up neither allocates nor touches the disk. The site's is
// kept current while its DB is open (by Update, CatchUp or Follow), a user's as long as
// it is in memory: ask the DB for it anew for each message.
type Model struct {
	all   *Models
	scope string
	own   *counts      // nil for the site's model
	used  atomic.Int64 // Models.clock when it was asked for last
}

var _ classify.Model = (*Model)(nil)

// Totals returns how often messages of each class count: the site's, and the scope's own
// as often as Base says.
func (m *Model) Totals() classify.Count {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	t := m.all.site.totals
	if m.own != nil {
		t = joint(t, m.own.totals, times(t))
	}
	return t
}

// Borrowed tells whether counts of another filter are among the totals, the site's or the
// scope's own, and fewer than classify.MinLabels labels of a class have been given here.
// Those that wait bear nothing out, and both classes are learned together.
func (m *Model) Borrowed() bool {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	l := m.known()
	return l.Imported > 0 && (min(l.Ham, l.Spam) < classify.MinLabels || l.Ham+l.Spam-l.Waiting < 2*classify.MinLabels)
}

// Base returns the site's model and how often each label of the scope counts beside it;
// nil for the site itself, and for a scope in which nothing counts.
func (m *Model) Base() (classify.Model, uint32) {
	if m.own == nil {
		return nil, 1
	}
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	n := times(m.all.site.totals)
	if site := m.all.scopes[""]; site != nil && !m.own.silent() {
		return site, n
	}
	return nil, n
}

// Lookup sets out[i] to the counts of features[i].
func (m *Model) Lookup(features []uint64, out []classify.Count) {
	out = out[:len(features)]
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	if t := m.all.site.tab; t != nil {
		t.lookUp(features, out)
	} else {
		clear(out)
	}
	if m.own != nil {
		m.own.beside(features, out, times(m.all.site.totals))
	}
}

// Weigh returns the sum of the linear part's weights of these buckets: the site's.
func (m *Model) Weigh(grams []uint32) int64 {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	return m.all.site.weigh(grams)
}

// Fit returns the calibrator made last: the site's.
func (m *Model) Fit() classify.Fit {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	if w := &m.all.site.window; w.fitted > 0 {
		return w.fit
	}
	return classify.PriorFit()
}

// Features returns how many features the scope's own training counts.
func (m *Model) Features() int {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	return m.counts().features()
}

// Labels returns the labels of the scope itself, without the site's.
func (m *Model) Labels() Labels {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	return m.counts().labels()
}

// Known returns the labels that the scope's mail is judged by: for a user his own
// and the site's.
func (m *Model) Known() Labels {
	m.all.mu.RLock()
	defer m.all.mu.RUnlock()
	return m.known()
}

func (m *Model) known() Labels {
	l := m.all.site.labels()
	if m.own != nil {
		own := m.own.labels()
		l.Ham, l.HamAdds = l.Ham+own.Ham, l.HamAdds+own.HamAdds
		l.Spam, l.SpamAdds = l.Spam+own.Spam, l.SpamAdds+own.SpamAdds
		l.Waiting, l.Imported = l.Waiting+own.Waiting, l.Imported+own.Imported
	}
	return l
}

// Scope returns the name of the scope, "" for the site.
func (m *Model) Scope() string { return m.scope }

func (m *Model) counts() *counts {
	if m.own == nil {
		return &m.all.site.counts
	}
	return m.own
}
