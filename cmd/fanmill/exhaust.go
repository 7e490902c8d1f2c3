package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/cmd/fanmill/settings"
	"fanmill/store"
	"fanmill/training/corpus"
	"fanmill/training/cull"
	"fanmill/training/exhaust"
)

// exhaustCmd trains to exhaustion.
type exhaustCmd struct {
	trainFlags
	labelledFlags
	rounds                      int
	margin                      float64
	ratio                       ratioValue
	only, culled, force, dryRun bool
	logFile, drop               string
}

func (x *exhaustCmd) Flags(fs *flag.FlagSet) {
	x.trainFlags.Flags(fs)
	x.labelledFlags.Flags(fs)
	fs.IntVar(&x.rounds, "rounds", exhaust.DefaultRounds, "go over the messages `N` times at most")
	fs.Float64Var(&x.margin, "margin", exhaust.DefaultMargin, "a message counts unless the counts put it on its side by log-odds of `M`")
	fs.Var(&x.ratio, "ratio", "train groups of so many `HAM:SPAM` in turn (default: in proportion)")
	fs.BoolVar(&x.only, "only", false, "train what --ham and --spam name only; other labels of the scope count no more")
	fs.BoolVar(&x.culled, "cull", false, "write PATH.cull for each PATH: an mbox of its messages that are needed")
	fs.BoolVar(&x.force, "force", false, "replace what --cull or --drop-misses find in their place")
	fs.StringVar(&x.logFile, "log", "", "append to `FILE` what each round missed, and why")
	fs.StringVar(&x.drop, "drop-misses", "", "take what is missed in the end out of training, and put it into mbox `FILE` in the form the ledger keeps")
	fs.BoolVar(&x.dryRun, "dry-run", false, "only say what would come out; write nothing but the log")
}

// ratioValue is the flag --ratio.
type ratioValue struct{ ham, spam int }

// String is flag.Value.
func (v *ratioValue) String() string {
	if v.ham == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d", v.ham, v.spam)
}

// Set is flag.Value.
func (v *ratioValue) Set(s string) error {
	var rest string
	if n, _ := fmt.Sscanf(s+" .", "%d:%d %s", &v.ham, &v.spam, &rest); n != 3 || rest != "." || min(v.ham, v.spam) < 1 || max(v.ham, v.spam) > 1000 {
		return errors.New("want HAM:SPAM, numbers from 1 to 1000 such as 2:1")
	}
	return nil
}

// check finds what cannot be meant.
func (x *exhaustCmd) check() error {
	var inputs []cull.Input
	for _, p := range append(append([]string{}, x.ham...), x.spam...) {
		inputs = append(inputs, cull.Input{Path: p})
	}
	switch {
	case x.rounds < 1:
		return cli.UsageErrorf("--rounds must be 1 or more")
	case !(x.margin > 0 && x.margin <= 1000):
		return cli.UsageErrorf("--margin must be more than 0 and at most 1000")
	case x.only && len(inputs) == 0:
		return cli.UsageErrorf("--only leaves the ledger out: say --ham PATH and --spam PATH too")
	case x.culled && len(inputs) == 0:
		return cli.UsageErrorf("--cull writes PATH.cull: say --ham PATH and --spam PATH too")
	}
	if twice := namedTwice(append(append([]string{}, x.ham...), x.spam...)); x.culled && twice != "" {
		return cli.UsageErrorf("%s is named twice", twice)
	}
	if x.logFile != "" && namedTwice(append(append([]string{x.logFile}, x.ham...), x.spam...)) == x.logFile {
		return cli.UsageErrorf("--log %s is one of the mailboxes", x.logFile)
	}
	if x.culled {
		if err := cull.Rereadable(inputs); err != nil {
			return cli.UsageErrorf("%w", err)
		}
	}
	return nil
}

// namedTwice returns the first path that leads to the same file as another one.
func namedTwice(paths []string) string {
	for i, a := range paths {
		one, err := os.Stat(a)
		for _, b := range paths[i+1:] {
			if other, otherErr := os.Stat(b); err == nil && otherErr == nil && os.SameFile(one, other) {
				return a
			}
		}
	}
	return ""
}

// open opens the ledger. Only mailboxes to train are a reason to make one: who names
// none, or writes nothing, has named the wrong directory.
func (x *exhaustCmd) open(ctx context.Context, e *cli.Env) (*store.DB, func(*error), error) {
	if len(x.ham)+len(x.spam) > 0 && !x.dryRun {
		dir, err := e.DataDir()
		if err != nil {
			return nil, nil, err
		}
		return datadir.OpenLedger(ctx, e, dir, false)
	}
	dir, err := e.ExistingData()
	if err != nil {
		return nil, nil, err
	}
	return datadir.OpenExisting(ctx, e, dir, x.dryRun)
}

// Run trains to exhaustion.
func (x *exhaustCmd) Run(ctx context.Context, e *cli.Env) (err error) {
	if err := x.check(); err != nil {
		return err
	}
	set, err := settings.Of(e)
	if err != nil {
		return err
	}
	if x.scope, err = set.Scope(x.scope); err != nil {
		return err
	}
	db, done, err := x.open(ctx, e)
	if err != nil {
		return err
	}
	defer done(&err)
	to := set.Trainer(x.scope, store.Origin{Actor: e.User(), Source: store.Exhaust}, e.Logger())
	bar := cli.NewMeter(e, x.quiet, "reading")
	run := &exhaustion{x: x, e: e, db: db, bar: bar, by: to.Origin, bad: cli.NewProblems(e, bar)}
	run.src = exhaust.Sources{
		Scope: x.scope, Only: x.only, Classify: to.Classify, FeaturesOnly: to.FeaturesOnly,
		Corpus: corpus.Options{Stdin: e.Stdin, Problem: run.bad.Add}, Progress: func(n int) { bar.Show(n, 0, 0) },
	}
	defer run.discard()
	return run.all(ctx, exhaust.Options{Rounds: x.rounds, Margin: x.margin, Ham: x.ratio.ham, Spam: x.ratio.spam, Cutoffs: set.Policy.Cutoffs})
}

