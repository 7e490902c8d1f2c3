package milter

import (
	"sync"
	"time"
)

const (
	failureMemory = 24 * time.Hour
	maxFailures   = 4096
	failedOften   = 2
)

// failures remembers for a day which messages could not be worked on, so that
// one which failed twice is let through instead of being sent again and again.
// It is bounded: when full, the oldest entry goes. Safe for concurrent use.
type failures struct {
	mu  sync.Mutex
	now func() time.Time
	of  map[uint64]failure
}

type failure struct {
	times int
	first time.Time
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, of: map[uint64]failure{}}
}

// add counts one failure of the message with this key.
func (f *failures) add(key uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.live(key)
	if e.times == 0 {
		f.makeRoom()
		e.first = f.now()
	}
	e.times++
	f.of[key] = e
}

// often reports whether the message has failed twice within the last day.
func (f *failures) often(key uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.live(key).times >= failedOften
}

func (f *failures) live(key uint64) failure {
	e, ok := f.of[key]
	if ok && f.now().Sub(e.first) > failureMemory {
		delete(f.of, key)
		return failure{}
	}
	return e
}

func (f *failures) makeRoom() {
	if len(f.of) < maxFailures {
		return
	}
	var oldest uint64
	var first time.Time
	for k, e := range f.of {
		if first.IsZero() || e.first.Before(first) {
			oldest, first = k, e.first
		}
	}
	delete(f.of, oldest)
}
