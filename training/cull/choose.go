package cull

import (
	"cmp"
	"errors"
	"slices"

	"fanmill/store"
)

// ErrOneClass says that there is nothing to balance with.
var ErrOneClass = errors.New("balance needs messages of both classes")

// Choice is a mark for each entry of a Survey: chosen or not.
type Choice []bool

// Len is how many are chosen.
func (c Choice) Len() (n int) {
	for _, chosen := range c {
		if chosen {
			n++
		}
	}
	return n
}

// Firsts chooses one message of each kind, the first that was read.
func (s *Survey) Firsts() Choice {
	c := make(Choice, len(s.Entries))
	for i := range c {
		c[i] = s.Entries[i].First == i
	}
	return c
}

// Limits say which messages are left out. Zero values leave nothing out.
type Limits struct {
	Since   int64 // seconds since 1970: what came before, or has no date
	Largest int64 // bytes: what is larger
	Newest  int   // of each class only so many, the newest
	Balance int   // of one class only so many for each one of the other, the newest
}

// Left counts what each limit left out; the limits act in this order.
type Left struct {
	Old        int `json:"old"`
	Large      int `json:"large"`
	Surplus    int `json:"surplus"`
	Unbalanced int `json:"unbalanced"`
}

// Within chooses the messages within the limits.
func (s *Survey) Within(l Limits) (Choice, Left, error) {
	c := make(Choice, len(s.Entries))
	var left Left
	for i, e := range s.Entries {
		switch {
		case e.Arrived < l.Since:
			left.Old++
		case l.Largest > 0 && e.Size > l.Largest:
			left.Large++
		default:
			c[i] = true
		}
	}
	if l.Newest > 0 {
		for _, class := range []store.Class{store.None, store.Ham, store.Spam} {
			left.Surplus += s.newest(c, class, l.Newest)
		}
	}
	if l.Balance > 0 {
		ham, spam := s.count(c, store.Ham), s.count(c, store.Spam)
		if ham == 0 || spam == 0 {
			return nil, left, ErrOneClass
		}
		left.Unbalanced = s.newest(c, store.Ham, l.Balance*spam) + s.newest(c, store.Spam, l.Balance*ham)
	}
	return c, left, nil
}

// Class returns the class that an entry's input is said to have.
func (s *Survey) Class(i int) store.Class { return s.Inputs[s.Entries[i].Input].Class }

func (s *Survey) count(c Choice, class store.Class) (n int) {
	for i, chosen := range c {
		if chosen && s.Class(i) == class {
			n++
		}
	}
	return n
}

// newest leaves of the chosen messages of a class only the n newest, and returns
// how many it left out. Of the same second the later in the mailbox is newer.
func (s *Survey) newest(c Choice, class store.Class, n int) int {
	var list []int
	for i, chosen := range c {
		if chosen && s.Class(i) == class {
			list = append(list, i)
		}
	}
	if len(list) <= n {
		return 0
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(s.Entries[a].Arrived, s.Entries[b].Arrived) })
	out := list[:len(list)-n]
	for _, i := range out {
		c[i] = false
	}
	return len(out)
}

// Mixed returns the groups of nearly the same messages that have both classes, each
// with the entries in the order they were read: one of the classes is probably
// wrong.
func (s *Survey) Mixed() [][]int {
	return slices.DeleteFunc(s.Groups(), func(group []int) bool {
		return !slices.ContainsFunc(group, func(i int) bool { return s.Class(i) == store.Ham }) ||
			!slices.ContainsFunc(group, func(i int) bool { return s.Class(i) == store.Spam })
	})
}

// Groups returns the groups of two and more messages that are nearly the same, in
// the order of their first.
func (s *Survey) Groups() [][]int {
	others := map[int][]int{}
	for i, e := range s.Entries {
		if e.First != i {
			others[e.First] = append(others[e.First], i)
		}
	}
	var all [][]int
	for i := range s.Entries {
		if list := others[i]; list != nil {
			all = append(all, append([]int{i}, list...))
		}
	}
	return all
}
