package daemon

import (
	"context"
	"time"

	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/training"
)

// How the daemon expires: now and then, in steps with pauses, so that trainers
// hardly notice. Verdicts never wait for it: a step changes the model between two of them.
const (
	expireEvery = time.Hour
	expirePause = 100 * time.Millisecond
)

// expire keeps the ledger within what [store] says is kept until ctx ends.
func (a *App) expire(ctx context.Context) {
	for timer := time.NewTimer(time.Minute); ; timer.Reset(expireEvery) {
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := a.expireOnce(ctx, expirePause); err != nil && ctx.Err() == nil {
			a.log.Error("cannot expire old labels, trying again later", "error", err, "in", expireEvery)
		}
	}
}

func (a *App) expireOnce(ctx context.Context, pause time.Duration) error {
	scopes, err := a.db.Scopes()
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		set := a.set.Load()
		t := training.New(a.db, set.Trainer(scope, store.Origin{Source: "expire"}, a.log))
		sum, err := t.Expire(ctx, set.Keep(), pause, nil)
		if sum.Labels > 0 {
			a.log.Info("expired", "scope", scope, "labels", sum.Labels, "counting", sum.Needed, "gained", sum.Gained)
		}
		if err != nil {
			return err
		}
	}
	swept, err := training.Sweep(ctx, a.db, settings.LogMemory(a.set.Load().File.Store.KeepLogDays), pause)
	if swept != (training.Swept{}) {
		a.log.Info("removed what is no longer needed", "messages", swept.Messages, "log_entries", swept.Ops)
	}
	return err
}
