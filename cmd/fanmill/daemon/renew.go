package daemon

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/store/renew"
)

// sayEvery is how often the daemon says how far it is before it serves.
const sayEvery = 5 * time.Second

// renew brings a ledger of an older feature version to the present one before the daemon
// listens: until then MTAs find nobody, and defer their mail.
func (a *App) renew(ctx context.Context, set *settings.Settings, o store.Options) error {
	a.log.Warn("the ledger has features of an older version: making them anew before serving", "dir", o.Dir)
	var done, total atomic.Int64
	saying, stop := context.WithCancel(ctx)
	var said sync.WaitGroup
	said.Go(func() {
		for wait(saying, sayEvery) {
			a.log.Info("making features anew", "messages", done.Load(), "of", total.Load())
			if a.o.Starting != nil {
				a.o.Starting(fmt.Sprintf("making features anew: %d of %d messages", done.Load(), total.Load()), 12*sayEvery)
			}
		}
	})
	start := time.Now()
	r, err := renew.Run(ctx, renew.Options{Dir: o.Dir, Logger: o.Logger, Busy: o.Busy}, set.Extract(), func(d, t int) {
		done.Store(int64(d))
		total.Store(int64(t))
	})
	stop()
	said.Wait()
	if err != nil {
		return err
	}
	a.log.Info("made features anew", "messages", r.Messages, "labels_taken_away", r.Left, "old_ledger", r.Kept, "seconds", time.Since(start).Seconds())
	return nil
}

// wait waits, and reports whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
