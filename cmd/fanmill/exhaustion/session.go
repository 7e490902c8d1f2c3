package exhaustion

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/mailboxes"
	"fanmill/store"
	"fanmill/training/corpus"
	"fanmill/training/exhaust"
)

// session is a run of the command.
type session struct {
	x      *Command
	e      *cli.Env
	db     *store.DB
	bar    *cli.Meter
	by     store.Origin
	bad    *cli.Problems
	src    exhaust.Sources
	c      *exhaust.Collection
	culled []*exhaust.Culled
	drop   *corpus.Mbox
	answer exhausted
}

// exhausted is what exhaust prints as JSON.
type exhausted struct {
	DryRun    bool          `json:"dry_run"`
	Rounds    []roundAnswer `json:"rounds"`
	Converged bool          `json:"converged"`
	exhaust.Saved
	Misses []missAnswer        `json:"misses"`
	Culled []mailboxes.Written `json:"culled"`
}

type roundAnswer struct {
	Messages   int     `json:"messages"`
	HamMisses  int     `json:"ham_misses"`
	SpamMisses int     `json:"spam_misses"`
	Seconds    float64 `json:"seconds"`
}

type missAnswer struct {
	Class     string  `json:"class"`
	Score     float64 `json:"score"`
	MessageID string  `json:"message_id"`
	Digest    string  `json:"digest"`
	Reason    string  `json:"reason"`
}

func (r *session) all(ctx context.Context, o exhaust.Options) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.c.Close()
	if r.x.only && r.bad.Count() > 0 {
		return errors.Join(r.bad.Err(len(r.c.Messages), "read"), errors.New("with --only the rest alone would count: nothing is written"))
	}
	if len(r.c.Messages) == 0 {
		return errors.Join(r.bad.Err(0, "trained"), cli.Hint(cli.WithCode(cli.ExitData, errors.New("there is nothing to train")), "train first, or say --ham PATH and --spam PATH"))
	}
	if ham, spam := r.c.Classes(); min(ham, spam) == 0 {
		return cli.Hint(errors.Join(r.bad.Err(len(r.c.Messages), "read"), cli.WithCode(cli.ExitData, fmt.Errorf("%d ham and %d spam: both are needed, nothing is written", ham, spam))), "say --ham PATH and --spam PATH")
	}
	misses, err := r.rounds(ctx, o)
	if err != nil {
		return err
	}
	if err := r.write(ctx, misses); err != nil {
		return err
	}
	return errors.Join(r.report(misses), r.bad.Err(len(r.c.Messages), "trained"), r.verdict(misses))
}

// begin makes what will be written, so that what stands in the way is known at once,
// and reads all messages.
func (r *session) begin(ctx context.Context) (err error) {
	for _, p := range r.x.Ham {
		r.src.Inputs = append(r.src.Inputs, &exhaust.Input{Path: p, Class: store.Ham})
	}
	for _, p := range r.x.Spam {
		r.src.Inputs = append(r.src.Inputs, &exhaust.Input{Path: p, Class: store.Spam})
	}
	if r.x.culled && !r.x.dryRun {
		for _, in := range r.src.Inputs {
			k, err := exhaust.NewCulled(ctx, in, r.x.force)
			if err != nil {
				return mailboxes.CreateError(err)
			}
			r.culled = append(r.culled, k)
		}
	}
	if r.x.drop != "" && !r.x.dryRun {
		if r.drop, err = corpus.CreateMbox(ctx, r.x.drop, r.x.force, r.x.Paths()); err != nil {
			return mailboxes.CreateError(err)
		}
	}
	r.c, err = exhaust.Gather(ctx, r.db, r.src)
	r.bar.Clear()
	return err
}

// discard removes what was not finished.
func (r *session) discard() {
	for _, k := range r.culled {
		k.Discard()
	}
	if r.drop != nil {
		r.drop.Discard()
	}
}

// rounds trains, and returns what is missed in the end.
func (r *session) rounds(ctx context.Context, o exhaust.Options) (misses []exhaust.Miss, err error) {
	model, err := exhaust.Model(r.db, r.x.scope)
	if err != nil {
		return nil, err
	}
	log, err := openLog(r.x.logFile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.close()) }()
	compared, begin := exhaust.Compared{}, time.Now()
	last, err := exhaust.Run(ctx, model, r.c.Messages, o, func(round exhaust.Round) error {
		took := time.Since(begin).Seconds()
		r.answer.Rounds = append(r.answer.Rounds, roundAnswer{round.Messages, round.HamMisses, round.SpamMisses, took})
		line := fmt.Sprintf("round: %2d, msgs: %4d, ham misses: %3d, spam misses: %3d, %.1fs", round.N, round.Messages, round.HamMisses, round.SpamMisses, took)
		if err := log.round(line, r.c.Messages, compared); err != nil {
			return err
		}
		begin = time.Now()
		return r.say("%s\n", line)
	})
	if err != nil || last.Misses() == 0 {
		return nil, err
	}
	return exhaust.Misses(r.c.Messages, compared), nil
}