// exhaustion is a run of the command.
type exhaustion struct {
	x      *exhaustCmd
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
	Misses []missAnswer `json:"misses"`
	Culled []written    `json:"culled"`
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

func (r *exhaustion) all(ctx context.Context, o exhaust.Options) error {
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
func (r *exhaustion) begin(ctx context.Context) (err error) {
	for _, p := range r.x.ham {
		r.src.Inputs = append(r.src.Inputs, &exhaust.Input{Path: p, Class: store.Ham})
	}
	for _, p := range r.x.spam {
		r.src.Inputs = append(r.src.Inputs, &exhaust.Input{Path: p, Class: store.Spam})
	}
	if r.x.culled && !r.x.dryRun {
		for _, in := range r.src.Inputs {
			k, err := exhaust.NewCulled(ctx, in, r.x.force)
			if err != nil {
				return createError(err)
			}
			r.culled = append(r.culled, k)
		}
	}
	if r.x.drop != "" && !r.x.dryRun {
		if r.drop, err = corpus.CreateMbox(ctx, r.x.drop, r.x.force, append(append([]string{}, r.x.ham...), r.x.spam...)); err != nil {
			return createError(err)
		}
	}
	r.c, err = exhaust.Gather(ctx, r.db, r.src)
	r.bar.Clear()
	return err
}

// discard removes what was not finished.
func (r *exhaustion) discard() {
	for _, k := range r.culled {
		k.Discard()
	}
	if r.drop != nil {
		r.drop.Discard()
	}
}

// rounds trains, and returns what is missed in the end.
func (r *exhaustion) rounds(ctx context.Context, o exhaust.Options) (misses []exhaust.Miss, err error) {
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
func (r *exhaustion) say(format string, args ...any) error {
	if r.x.json || r.x.quiet {
		return nil
	}
	_, err := fmt.Fprintf(r.e.Stdout, format, args...)
	return cli.WriteError(err)
}

// write writes what came out: first all that may fail, then the ledger, then the new
// mailboxes into their places.
func (r *exhaustion) write(ctx context.Context, misses []exhaust.Miss) error {
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
	dropped := map[*exhaust.Message]bool{}
	for _, k := range r.culled {
		if err := k.Fill(ctx, r.c); err != nil {
			if errors.Is(err, exhaust.ErrMoved) {
				err = cli.WithCode(cli.ExitTempFail, err)
			}
			return err
		}
	}
	if r.drop != nil {
		for _, m := range misses { // of what is kept by its features only, the label stays
			text, err := r.c.Text(ctx, r.db, m.Message)
			if err == nil && text != nil {
				dropped[m.Message], err = true, r.drop.Add(text)
			}
			if err != nil {
				return err
			}
		}
		if err := r.drop.Commit(); err != nil { // before the ledger: nothing is lost
			return createError(err)
		}
	}
	saved, err := r.c.Save(ctx, r.db, r.by, func(m *exhaust.Message) bool { return dropped[m] })
	if err != nil {
		return err
	}
	r.answer.Saved = saved
	return r.commit()
}

// commit puts the new mailboxes into their places. The ledger has been written.
func (r *exhaustion) commit() error {
	for _, k := range r.culled {
		if err := k.Commit(); err != nil {
			return fmt.Errorf("%w (the ledger was written)", createError(err))
		}
		r.answer.Culled = append(r.answer.Culled, written{k.Path(), k.Kept})
		if err := r.say("writing new %s mbox...\n%5d of %5d\n", k.Input.Class, k.Kept, k.Total); err != nil {
			return err
		}
	}
	if r.drop == nil {
		return nil
	}
	return r.say("%s taken out of training and put into %s\n", cli.Plural(r.answer.Dropped, "message", "messages"), cli.Safe(r.x.drop))
}

func (r *exhaustion) report(misses []exhaust.Miss) error {
	a := &r.answer
	a.DryRun, a.Converged = r.x.dryRun, len(misses) == 0 || a.Dropped == len(misses)
	if r.x.json {
		a.Misses, a.Culled = []missAnswer{}, append([]written{}, a.Culled...)
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
func (r *exhaustion) verdict(misses []exhaust.Miss) error {
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

func missLine(m exhaust.Miss) string {
	return fmt.Sprintf("%-4s  %.4f  %s  %s", m.Message.Class, m.Message.Last.P, cli.Fit(m.Message.Name(), 70), cli.Fit(m.Reason, 120))
}

// exhaustLog is the file of --log; nil does nothing.
type exhaustLog struct{ f *os.File }

func openLog(path string) (*exhaustLog, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, cli.WithCode(cli.ExitCantCreate, fmt.Errorf("open log: %w", err))
	}
	return &exhaustLog{f}, nil
}

// round writes what a round has missed.
func (l *exhaustLog) round(line string, list []*exhaust.Message, compared exhaust.Compared) error {
	if l == nil {
		return nil
	}
	b := []byte(time.Now().Format(time.DateTime) + " " + line + "\n")
	for _, m := range exhaust.Misses(list, compared) {
		b = append(b, missLine(m)+"\n"...)
	}
	if _, err := l.f.Write(b); err != nil {
		return cli.WithCode(cli.ExitIO, fmt.Errorf("write log: %w", err))
	}
	return nil
}

func (l *exhaustLog) close() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}
