package eval

import "fanmill/classify"

// model is a trained model in memory, without a ledger behind it. A map is
// slower than the store's table, but small and plainly right.
type model struct {
	total    classify.Count
	features map[uint64]classify.Count
	weights  []int32
	fit      classify.Fit
}

func newModel() *model {
	return &model{features: make(map[uint64]classify.Count), weights: make([]int32, classify.Buckets), fit: classify.PriorFit()}
}

// Totals implements classify.Model.
func (m *model) Totals() classify.Count { return m.total }

// Borrowed implements classify.Model.
func (m *model) Borrowed() bool { return false }

// Lookup implements classify.Model.
func (m *model) Lookup(features []uint64, out []classify.Count) {
	for i, f := range features {
		out[i] = m.features[f]
	}
}

// Weigh implements classify.Model.
func (m *model) Weigh(grams []uint32) (sum int64) {
	for _, g := range grams {
		sum += int64(m.weights[g])
	}
	return sum
}

// Fit implements classify.Model.
func (m *model) Fit() classify.Fit { return m.fit }

// Base implements classify.Model.
func (m *model) Base() (classify.Model, uint32) { return nil, 1 }

// step adds to the weights of buckets.
func (m *model) step(grams []uint32, step int64) {
	for _, g := range grams {
		m.weights[g] += int32(step)
	}
}

// count counts a message n times; a negative n takes it out again.
func (m *model) count(features []uint64, spam bool, n int) {
	if n == 0 {
		return
	}
	m.total = plus(m.total, spam, n)
	for _, f := range features {
		sum := plus(m.features[f], spam, n)
		if sum == (classify.Count{}) {
			delete(m.features, f)
		} else {
			m.features[f] = sum
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
