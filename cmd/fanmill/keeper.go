package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"fanmill/config"
	"fanmill/control"
)

var _ control.Keeper = (*App)(nil)

// Reload builds settings from the configuration as it is now and puts them in
// force whole. When anything is wrong with them the old ones stay, and the
// reason is logged and returned.
func (a *App) Reload(context.Context) (control.Reloaded, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set, err := a.swap()
	if err != nil {
		a.lastFail = err.Error()
		a.log.Error("configuration not accepted, going on with the old one", "error", err)
		return control.Reloaded{}, fmt.Errorf("%w: %w", control.ErrConfig, err)
	}
	a.reloads++
	a.reloaded, a.lastFail = time.Now(), ""
	out := control.Reloaded{Config: configName(set), Restart: config.RestartKeys(a.running, set.file)}
	a.log.Info("reloaded", "config", out.Config, "observe", set.policy.Observe)
	for _, key := range out.Restart {
		a.log.Warn("a changed key takes effect only after a restart", "key", key)
	}
	return out, nil
}

// swap does the work of Reload. Everything that can fail is done before
// anything is in force.
func (a *App) swap() (*settings, error) {
	set, err := a.o.Load()
	if err != nil {
		return nil, err
	}
	commit, err := a.desk.prepare(set)
	if err != nil {
		return nil, err
	}
	if err := a.milter.Reload(set.milter()); err != nil {
		return nil, err
	}
	commit()
	a.use(set)
	return set, nil
}

func configName(set *settings) string {
	if set.path == "" {
		return "built-in defaults"
	}
	return set.path
}

// Status is control.Keeper.
func (a *App) Status(context.Context) (control.Status, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set := a.set.Load()
	path := set.path
	if abs, err := filepath.Abs(path); path != "" && err == nil {
		path = abs // who asks is in another directory than the daemon
	}
	return control.Status{
		Version: release, PID: os.Getpid(), UID: os.Geteuid(), Started: a.started, Data: a.o.Data, Spool: a.running.Spool.Dir, Config: path,
		Listen: a.listening(), Observe: set.policy.Observe, Seq: a.db.Seq(), Reloads: a.reloads, Reloaded: a.reloaded, LastFail: a.lastFail,
	}, nil
}

// Stats is control.Keeper. Who has just trained wants to see it: model and history
// catch up first. Where they cannot, the log says why, and what is told is what
// messages are scored by and what is on disk.
func (a *App) Stats(ctx context.Context, q control.StatsRequest) (control.Stats, error) {
	_, _ = a.db.CatchUp(ctx)
	_ = a.history.Flush(ctx)
	return insight{a.set.Load(), a.db, a.history}.stats(ctx, q)
}

// bindError gives the errors of sockets their exit code and advice.
func bindError(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return hint(exit(exitUnavailable, err), "something else listens there; stop it or set milter.listen")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return hint(exit(exitConfig, err), "this host has no such address; set milter.listen")
	}
	return err
}
