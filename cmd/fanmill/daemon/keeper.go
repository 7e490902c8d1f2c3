package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/insight"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/config/watch"
	"fanmill/control"
)

var _ control.Keeper = (*App)(nil)

// Reload builds settings from the configuration as it is now and puts them in
// force whole. When anything is wrong with them the old ones stay, and the
// reason is logged and returned.
func (a *App) Reload(context.Context) (control.Reloaded, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.set.Load()
	set, err := a.swap(old)
	if err != nil {
		a.lastFail = err.Error()
		a.log.Error("configuration not accepted, going on with the old one", "error", err)
		return control.Reloaded{}, fmt.Errorf("%w: %w", control.ErrConfig, err)
	}
	a.reloads++
	a.reloaded, a.lastFail = time.Now(), ""
	a.log.Info("reloaded", "config", configName(set), "observe", set.Policy.Observe)
	a.remark(config.RestartKeys(a.running, set.File), append(set.Shrunk(old), set.PassedOver()...))
	return control.Reloaded{Config: configName(set), Restart: a.restart, Warnings: a.warnings}, nil
}

// remark notes and logs what is to be said about settings that were accepted: what was
// said of those before is not said again.
func (a *App) remark(restart, warnings []string) {
	for _, key := range restart {
		if !slices.Contains(a.restart, key) {
			a.log.Warn("a changed key takes effect only after a restart", "key", key)
		}
	}
	for _, text := range warnings {
		if !slices.Contains(a.warnings, text) {
			a.log.Warn(text)
		}
	}
	a.restart, a.warnings = restart, warnings
}

// watch reloads when a file that was read for the configuration has changed.
func (a *App) watch(ctx context.Context) {
	known := func() []watch.File {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.files
	}
	watch.Watch(ctx, watch.Options{Logger: a.log}, known, func() { _, _ = a.Reload(ctx) }) // logged there
}

// swap does the work of Reload. Everything that can fail is done before
// anything is in force.
func (a *App) swap(old *settings.Settings) (*settings.Settings, error) {
	set, err := a.o.Load()
	a.files = settings.Attempted(set, err, old)
	if err != nil {
		return nil, err
	}
	commit, err := a.desk.Prepare(set)
	if err != nil {
		return nil, err
	}
	if err := a.milter.Reload(milterSettings(set)); err != nil {
		return nil, err
	}
	commit()
	a.use(set)
	return set, nil
}

func configName(set *settings.Settings) string {
	if set.Path == "" {
		return "built-in defaults"
	}
	return set.Path
}

// Status is control.Keeper.
func (a *App) Status(context.Context) (control.Status, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set := a.set.Load()
	path := set.Path
	if abs, err := filepath.Abs(path); path != "" && err == nil {
		path = abs // who asks is in another directory than the daemon
	}
	return control.Status{
		Version: a.o.Version, PID: os.Getpid(), UID: os.Geteuid(), Started: a.started, Data: a.o.Data, Spool: a.running.Spool.Dir, Config: path,
		Listen: a.listening(), Observe: set.Policy.Observe, Delayed: a.delays.Waiting(), Seq: a.db.Seq(), Reloads: a.reloads, Reloaded: a.reloaded, LastFail: a.lastFail,
		Restart: a.restart, Warnings: a.warnings, Digest: set.Digest(),
	}, nil
}

// Stats is control.Keeper. Who has just trained wants to see it: model and history
// catch up first. Where they cannot, the log says why, and what is told is what
// messages are scored by and what is on disk.
func (a *App) Stats(ctx context.Context, q control.StatsRequest) (control.Stats, error) {
	_, _ = a.db.CatchUp(ctx)
	_ = a.history.Flush(ctx)
	return insight.View{Settings: a.set.Load(), Ledger: a.db, History: a.history}.Stats(ctx, q)
}

// bindError gives the errors of sockets their exit code and advice.
func bindError(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return cli.Hint(cli.WithCode(cli.ExitUnavailable, err), "something else listens there; stop it or set milter.listen")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return cli.Hint(cli.WithCode(cli.ExitConfig, err), "this host has no such address; set milter.listen")
	}
	return err
}
