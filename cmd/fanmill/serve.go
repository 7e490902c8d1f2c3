package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/config"
	"fanmill/control"
)

// serveCmd runs the daemon.
type serveCmd struct{ cli.NoFlags }

// Run serves until ctx ends.
func (s *serveCmd) Run(ctx context.Context, e *cli.Env) error {
	dir, err := e.DataDir()
	if err != nil {
		return err
	}
	set, err := loader(e, dir)()
	if err != nil {
		return err
	}
	listeners, err := activated()
	if err != nil {
		return err
	}
	if e.Getenv("GOGC") == "" {
		go boundGarbage(ctx)
	}
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads must not end the daemon
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	level := new(slog.LevelVar)
	log := serveLog(e, set, level)
	app, err := NewApp(ctx, AppOptions{
		Data: dir, Load: loader(e, dir), Watch: true,
		Listeners: listeners, Logger: log, Level: level, Starting: supervisor{log}.starting,
	})
	if err != nil {
		return err
	}
	app.Start()
	if set.path == "" {
		fmt.Fprint(e.Stdout, welcome(app.Addr()))
	}
	return supervise(ctx, app, supervisor{log}, hup, asDuration(set.file.Milter.DrainTimeout))
}

// supervise lives with the daemon until ctx ends or it fails.
func supervise(ctx context.Context, app *App, sup supervisor, hup <-chan os.Signal, drain time.Duration) error {
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go sup.watch(watching, func() error { return alive(watching, app.o.Data) })
	sup.ready()
	for {
		select {
		case <-hup:
			sup.reloading()
			_, _ = app.Reload(ctx) // logged there
			sup.ready()
		case err := <-app.Failed():
			_ = stopWithin(app, sup, drain)
			return cli.WithCode(cli.ExitIO, err)
		case <-ctx.Done():
			return stopWithin(app, sup, drain)
		}
	}
}

// stopWithin stops the daemon: messages in progress have the drain timeout,
// the rest some seconds.
func stopWithin(app *App, sup supervisor, drain time.Duration) error {
	sup.stopping()
	ctx, cancel := context.WithTimeout(context.Background(), drain+10*time.Second)
	defer cancel()
	if err := app.Stop(ctx); err != nil {
		return cli.WithCode(cli.ExitIO, fmt.Errorf("stop: %w", err))
	}
	return nil
}

// alive asks the daemon through its own socket whether it answers.
func alive(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := control.Dial(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Status(ctx)
	return err
}

// loader returns what reads the configuration, at start and again when it changes. Once
// there was a file it must stay: a daemon does not begin to observe because somebody
// has moved the file away.
func loader(e *cli.Env, dir string) func() (*settings, error) {
	return func() (*settings, error) {
		e.Config = e.ConfigPath()
		return serveSettings(e, dir)
	}
}

// serveSettings returns the configuration; without a file the daemon observes. One that
// comes into being is taken at a reload that somebody asks for: as long as it is being
// written for the first time the daemon should not begin to act.
func serveSettings(e *cli.Env, dir string) (*settings, error) {
	if path := e.ConfigPath(); path != "" {
		return loadSettings(path, dir)
	}
	file := config.Default(dir)
	file.Policy.Observe = true
	file.Milter.Listen = []string{"unix:" + filepath.Join(dir, "milter.sock"), e.DefaultInet}
	return newSettings("", file, new(inputs))
}

// serveLog is the log that the configuration asks for, on standard error.
func serveLog(e *cli.Env, set *settings, level *slog.LevelVar) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if set.file.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(e.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(e.Stderr, o))
}
