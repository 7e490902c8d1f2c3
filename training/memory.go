package training

import (
	"slices"

	"fanmill/classify"
	"fanmill/store"
)

// rememberMax bounds the features and grams kept in memory, in bytes.
const rememberMax = 64 << 20

// memory holds features and grams of messages, so that learning need not read them
// from the ledger again.
type memory struct {
	lists map[classify.Digest]store.Lists
	bytes int
}

// take remembers the lists of a message, and tells whether there was room. They must
// not change any more.
func (m *memory) take(d classify.Digest, l store.Lists) bool {
	if _, known := m.lists[d]; known || m.bytes+size(l) > rememberMax {
		return known
	}
	if m.lists == nil {
		m.lists = map[classify.Digest]store.Lists{}
	}
	m.lists[d] = l
	m.bytes += size(l)
	return true
}

// copyOf returns the lists of a message in memory of their own: a batch is used again.
func copyOf(m *classify.Message) store.Lists {
	return store.Lists{Features: slices.Clone(m.Features), Grams: slices.Clone(m.Grams)}
}

func size(l store.Lists) int { return 8*len(l.Features) + 4*len(l.Grams) }

// bringBack takes up what was put by, as far as there is room.
func (m *memory) bringBack(tx *store.Tx) {
	tx.Unstash(func(d classify.Digest, l store.Lists) bool { return m.take(d, l) })
}