// say prints a line of the report as it comes.
func (r *session) say(format string, args ...any) error {
	if r.x.json || r.x.quiet {
		return nil
	}
	_, err := fmt.Fprintf(r.e.Stdout, format, args...)
	return cli.WriteError(err)
}

// write writes what came out: first all that may fail, then the ledger, then the new
// mailboxes into their places.
func (r *session) write(ctx context.Context, misses []exhaust.Miss) error {
	if r.x.dryRun {
		for _, m := range r.c.Messages {
			if m.Needed() {
				r.answer.Needed++
			} else {
				r.answer.Spare++
			}
		}
		return nil
	}
	for _, k := range r.culled {
		if err := k.Fill(ctx, r.c); err != nil {
			if errors.Is(err, exhaust.ErrMoved) {
				err = cli.WithCode(cli.ExitTempFail, err)
			}
			return err
		}
	}
	dropped, err := r.takeOut(ctx, misses)
	if err != nil {
		return err
	}
	saved, err := r.c.Save(ctx, r.db, r.by, func(m *exhaust.Message) bool { return dropped[m] })
	if err != nil {
		return err
	}
	r.answer.Saved = saved
	return r.commit()
}

// takeOut writes what is missed to the mailbox of --drop-misses. That is in its place
// before the ledger is written: nothing is lost.
func (r *session) takeOut(ctx context.Context, misses []exhaust.Miss) (map[*exhaust.Message]bool, error) {
	dropped := map[*exhaust.Message]bool{}
	if r.drop == nil {
		return dropped, nil
	}
	for _, m := range misses { // of what is kept by its features only, the label stays
		text, err := r.c.Text(ctx, r.db, m.Message)
		if err == nil && text != nil {
			dropped[m.Message], err = true, r.drop.Add(text)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.drop.Commit(); err != nil {
		return nil, mailboxes.CreateError(err)
	}
	return dropped, nil
}

// commit puts the new mailboxes into their places. The ledger has been written.
func (r *session) commit() error {
	for _, k := range r.culled {
		if err := k.Commit(); err != nil {
			return fmt.Errorf("%w (the ledger was written)", mailboxes.CreateError(err))
		}
		r.answer.Culled = append(r.answer.Culled, mailboxes.Written{Path: k.Path(), Messages: k.Kept})
		if err := r.say("writing new %s mbox...\n%5d of %5d\n", k.Input.Class, k.Kept, k.Total); err != nil {
			return err
		}
	}
	if r.drop == nil {
		return nil
	}
	return r.say("%s taken out of training and put into %s\n", cli.Plural(r.answer.Dropped, "message", "messages"), cli.Safe(r.x.drop))
}

func (r *session) report(misses []exhaust.Miss) error {
	a := &r.answer
	a.DryRun, a.Converged = r.x.dryRun, len(misses) == 0 || a.Dropped == len(misses)
	if r.x.json {
		a.Misses, a.Culled = []missAnswer{}, append([]mailboxes.Written{}, a.Culled...)
		for _, m := range misses {
			a.Misses = append(a.Misses, missAnswer{m.Message.Class.String(), m.Message.Last.P, m.Message.ID, m.Message.Digest.String(), m.Reason})
		}
		return cli.PrintJSON(r.e.Stdout, a)
	}
	words := "count"
	if a.DryRun {
		words = "would count"
	}
	line := fmt.Sprintf("%d of %s %s", a.Needed, cli.Plural(a.Needed+a.Spare, "message", "messages"), words)
	if a.Changed > 0 {
		line += fmt.Sprintf(", %d left as they are, since somebody decided about them meanwhile", a.Changed)
	}
	return r.say("%s\n", line)
}

// missesShown bounds how many misses are named.
const missesShown = 20

// verdict is nil when all messages are known.
func (r *session) verdict(misses []exhaust.Miss) error {
	if r.answer.Converged {
		return nil
	}
	var b strings.Builder
	for _, m := range misses[:min(missesShown, len(misses))] {
		b.WriteString(missLine(m) + "\n")
	}
	if more := len(misses) - missesShown; more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	if !r.x.json && !r.x.quiet {
		fmt.Fprint(r.e.Stderr, b.String())
	}
	err := fmt.Errorf("%s still missed after %s", cli.Plural(len(misses), "message is", "messages are"), cli.Plural(len(r.answer.Rounds), "round", "rounds"))
	if ham, spam := r.c.Classes(); min(ham, spam) < classify.MinLabels {
		return cli.Hint(cli.WithCode(exitMissed, err), "%d ham and %d spam are too few to know mail by: train at least %d of each", ham, spam, classify.MinLabels)
	}
	return cli.Hint(cli.WithCode(exitMissed, err), "such messages are often mislabelled: give them the other label (fanmill train), or take them out with --drop-misses FILE; --log FILE names all")
}

// exitMissed is the exit code of a run that does not converge.
const exitMissed = 1
