// Package daemon is the daemon: App is all that it is made of, as a value that tests
// run in their own process, and Serve is the command that lives with it among signals
// and systemd.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/desk"
	"fanmill/cmd/fanmill/judge"
	"fanmill/cmd/fanmill/settings"
	"fanmill/config"
	"fanmill/config/watch"
	"fanmill/control"
	"fanmill/milter"
	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/store/sqlite"
	"fanmill/training"
)

// Options are what the daemon is made of.
type Options struct {
	Version   string                             // of the program, for log and status
	Data      string                             // absolute path of the data directory; made when missing
	Load      func() (*settings.Settings, error) // reads the configuration, at start and at every reload
	Watch     bool                               // reload by itself when a file that Load read has changed
	Listeners []net.Listener                     // from systemd: used in place of the configured sockets
	Logger    *slog.Logger
	Level     *slog.LevelVar // of the logger; set from the configuration

	Starting func(status string, more time.Duration) // is told what takes so much longer before Start; may be nil
}

// App is the daemon as a value: New opens and binds everything, Start
// serves, Reload swaps the settings, Stop ends it. Reload, Addr and the methods
// that the control socket calls are safe for concurrent use.
type App struct {
	o       Options
	log     *slog.Logger
	set     atomic.Pointer[settings.Settings]
	running *config.Config // as of the start: what restart keys are compared with
	db      *store.DB
	history *history.History
	auto    *training.Auto
	teacher *training.Teacher
	spool   *spool.Spool
	desk    *desk.Desk
	delays  *delay.Table
	milter  *milter.Server
	control *control.Server
	started time.Time

	closers []closer // in the order of opening
	follow  sync.WaitGroup
	cancel  context.CancelFunc
	stop    sync.Once
	stopErr error

	mu       sync.Mutex // one reload at a time; guards what follows
	reloads  int
	reloaded time.Time
	lastFail string
	restart  []string     // changed keys that wait for a restart
	warnings []string     // about the settings in force
	files    []watch.File // as they were read last, with or without success
}

// closer is a step of stopping.
type closer struct {
	name  string
	close func(context.Context) error
}

