package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
)

// Serve is the command that runs the daemon.
type Serve struct {
	cli.NoFlags
	Version string // of the program
}

// Run serves until ctx ends.
func (s *Serve) Run(ctx context.Context, e *cli.Env) error {
	dir, err := e.DataDir()
	if err != nil {
		return err
	}
	set, err := settings.Loader(e, dir)()
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
	app, err := New(ctx, Options{
		Version: s.Version, Data: dir, Load: settings.Loader(e, dir), Watch: true,
		Listeners: listeners, Logger: log, Level: level, Starting: supervisor{log}.starting,
	})
	if err != nil {
		return err
	}
	app.Start()
	if set.Path == "" {
		fmt.Fprint(e.Stdout, welcome(app.Addr()))
	}
	return supervise(ctx, app, supervisor{log}, hup, time.Duration(set.File.Milter.DrainTimeout))
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

// serveLog is the log that the configuration asks for, on standard error.
func serveLog(e *cli.Env, set *settings.Settings, level *slog.LevelVar) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if set.File.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(e.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(e.Stderr, o))
}
