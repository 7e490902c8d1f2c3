package judge

import (
	"context"
	"errors"
	"slices"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/desk"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/store"
)

// Open returns the daemon's judge where one runs and lets us in, else one
// that reads the ledger itself. A data directory without a ledger is one that
// nothing has been learned in yet.
func Open(ctx context.Context, e *cli.Env, set *settings.Settings) (control.Judge, func(), error) {
	c, dir, err := datadir.DialIfThere(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if c != nil {
		return c, c.Close, nil
	}
	db, done, err := datadir.OpenReading(ctx, e, dir)
	if err != nil {
		return nil, nil, err
	}
	return local(e, db, set, Recall{}), done, nil
}

// local is a judge of this process.
func local(e *cli.Env, db *store.DB, set *settings.Settings, r Recall) *Judge {
	return New(NewScorer(db, func() *settings.Settings { return set }, e.Logger()), r)
}

// OpenLearning returns the daemon's judge where one runs and lets us in, else one
// that writes to the ledger itself.
func OpenLearning(ctx context.Context, e *cli.Env) (control.Judge, func() error, error) {
	c, dir, err := datadir.DialIfThere(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if c != nil {
		return c, func() error { c.Close(); return nil }, nil
	}
	closers := closers{func() error { return datadir.Adopt(dir) }}
	j, err := openFiles(ctx, e, dir, &closers)
	if err != nil {
		return nil, nil, errors.Join(err, closers.close())
	}
	return j, closers.close, nil
}

// closers are what is to be done at the end, the last first.
type closers []func() error

func (c closers) close() error {
	var errs []error
	for _, f := range slices.Backward(c) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// openFiles opens ledger, history and spool, the latter two as far as they are there.
func openFiles(ctx context.Context, e *cli.Env, dir string, c *closers) (*Judge, error) {
	set, err := settings.Of(e)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{Dir: dir, Logger: e.Logger()})
	if err != nil {
		return nil, err
	}
	*c = append(*c, db.Close)
	h, err := datadir.ReadHistory(ctx, e, dir)
	if err != nil {
		return nil, err
	}
	if h != nil {
		*c = append(*c, h.Close)
	}
	held, done, err := desk.OpenFiles(ctx, e, dir, set, false)
	if err != nil {
		return nil, err
	}
	*c = append(*c, func() error { done(); return nil })
	return local(e, db, set, Recall{h, held, set.File.History.Days}), nil
}
