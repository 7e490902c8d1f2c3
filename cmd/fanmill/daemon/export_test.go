package daemon

import (
	"context"
	"log/slog"
	"os"
	"time"

	"fanmill/store"
)

// What tests see of a daemon beyond what it is to others; they stand outside of the
// package, since daemontest, which starts daemons for them, knows it.

// Ledger is the ledger with the model that the daemon scores by.
func (a *App) Ledger() *store.DB { return a.db }

// StopFollowing lets the daemon follow the ledger no more.
func (a *App) StopFollowing() {
	a.cancel()
	a.follow.Wait()
}

// Supervise lives with the daemon as serve does.
func Supervise(ctx context.Context, a *App, hup <-chan os.Signal, drain time.Duration) error {
	return supervise(ctx, a, supervisor{slog.New(slog.DiscardHandler)}, hup, drain)
}
