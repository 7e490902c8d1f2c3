// Package desk gives package review's desk, at which held messages are looked at and
// decided, the form that the control socket serves: the daemon's own, and that of a
// command which opens the files because no daemon runs.
package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/review"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
	"fanmill/submit"
	"fanmill/training"
)

// Desk gives review's Desk the form that the control socket serves. It is safe
// for concurrent use; a reload swaps what is behind it.
type Desk struct {
	parts   review.Options // less the sender, which comes from the settings
	current atomic.Pointer[review.Desk]
}

var _ control.Desk = (*Desk)(nil)

// New returns the desk over a spool. Without a ledger and a history it can
// only be looked at.
func New(set func() *settings.Settings, s *spool.Spool, db *store.DB, h *history.History, log *slog.Logger) (*Desk, error) {
	d := &Desk{parts: review.Options{Spool: s, Logger: log}}
	if db != nil {
		d.parts.Learner = &learner{db: db, set: set, log: log}
		d.parts.Recorder = &recorder{history: h, log: log}
	}
	commit, err := d.Prepare(set())
	if err != nil {
		return nil, err
	}
	commit()
	return d, nil
}

// Prepare builds what new settings need; commit puts it in force.
func (d *Desk) Prepare(set *settings.Settings) (commit func(), err error) {
	o := d.parts
	to, err := submit.New(set.File.Submit.To)
	if err != nil {
		return nil, cli.WithCode(cli.ExitConfig, fmt.Errorf("submit.to: %w", err))
	}
	o.Sender = timedSender{to, time.Duration(set.File.Submit.Timeout)}
	next, err := review.New(o)
	if err != nil {
		return nil, err
	}
	return func() { d.current.Store(next) }, nil
}

// List lists a box, the newest first.
func (d *Desk) List(_ context.Context, f control.Filter) ([]spool.Meta, error) {
	boxes := []spool.Box{f.Box}
	if f.Box == "" {
		boxes = []spool.Box{spool.Unsure, spool.Spam}
	}
	var all []spool.Meta
	for _, b := range boxes {
		items, err := d.current.Load().List(b)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			all = append(all, it.Meta)
		}
	}
	slices.SortStableFunc(all, func(a, b spool.Meta) int { return b.Time.Compare(a.Time) })
	if f.Limit > 0 && len(all) > f.Limit {
		all = all[:f.Limit]
	}
	return all, nil
}

// Show shows one message.
func (d *Desk) Show(_ context.Context, id string) (control.Held, error) {
	s, err := d.current.Load().Show(id)
	return control.Held{Meta: s.Meta, State: fmt.Sprint(s.Stage), Header: s.Header, Text: s.Text}, err
}

// Export writes one message as an mbox.
func (d *Desk) Export(ctx context.Context, id string, w io.Writer) error {
	_, err := d.current.Load().Export(ctx, w, id)
	return err
}

// Decide carries out a decision.
func (d *Desk) Decide(ctx context.Context, q control.Decision) (control.Decided, error) {
	a, err := review.ParseAction(q.Action)
	if err != nil {
		return control.Decided{}, fmt.Errorf("%w: %w", control.ErrRequest, err)
	}
	do := d.current.Load().Decide
	if q.Again {
		do = d.current.Load().DecideAgain
	}
	r, err := do(ctx, q.ID, a, q.Actor)
	if err != nil {
		return control.Decided{}, decideError(r, err)
	}
	return control.Decided{ID: r.ID, Action: q.Action, Learned: r.Learned, Released: r.Released, Gone: r.Gone}, nil
}

// decideError says how far a decision that failed has come, and what to do.
func decideError(r review.Decision, err error) error {
	if refused := (*submit.RcptError)(nil); errors.As(err, &refused) {
		err = fmt.Errorf("%w: %w", control.ErrNextHop, err)
	}
	switch {
	case errors.Is(err, review.ErrNoTarget):
		return control.WithHint(fmt.Errorf("%w: %w", control.ErrConfig, err), "set submit.to in the configuration")
	case r.InDoubt, errors.Is(err, spool.ErrInDoubt):
		return control.WithHint(err, "look in the next hop's log whether it has the message; then discard it here, or send it with --again")
	case len(r.Released) > 0:
		return control.WithHint(err, "%s got it; it stays held for the others", cli.Plural(len(r.Released), "recipient", "recipients"))
	case errors.Is(err, control.ErrNextHop) && r.Learned != "":
		return control.WithHint(err, "it was learned (%s) and stays held; release it when the next hop answers", r.Learned)
	case errors.Is(err, control.ErrNextHop):
		return control.WithHint(err, "it stays held; try again when the next hop answers")
	}
	return err
}

// timedSender bounds each hand-over.
type timedSender struct {
	*submit.Sender
	timeout time.Duration
}

