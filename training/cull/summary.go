package cull

import (
	"time"

	"fanmill/store"
)

// Summary says what a path holds, or all of them together.
type Summary struct {
	Path       string    `json:"path,omitempty"`  // "" for all
	Class      string    `json:"class,omitempty"` // ham, spam, or nothing
	Messages   int       `json:"messages"`
	Bytes      int64     `json:"bytes"`
	Oldest     time.Time `json:"oldest,omitzero"` // zero: no message has a date
	Newest     time.Time `json:"newest,omitzero"`
	Undated    int       `json:"undated"`
	Largest    int       `json:"-"`    // entry; -1: there is none
	Same       int       `json:"same"` // as a message read before, in this or an earlier path
	Near       int       `json:"near"` // nearly the same as one read before, without those that are the same
	Unreadable int       `json:"unreadable"`
}

// Summaries returns one Summary for each input.
func (s *Survey) Summaries() []Summary {
	all := make([]Summary, len(s.Inputs))
	for n, in := range s.Inputs {
		all[n] = Summary{Path: in.Path, Largest: -1, Unreadable: s.Problems[n]}
		if in.Class != store.None {
			all[n].Class = in.Class.String()
		}
	}
	for i, e := range s.Entries {
		all[e.Input].add(s, i)
	}
	return all
}

// Total returns the Summary of all inputs, those of one class only unless class is
// store.None.
func (s *Survey) Total(class store.Class) Summary {
	sum := Summary{Largest: -1}
	for n, in := range s.Inputs {
		if class == store.None || in.Class == class {
			sum.Unreadable += s.Problems[n]
		}
	}
	for i := range s.Entries {
		if class == store.None || s.Class(i) == class {
			sum.add(s, i)
		}
	}
	return sum
}

func (sum *Summary) add(s *Survey, i int) {
	e := s.Entries[i]
	sum.Messages++
	sum.Bytes += e.Size
	sum.date(e.Arrived)
	if sum.Largest < 0 || e.Size > s.Entries[sum.Largest].Size {
		sum.Largest = i
	}
	switch {
	case e.Same:
		sum.Same++
	case e.First != i:
		sum.Near++
	}
}

func (sum *Summary) date(arrived int64) {
	if arrived == 0 {
		sum.Undated++
		return
	}
	t := time.Unix(arrived, 0).UTC()
	if sum.Oldest.IsZero() || t.Before(sum.Oldest) {
		sum.Oldest = t
	}
	if t.After(sum.Newest) {
		sum.Newest = t
	}
}
