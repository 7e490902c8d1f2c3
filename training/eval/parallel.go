package eval

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// cpus is how many goroutines work at once.
func cpus() int { return runtime.GOMAXPROCS(0) }

// inParallel does the tasks 0 to n-1, handed out in this order to so many
// workers, each a function of its own. After an error no more are handed out; of
// several errors that of the first task is returned, so that it is the same
// however many workers there are.
func inParallel(ctx context.Context, n, workers int, newWorker func() func(task int) error) error {
	var (
		next   atomic.Int64
		mu     sync.Mutex
		first  = n
		failed error
		all    sync.WaitGroup
	)
	for range min(workers, n) {
		all.Go(func() {
			work := newWorker()
			for ctx.Err() == nil {
				task := int(next.Add(1)) - 1
				if task >= n {
					return
				}
				if err := work(task); err != nil {
					next.Store(int64(n))
					mu.Lock()
					if task < first {
						first, failed = task, err
					}
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if failed != nil {
		return failed
	}
	return ctx.Err()
}

// progress tells how much of the measuring is done. The zero value tells nobody.
type progress struct {
	mu    sync.Mutex
	done  int
	total int
	show  Progress
}

// step counts one message read, or scored or learned by one pass.
func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.show != nil && p.done%64 == 0 {
		p.show(Measuring, p.done, p.total)
	}
}
