package eval

import "fanmill/classify"

// counts is a trained model in memory, without a ledger behind it. A map is
// slower than the store's table, but small and plainly right.
type counts struct {
	total    classify.Count
	features map[uint64]classify.Count
	weights  []int32
	fit      classify.Fit
}

func newCounts() *counts {
	return &counts{features: make(map[uint64]classify.Count), weights: make([]int32, classify.Buckets), fit: classify.PriorFit()}
}

// Totals implements classify.Model.
func (c *counts) Totals() classify.Count { return c.total }

// Lookup implements classify.Model.
func (c *counts) Lookup(features []uint64, out []classify.Count) {
	for i, f := range features {
		out[i] = c.features[f]
	}
}

// Weigh implements classify.Model.
func (c *counts) Weigh(grams []uint32) (sum int64) {
	for _, g := range grams {
		sum += int64(c.weights[g])
	}
	return sum
}

// Fit implements classify.Model.
func (c *counts) Fit() classify.Fit { return c.fit }

// step adds to the weights of buckets.
func (c *counts) step(grams []uint32, step int64) {
	for _, g := range grams {
		c.weights[g] += int32(step)
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
