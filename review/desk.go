// Package review is what a moderator can do with held messages: look at them,
// take them out as a mailbox, and decide once (ham, spam, release, discard).
// The command line, the control socket and other faces all use one Desk.
//
// A decision claims its message first, so that two moderators cannot decide the
// same one. What is to be learned is learned before anything is handed on or
// removed: when learning fails, the message stays held and nothing was sent.
// When the release fails after it, the message stays held too, and the next
// try finds it learned already (learning is idempotent). The release itself is
// journalled by the spool (see there for its states): recipients that the next
// hop took leave the envelope, the others stay, and after an answer that was
// lost sight of only DecideAgain sends the message once more. Every decision
// that was begun, also one that failed, goes to the Recorder with its actor.
//
// What List and Show return is safe to show (package safetext) and bounded. It
// is for eyes only: a release reads the spool's own envelope.
//
// A Desk is immutable and safe for concurrent use.
package review

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"fanmill/classify"
	"fanmill/spool"
	"fanmill/submit"
)

// ErrNoTarget says that nothing can be sent on.
var ErrNoTarget = errors.New("no target for released mail is configured")

// Action is what shall become of a held message.
type Action uint8

// The actions.
const (
	Ham     Action = iota + 1 // learn as ham, send on
	Spam                      // learn as spam, remove
	Release                   // send on
	Discard                   // remove
)

var actionNames = map[Action]string{Ham: "ham", Spam: "spam", Release: "release", Discard: "discard"}

// String returns the action's word.
func (a Action) String() string {
	if name, ok := actionNames[a]; ok {
		return name
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// ParseAction reads what String wrote.
func ParseAction(s string) (Action, error) {
	for a, name := range actionNames {
		if name == s {
			return a, nil
		}
	}
	return 0, fmt.Errorf("%.40q is not an action (ham, spam, release, discard)", s)
}

func (a Action) sends() bool  { return a == Ham || a == Release }
func (a Action) learns() bool { return a == Ham || a == Spam }

// Sender hands a message on; *submit.Sender is one.
type Sender interface {
	Send(ctx context.Context, sender string, rcpts []string, o submit.Options, msg io.Reader) (submit.Result, error)
}

// Learner takes in a labelled message: class is classify.Ham or classify.Spam,
// raw the content of ID.msg. Learning the same message again must change
// nothing. It returns a word on what that came to, such as "learned".
type Learner interface {
	Learn(ctx context.Context, class classify.Verdict, raw []byte, scope, actor string) (string, error)
}

// Recorder keeps the history of decisions. It must not block for long.
type Recorder interface {
	Record(Entry)
}

// Entry is one decision for the history. Its texts are as they came: hostile.
type Entry struct {
	Time     time.Time
	Actor    string
	Message  spool.Meta // as it was before the decision
	Decision Decision
	Err      error // nil when all of it was done
}

// Decision is what became of a message. Texts in it are safe to show.
type Decision struct {
	ID       string
	Action   Action
	Learned  string    // the Learner's word; "" when nothing was learned
	Released []string  // recipients the next hop took it for
	Refused  []Refusal // the others; they wait as before
	InDoubt  bool      // for some of the refused it is not known
	Gone     bool      // no longer held
}

// Refusal is a recipient the next hop did not take.
type Refusal struct {
	Recipient string
	Class     submit.Class
	Text      string
}

// Options are the parts of a Desk.
type Options struct {
	Spool    *spool.Spool
	Sender   Sender   // nil: releases fail with ErrNoTarget
	Learner  Learner  // nil: ham and spam fail
	Recorder Recorder // nil: no history
	Logger   *slog.Logger
}

// Desk is where moderators work.
type Desk struct {
	spool *spool.Spool
	o     Options
}

// New returns a Desk.
func New(o Options) (*Desk, error) {
	if o.Spool == nil {
		return nil, errors.New("open review desk: no spool")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Desk{spool: o.Spool, o: o}, nil
}

// Decide carries out a decision about one message. With an error the Decision
// says how far it came; unless Gone, the message is still held. Errors to branch
// on are spool.ErrNotHeld, spool.ErrClaimed, spool.ErrInDoubt, spool.ErrIsCopy
// and ErrNoTarget.
func (d *Desk) Decide(ctx context.Context, id string, a Action, actor string) (Decision, error) {
	return d.decide(ctx, id, a, actor, false)
}

// DecideAgain is Decide for somebody who was told that an earlier release may
// have reached the recipients, and wants it sent nevertheless.
func (d *Desk) DecideAgain(ctx context.Context, id string, a Action, actor string) (Decision, error) {
	return d.decide(ctx, id, a, actor, true)
}

func (d *Desk) decide(ctx context.Context, id string, a Action, actor string, again bool) (Decision, error) {
	if _, ok := actionNames[a]; !ok {
		return Decision{}, fmt.Errorf("decide %.40q: unknown %v", id, a)
	}
	unlock, err := d.spool.Claim(id, actor)
	if err != nil {
		return Decision{}, fmt.Errorf("decide: %w", err)
	}
	defer unlock()
	m, err := d.spool.Get(id)
	if err != nil {
		return Decision{}, fmt.Errorf("decide: %w", err)
	}
	w := work{Desk: d, m: m, actor: actor, again: again, Decision: Decision{ID: id, Action: a}}
	if err = w.run(ctx); err != nil {
		err = fmt.Errorf("%s %s: %w", a, id, err)
	}
	if d.o.Recorder != nil {
		d.o.Recorder.Record(Entry{Time: time.Now(), Actor: actor, Message: m, Decision: w.Decision, Err: err})
	}
	return w.Decision, err
}

// work is one decision being carried out.
type work struct {
	*Desk
	m     spool.Meta
	actor string
	again bool
	Decision
}

func (w *work) run(ctx context.Context) error {
	if err := w.check(); err != nil {
		return err
	}
	if w.Action.learns() {
		if err := w.learn(ctx); err != nil {
			return fmt.Errorf("learn (the message stays held, nothing was sent): %w", err)
		}
	}
	// A copy was delivered long ago: with the learning done it can go.
	if w.Action.sends() && w.m.Box != spool.Copy {
		return w.release(ctx)
	}
	if err := w.spool.Discard(w.ID); err != nil {
		return err
	}
	w.Gone = true
	return nil
}

// check refuses what would fail later, before anything is learned.
func (w *work) check() error {
	switch {
	case w.Action.learns() && w.o.Learner == nil:
		return errors.New("learning is not possible here")
	case !w.Action.sends():
		return nil
	case w.m.Box == spool.Copy && w.Action == Release:
		return spool.ErrIsCopy
	case w.m.Box == spool.Copy:
		return nil
	case w.o.Sender == nil:
		return ErrNoTarget
	}
	stage, err := w.spool.Stage(w.ID)
	if err == nil && stage == spool.StageInDoubt && !w.again {
		return spool.ErrInDoubt
	}
	return err
}

func (w *work) learn(ctx context.Context) error {
	f, err := w.spool.OpenMessage(w.ID)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	class := classify.Ham
	if w.Action == Spam {
		class = classify.Spam
	}
	w.Learned, err = w.o.Learner.Learn(ctx, class, raw, w.m.Scope, w.actor)
	return err
}