// New opens the data directory and binds the sockets; MTAs that connect wait
// until Start. After an error nothing is left open.
func New(ctx context.Context, o Options) (*App, error) {
	a := &App{o: o, log: o.Logger, started: time.Now()}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.close(ctx))
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	set, err := a.o.Load()
	if err != nil {
		return err
	}
	a.running, a.files = set.File, set.Files
	a.remark(nil, set.PassedOver())
	a.use(set)
	for _, step := range []func(context.Context, *settings.Settings) error{a.openData, a.openStore, a.openSpool, a.openDelays, a.openMilter, a.openControl} {
		if err := step(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// use puts settings in force, as far as they are not handed to a room.
func (a *App) use(set *settings.Settings) {
	a.set.Store(set)
	if a.o.Level != nil {
		_ = a.o.Level.UnmarshalText([]byte(set.File.Log.Level)) // one of four words, checked by package config
	}
}

func (a *App) closing(name string, f func(context.Context) error) {
	a.closers = append(a.closers, closer{name, f})
}

func (a *App) openData(context.Context, *settings.Settings) error {
	if err := datadir.Make(a.o.Data); err != nil {
		return cli.WithCode(cli.ExitCantCreate, fmt.Errorf("make data directory: %w", err))
	}
	lock, err := datadir.Lock(a.o.Data)
	if err != nil {
		return err
	}
	a.closing("unlock data directory", func(context.Context) error { return lock.Close() })
	return nil
}

func (a *App) openStore(ctx context.Context, set *settings.Settings) (err error) {
	o := store.Options{Dir: a.o.Data, Logger: a.log, ScopeMemory: int64(set.File.Scope.Memory)}
	a.db, err = store.Open(ctx, o)
	if errors.Is(err, sqlite.ErrFeatureVersion) {
		if err = a.renew(ctx, set, o); err == nil {
			a.db, err = store.Open(ctx, o)
		}
	}
	if err != nil {
		return err
	}
	a.closing("close ledger", func(context.Context) error { return a.db.Close() })
	a.teacher = training.NewTeacher(a.db, func(scope string) training.Options {
		return a.set.Load().Trainer(scope, store.Origin{}, a.log)
	}, a.log)
	a.history, err = datadir.OpenHistory(ctx, a.o.Data, set, a.log)
	if err != nil {
		return err
	}
	a.closing("close history", func(context.Context) error { return a.history.Close() })
	a.auto = training.NewAuto(a.db, a.history, a.autoOptions, a.log)
	return nil
}

// autoOptions are what is learned automatically now.
func (a *App) autoOptions() training.AutoOptions {
	set := a.set.Load()
	if !set.File.Autolearn.Enabled {
		return training.AutoOptions{}
	}
	return training.AutoOptions{Enabled: true, AutoRule: set.AutoRule(), Trainer: set.Trainer("", store.Origin{}, a.log)}
}

func (a *App) openSpool(_ context.Context, set *settings.Settings) (err error) {
	a.spool, err = datadir.OpenSpool(set, a.log)
	if err != nil {
		return err
	}
	a.closing("close spool", func(context.Context) error { return a.spool.Close() })
	a.desk, err = desk.New(a.set.Load, a.spool, a.db, a.history, a.log)
	return err
}

// openDelays opens the table of mail that was asked to come again.
func (a *App) openDelays(context.Context, *settings.Settings) error {
	a.delays = delay.Open(delay.Options{
		Path: filepath.Join(a.o.Data, delay.FileName),
		Limits: func() delay.Limits {
			p := &a.set.Load().File.Policy
			return delay.Limits{Min: time.Duration(p.DelayMin), Max: time.Duration(p.DelayMax)}
		},
		Expired: func(n int64) {
			a.history.Count(history.Day(time.Now()), policy.Delay.String(), milter.RuleExpired, n)
		},
		Logger: a.log,
	})
	a.closing("close the table of delayed mail", func(context.Context) error { return a.delays.Close() })
	return nil
}

func (a *App) openMilter(_ context.Context, set *settings.Settings) (err error) {
	sc := judge.NewScorer(a.db, a.set.Load, a.log)
	m := &set.File.Milter
	o := milter.Options{
		Listen: m.Listen, SocketMode: os.FileMode(m.SocketMode), SocketGroup: m.SocketGroup, MaxConnections: m.MaxConnections,
		IdleTimeout: time.Duration(m.IdleTimeout), PacketTimeout: time.Duration(m.PacketTimeout), DrainTimeout: time.Duration(m.DrainTimeout),
	}
	if len(a.o.Listeners) > 0 {
		o.Listen, o.Listeners = nil, a.o.Listeners
	}
	a.milter, err = milter.New(o, milter.Parts{Scorer: sc, Spool: a.spool, Recorder: a.history, Learner: a.auto, Teacher: a.teacher, Delays: a.delays, Logger: a.log}, milterSettings(set))
	if err != nil {
		return bindError(err)
	}
	a.closing("stop milter", a.milter.Stop)
	return nil
}

// heldClues is how many clues are kept with a held message.
const heldClues = 15

// milterSettings are the settings that the milter swaps at a reload.
func milterSettings(s *settings.Settings) milter.Settings {
	m := &s.File.Milter
	return milter.Settings{
		Policy: s.Rules, Classify: s.Classify, Families: s.Families, RejectText: s.File.Policy.RejectText,
		Clues: heldClues, Pieces: judge.Pieces, Deadline: time.Duration(m.MessageDeadline), ProgressEvery: time.Duration(m.ProgressEvery),
		KeepFeatures: s.File.History.Features, Evidence: s.File.Headers.Evidence, MarkAuthenticated: s.File.Headers.Authenticated,
	}
}

func (a *App) openControl(_ context.Context, _ *settings.Settings) (err error) {
	gid := datadir.Administrators()
	by := judge.New(judge.NewScorer(a.db, a.set.Load, a.log), judge.Recall{History: a.history, Held: a.desk, Days: a.running.History.Days})
	o := control.Options{
		Path: filepath.Join(a.o.Data, control.SocketName), GID: -1,
		Access: control.Access{
			UID: uint32(os.Geteuid()), GID: control.NoGroup,
			ScopeOf: func(address string) string { return a.set.Load().Scopes.Of(address) },
		},
		Judge: by, Desk: a.desk, Keeper: a, Logger: a.log,
	}
	if gid >= 0 {
		o.Access.GID = uint32(gid)
		if groups, err := os.Getgroups(); os.Geteuid() == 0 || err == nil && slices.Contains(groups, gid) {
			o.GID = gid
		}
	}
	a.control, err = control.New(o)
	if err != nil {
		return bindError(err)
	}
	a.closing("stop control socket", a.control.Stop)
	return nil
}

// Start serves the sockets and follows the ledger.
func (a *App) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.follow.Go(func() {
		if err := a.db.Follow(ctx); err != nil {
			a.log.Error("the model is no longer kept current", "error", err)
		}
	})
	a.follow.Go(func() { a.expire(ctx) })
	a.follow.Go(func() { a.auto.Run(ctx) })
	a.follow.Go(func() { a.teacher.Run(ctx) })
	if a.o.Watch {
		a.follow.Go(func() { a.watch(ctx) })
	}
	a.milter.Start()
	a.control.Start()
	a.log.Info("ready", "listen", a.listening(), "control", a.control.Addr(), "observe", a.set.Load().Policy.Observe, "version", a.o.Version)
}

// Addr returns the milter's addresses.
func (a *App) Addr() []net.Addr { return a.milter.Addr() }

func (a *App) listening() []string {
	var out []string
	for _, addr := range a.Addr() {
		postfix, _ := mtaSpellings(addr)
		out = append(out, postfix)
	}
	return out
}

// Failed yields an error when the daemon can serve no longer.
func (a *App) Failed() <-chan error { return a.milter.Failed() }

// Stop lets messages in progress finish until ctx or the drain timeout ends,
// and closes everything. It may be called more than once.
func (a *App) Stop(ctx context.Context) error {
	a.stop.Do(func() {
		a.log.Info("stopping")
		a.stopErr = a.close(ctx)
		a.log.Info("stopped", "ran", time.Since(a.started).Round(time.Second))
	})
	return a.stopErr
}

// close undoes what was opened, the last first. The ledger is followed as long
// as messages are scored.
func (a *App) close(ctx context.Context) error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		if c.name == "close history" && a.cancel != nil {
			a.cancel()
			a.follow.Wait()
		}
		if err := c.close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}