// Send hands a message on within the time.
func (t timedSender) Send(ctx context.Context, sender string, rcpts []string, o submit.Options, msg io.Reader) (submit.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	return t.Sender.Send(ctx, sender, rcpts, o, msg)
}

// learner lets a desk write to the ledger.
type learner struct {
	db  *store.DB
	set func() *settings.Settings
	log *slog.Logger
}

// Learn is review.Learner.
func (l *learner) Learn(ctx context.Context, class classify.Verdict, raw []byte, scope, actor string) (string, error) {
	label := store.Ham
	if class == classify.Spam {
		label = store.Spam
	}
	t := training.New(l.db, l.set().Trainer(scope, store.Origin{Actor: actor, Source: "held"}, l.log))
	r, err := t.Learn(ctx, label, raw)
	if err != nil {
		return "", err
	}
	return r.Outcome.String(), nil
}

// recorder counts and logs decisions.
type recorder struct {
	history *history.History
	log     *slog.Logger
}

// Record is review.Recorder.
func (r *recorder) Record(e review.Entry) {
	attrs := []any{
		"id", e.Message.ID, "action", e.Decision.Action, "actor", e.Actor, "learned", e.Decision.Learned,
		"released", len(e.Decision.Released), "refused", len(e.Decision.Refused), "gone", e.Decision.Gone,
	}
	if e.Err != nil {
		r.log.Warn("decision not carried out", append(attrs, "error", e.Err)...)
		return
	}
	r.log.Info("decided", attrs...)
	r.history.Count(history.Day(e.Time), e.Decision.Action.String(), "moderator", 1)
}

// Open returns the daemon's desk where one runs, else one over the files.
// Messages are decided under the spool's own locks, so that a daemon that starts
// meanwhile does no harm.
func Open(ctx context.Context, e *cli.Env, decide bool) (control.Desk, func(), error) {
	dir, err := e.ExistingData()
	if err != nil {
		return nil, nil, err
	}
	c, err := control.Dial(ctx, dir)
	if err == nil {
		return c, c.Close, nil
	}
	if !errors.Is(err, control.ErrNoDaemon) {
		return nil, nil, err
	}
	set, err := settings.Of(e)
	if err != nil {
		return nil, nil, err
	}
	return OpenFiles(ctx, e, dir, set, decide)
}

// OpenFiles returns a desk over the files.
func OpenFiles(ctx context.Context, e *cli.Env, dir string, set *settings.Settings, decide bool) (control.Desk, func(), error) {
	if _, err := os.Stat(set.File.Spool.Dir); errors.Is(err, fs.ErrNotExist) {
		return emptyDesk{}, func() {}, nil
	}
	return localDesk(ctx, e, dir, set, decide)
}

// localDesk opens the spool and, to decide, ledger and history.
func localDesk(ctx context.Context, e *cli.Env, dir string, set *settings.Settings, decide bool) (_ control.Desk, _ func(), err error) {
	var closers []func() error
	done := func() {
		for _, f := range slices.Backward(closers) {
			if err := f(); err != nil {
				cli.Complain(e.Stderr, err)
			}
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	s, err := datadir.OpenSpool(set, e.Logger())
	if err != nil {
		return nil, nil, err
	}
	closers = append(closers, s.Close)
	var db *store.DB
	var h *history.History
	if decide {
		if db, err = store.Open(ctx, store.Options{Dir: dir, Logger: e.Logger()}); err != nil {
			return nil, nil, err
		}
		closers = append(closers, func() error { return datadir.Adopt(dir) }, db.Close)
		if h, err = datadir.OpenHistory(ctx, dir, set, e.Logger()); err != nil {
			return nil, nil, err
		}
		closers = append(closers, h.Close)
	}
	d, err := New(func() *settings.Settings { return set }, s, db, h, e.Logger())
	return d, done, err
}

// emptyDesk is the desk of a data directory without a spool: nothing was ever
// held. Opening a spool would make one, perhaps with the wrong owner.
type emptyDesk struct{}

func (emptyDesk) List(context.Context, control.Filter) ([]spool.Meta, error) { return nil, nil }

func (emptyDesk) Show(_ context.Context, id string) (control.Held, error) {
	return control.Held{}, fmt.Errorf("show %s: %w", id, spool.ErrNotHeld)
}

func (emptyDesk) Export(_ context.Context, id string, _ io.Writer) error {
	return fmt.Errorf("export %s: %w", id, spool.ErrNotHeld)
}

func (emptyDesk) Decide(_ context.Context, q control.Decision) (control.Decided, error) {
	return control.Decided{}, fmt.Errorf("%s %s: %w", q.Action, q.ID, spool.ErrNotHeld)
}
