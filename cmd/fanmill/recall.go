package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/desk"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
)

// recall finds what is left of a message that has gone by: the message itself while
// the spool has it, else what the history keeps.
type recall struct {
	history *history.History // nil: no mail has been seen yet
	spool   control.Lister
	days    int // for how long the history remembers
}

// message returns the message of q.ID as training takes it, and the box it is held
// in, "" where it is not. To forget a message its digest is enough.
func (r recall) message(ctx context.Context, q control.LearnRequest, s *classify.Stream) (*classify.Message, string, error) {
	rec, err := r.record(ctx, q)
	if err != nil && (q.Own || !errors.Is(err, history.ErrNoRecord)) {
		return nil, "", err
	}
	m, box, heldErr := r.held(ctx, q.ID, s)
	switch {
	case !errors.Is(heldErr, spool.ErrNotHeld):
		return m, box, heldErr
	case err != nil:
		return nil, "", err
	case q.Class == "forget":
		return &classify.Message{Digest: rec.Digest}, "", nil
	}
	m, err = rec.Message()
	return m, "", trainInstead(err, q.Class)
}

// record looks the id up in the history.
func (r recall) record(ctx context.Context, q control.LearnRequest) (rec history.Record, err error) {
	if r.history == nil {
		return rec, r.unknown(q)
	}
	_ = r.history.Flush(ctx) // what is on disk may do
	rec, err = r.history.Get(ctx, q.ID)
	if errors.Is(err, history.ErrNoRecord) || err == nil && q.Own && rec.Scope != q.Scope {
		return rec, r.unknown(q)
	}
	return rec, err
}

// unknown is the answer to an id that is not there, and to one that is not the
// peer's: whether it is there is none of his business.
func (r recall) unknown(q control.LearnRequest) error {
	err := fmt.Errorf("%s: %w", q.ID, history.ErrNoRecord)
	if q.Own {
		err = fmt.Errorf("%s: %w for %s alone", q.ID, history.ErrNoRecord, q.Scope)
		return control.WithHint(err, "mail to several recipients is for administrators to learn by its id; with the message at hand: fanmill learn --%s --message FILE", q.Class)
	}
	return control.WithHint(err, "ids are remembered for %s; with the message at hand: fanmill learn --%s --message FILE", cli.Plural(r.days, "day", "days"), q.Class)
}

func trainInstead(err error, class string) error {
	if err == nil {
		return nil
	}
	return control.WithHint(err, "with the message at hand: fanmill learn --%s --message FILE", class)
}

// held reads the message from the spool, which goes on holding it.
func (r recall) held(ctx context.Context, id string, s *classify.Stream) (*classify.Message, string, error) {
	h, err := r.spool.Show(ctx, id)
	if err != nil {
		return nil, "", err
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(r.spool.Export(ctx, id, pw)) }()
	m, err := classify.Read(s, pr)
	pr.Close() // lets the writer go, should the reader have stopped early
	return m, string(h.Box), err
}

// openLearning returns the daemon's judge where one runs and lets us in, else one
// that writes to the ledger itself.
func openLearning(ctx context.Context, e *cli.Env) (control.Judge, func() error, error) {
	c, dir, err := datadir.DialIfThere(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if c != nil {
		return c, func() error { c.Close(); return nil }, nil
	}
	closers := closers{func() error { return datadir.Adopt(dir) }}
	j, err := localJudge(ctx, e, dir, &closers)
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

// localJudge opens ledger, history and spool, the latter two as far as they are there.
func localJudge(ctx context.Context, e *cli.Env, dir string, c *closers) (*judge, error) {
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
	return &judge{&scorer{db: db, set: func() *settings.Settings { return set }}, e.Logger(), recall{h, held, set.File.History.Days}}, nil
}
