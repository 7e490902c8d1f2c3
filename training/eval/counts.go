package eval

import "fanmill/classify"

// counts is a trained model in memory, without a ledger behind it. A map is
// slower than the store's table, but small and plainly right.
type counts struct {
	total    classify.Count
	features map[uint64]classify.Count
}

func newCounts() *counts { return &counts{features: make(map[uint64]classify.Count)} }

// Totals implements classify.Counts.
func (c *counts) Totals() classify.Count { return c.total }

// Lookup implements classify.Counts.
func (c *counts) Lookup(features []uint64, out []classify.Count) {
	for i, f := range features {
		out[i] = c.features[f]
	}
}

// add counts a message n times; a negative n takes it out again.
func (c *counts) add(features []uint64, spam bool, n int) {
	if n == 0 {
		return
	}
	c.total = plus(c.total, spam, n)
	for _, f := range features {
		sum := plus(c.features[f], spam, n)
		if sum == (classify.Count{}) {
			delete(c.features, f)
		} else {
			c.features[f] = sum
		}
	}
}

func plus(c classify.Count, spam bool, n int) classify.Count {
	if spam {
		c.Spam += uint32(n)
	} else {
		c.Ham += uint32(n)
	}
	return c
}
