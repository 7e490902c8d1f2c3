package rival

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"fanmill/classify"
	"fanmill/store"
)

// Rows makes rows of the ledger of counts, scaled down to at most most messages of
// each class. A row counts all its features alike, so there are several of a class,
// that count 1, 2, 4 ... times and a rest, as many as add up to the number of messages;
// each feature stands in those that add up to its count. So the ledger's sums are exactly
// what was counted, and the rows can be taken out again as they came in.
func (c *Counts) Rows(scope string, most uint32) []store.Row {
	var rows []store.Row
	for _, side := range []struct {
		class store.Class
		of    func(classify.Count) uint32
	}{
		{store.HamCounts, func(n classify.Count) uint32 { return n.Ham }},
		{store.SpamCounts, func(n classify.Count) uint32 { return n.Spam }},
	} {
		all := side.of(c.Messages)
		parts := coins(min(all, most))
		lists := make([][]uint64, len(parts))
		for f, n := range c.Features {
			n := scaled(min(side.of(n), all), all, min(all, most))
			for i := range parts {
				if pays(parts, i, n) {
					lists[i] = append(lists[i], f)
				}
			}
		}
		for i, list := range lists {
			slices.Sort(list)
			row := store.Row{Scope: scope, Class: side.class, Adds: int(parts[i]), Features: list, Grams: []uint32{}}
			if row.Features == nil {
				row.Features = []uint64{}
			}
			rows = append(rows, row)
		}
	}
	name(rows)
	return rows
}

// scaled is n of all messages as so many of fewer, rounded to the nearest.
func scaled(n, all, fewer uint32) uint32 {
	return uint32((2*uint64(n)*uint64(fewer) + uint64(all)) / (2 * uint64(all)))
}

// coins are 1, 2, 4 ... and a rest, not larger than the next of them, that add up to n:
// some of them add up to every number below.
func coins(n uint32) (list []uint32) {
	for coin := uint32(1); coin <= n; coin *= 2 {
		list = append(list, coin)
		n -= coin
	}
	if n > 0 {
		list = append(list, n)
	}
	return list
}

// pays tells whether coin i is one of those that make n: the last coin, which may be a
// rest, if the others do not suffice, and of the others the bits of what is left.
func pays(coins []uint32, i int, n uint32) bool {
	last := len(coins) - 1
	large := n >= 1<<last
	if i == last {
		return large
	}
	if large {
		n -= coins[last]
	}
	return n>>i&1 == 1
}

// name gives the rows digests that depend on all of them, so that the same dump is
// imported once, and rows of two dumps are never taken for each other.
func name(rows []store.Row) {
	h := sha256.New()
	h.Write([]byte("fanmill counts\n"))
	for _, row := range rows {
		h.Write([]byte{byte(row.Class)})
		binary.Write(h, binary.LittleEndian, []uint64{uint64(row.Adds), uint64(len(row.Features))})
		binary.Write(h, binary.LittleEndian, row.Features) // a hash takes all
	}
	all := h.Sum(nil)
	for i := range rows {
		rows[i].Digest = sha256.Sum256(append(slices.Clip(all), byte(i)))
	}
}
