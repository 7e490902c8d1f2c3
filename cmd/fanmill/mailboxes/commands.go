// Package mailboxes has the commands that look at mailboxes and write new ones without
// what is the same, old, large or too much: corpus stats, dups and trim. They read mail,
// and know neither ledger nor daemon.
package mailboxes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"

	"fanmill/cmd/fanmill/cli"
	"fanmill/config"
	"fanmill/store"
	"fanmill/training/corpus"
	"fanmill/training/cull"
)

// mailboxFlags are common to the corpus commands.
type mailboxFlags struct {
	near        nearValue
	json, quiet bool
}

// Flags adds them to those of a command.
func (m *mailboxFlags) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&m.json, "json", false, "print JSON")
	fs.BoolVar(&m.quiet, "quiet", false, "draw no progress, print no summary")
}

func (m *mailboxFlags) nearFlag(fs *flag.FlagSet) {
	m.near = cull.DefaultNear
	fs.Var(&m.near, "near", "likeness `X`, 0.8 to 1, from which messages are nearly the same")
}

// nearValue is the flag --near.
type nearValue float64

// String is flag.Value.
func (v *nearValue) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }

// Set is flag.Value.
func (v *nearValue) Set(s string) error {
	x, err := cli.ParseShare(s)
	if err != nil || x < cull.LeastNear || x > 1 {
		return fmt.Errorf("want a likeness from %g to 1", cull.LeastNear)
	}
	*v = nearValue(x)
	return nil
}

// LabelledFlags name mailboxes whose messages have a class.
type LabelledFlags struct{ Ham, Spam cli.Repeated }

// Flags adds them to those of a command.
func (l *LabelledFlags) Flags(fs *flag.FlagSet) {
	fs.Var(&l.Ham, "ham", "`PATH` holds ham; may be given several times")
	fs.Var(&l.Spam, "spam", "`PATH` holds spam; may be given several times")
}

// Paths are all that were named, those of ham first.
func (l *LabelledFlags) Paths() []string { return slices.Concat(l.Ham, l.Spam) }

// inputs returns the mailboxes that are meant, either with classes or without.
func (l *LabelledFlags) inputs(args []string) ([]cull.Input, error) {
	labelled := append(inputsOf(l.Ham, store.Ham), inputsOf(l.Spam, store.Spam)...)
	switch {
	case len(labelled) > 0 && len(args) > 0:
		return nil, cli.Hint(cli.UsageErrorf("nobody says whether %s is ham or spam", args[0]),
			"say --ham or --spam before each path: --ham a.mbox --ham b.mbox --spam c.mbox")
	case len(labelled)+len(args) == 0:
		return nil, cli.UsageErrorf("too few arguments, want a PATH")
	}
	return append(labelled, inputsOf(args, store.None)...), nil
}

// inputsOf makes inputs of paths that all have one class, or none.
func inputsOf(paths []string, class store.Class) (list []cull.Input) {
	for _, p := range paths {
		list = append(list, cull.Input{Path: p, Class: class})
	}
	return list
}

func pathsOf(inputs []cull.Input) (paths []string) {
	for _, in := range inputs {
		paths = append(paths, in.Path)
	}
	return paths
}

// look reads the mailboxes and passes the survey on. What could not be read is
// named at once and, with the count, at the end.
func (m *mailboxFlags) look(ctx context.Context, e *cli.Env, inputs []cull.Input, do func(*cull.Survey, cull.Options) error) error {
	bar := cli.NewMeter(e, m.quiet, "reading")
	bad := cli.NewProblems(e, bar)
	o := cull.Options{Near: float64(m.near), Corpus: corpus.Options{Stdin: e.Stdin, Problem: bad.Add}}
	if bar != nil {
		total, known, err := corpus.Total(ctx, pathsOf(inputs))
		if err != nil {
			return err
		}
		if !known {
			total = 0
		}
		o.Progress = func(n int, done int64) { bar.Show(n, done, total) }
	}
	s, err := cull.Look(ctx, inputs, o)
	if err == nil && (len(s.Entries) > 0 || bad.Count() == 0) {
		bar.Clear()
		err = do(s, o)
	}
	bar.Clear()
	if err != nil {
		return err
	}
	return bad.Err(len(s.Entries), "read")
}

// Stats says what mailboxes hold.
type Stats struct {
	mailboxFlags
	LabelledFlags
}

// Flags is cli.Runner.
func (c *Stats) Flags(fs *flag.FlagSet) {
	c.mailboxFlags.Flags(fs)
	c.nearFlag(fs)
	c.LabelledFlags.Flags(fs)
}

// Run reads the mailboxes and prints what is in them.
func (c *Stats) Run(ctx context.Context, e *cli.Env) error {
	inputs, err := c.inputs(e.Args)
	if err != nil {
		return err
	}
	return c.look(ctx, e, inputs, func(s *cull.Survey, _ cull.Options) error {
		return c.print(e, reportMail(s))
	})
}

// print writes a report as JSON or as text.
func (m *mailboxFlags) print(e *cli.Env, r interface{ text() string }) error {
	switch {
	case m.json:
		return cli.PrintJSON(e.Stdout, r)
	case m.quiet:
		return nil
	}
	return e.Print(r.text())
}

// Dups lists messages that are nearly the same.
type Dups struct {
	mailboxFlags
	out   string
	force bool
}

// Flags is cli.Runner.
func (c *Dups) Flags(fs *flag.FlagSet) {
	c.mailboxFlags.Flags(fs)
	c.nearFlag(fs)
	fs.StringVar(&c.out, "out", "", "write one message of each kind to the new mailbox `FILE`")
	fs.BoolVar(&c.force, "force", false, "replace FILE if it is there")
}

// Run lists the groups and writes a mailbox without the duplicates.
func (c *Dups) Run(ctx context.Context, e *cli.Env) error {
	inputs := inputsOf(e.Args, store.None)
	boxes, err := create(ctx, inputs, c.force, target{store.None, c.out})
	if err != nil {
		return err
	}
	defer boxes.discard()
	return c.look(ctx, e, inputs, func(s *cull.Survey, o cull.Options) error {
		written, err := boxes.write(ctx, s, s.Firsts(), o)
		if err != nil {
			return err
		}
		return c.print(e, reportDups(s, written))
	})
}

// Trim leaves out what is old, large or too much.
type Trim struct {
	mailboxFlags
	LabelledFlags
	since                cli.Moment
	largest              sizeValue
	newest, balance      int
	out, hamOut, spamOut string
	force                bool
}

// Flags is cli.Runner.
func (c *Trim) Flags(fs *flag.FlagSet) {
	c.mailboxFlags.Flags(fs)
	c.LabelledFlags.Flags(fs)
	fs.Var(&c.since, "since", "leave out what came before `TIME`, a day such as 2026-01-31 or a time span such as 90d")
	fs.Var(&c.largest, "max-size", "leave out messages larger than `SIZE`, such as 500kB")
	fs.IntVar(&c.newest, "newest", 0, "of each class the `N` newest only")
	fs.IntVar(&c.balance, "balance", 0, "of one class at most `N` for each message of the other, the newest")
	fs.StringVar(&c.out, "out", "", "the new mailbox `FILE`")
	fs.StringVar(&c.hamOut, "ham-out", "", "with --ham: the new mailbox `FILE` for ham")
	fs.StringVar(&c.spamOut, "spam-out", "", "with --spam: the new mailbox `FILE` for spam")
	fs.BoolVar(&c.force, "force", false, "replace a FILE that is there")
}

// Run writes what is within the limits.
func (c *Trim) Run(ctx context.Context, e *cli.Env) error {
	inputs, err := c.inputs(e.Args)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return err
	}
	boxes, err := create(ctx, inputs, c.force, target{store.None, c.out}, target{store.Ham, c.hamOut}, target{store.Spam, c.spamOut})
	if err != nil {
		return err
	}
	defer boxes.discard()
	return c.look(ctx, e, inputs, func(s *cull.Survey, o cull.Options) error {
		choice, left, err := s.Within(cull.Limits{Since: c.after(), Largest: int64(c.largest), Newest: c.newest, Balance: c.balance})
		if errors.Is(err, cull.ErrOneClass) {
			return cli.WithCode(cli.ExitData, err)
		}
		if err != nil {
			return err
		}
		written, err := boxes.write(ctx, s, choice, o)
		if err != nil {
			return err
		}
		return c.print(e, trimReport{len(s.Entries), left, written})
	})
}

// check looks at the limits, and that each class has a mailbox to go to.
func (c *Trim) check() error {
	labelled := len(c.Ham)+len(c.Spam) > 0
	switch {
	case c.newest < 0 || c.balance < 0:
		return cli.UsageErrorf("--newest and --balance want a number from 1 on")
	case c.after() == 0 && c.largest == 0 && c.newest == 0 && c.balance == 0:
		return cli.UsageErrorf("say what to leave out: --since, --max-size, --newest or --balance")
	case c.balance > 0 && (len(c.Ham) == 0 || len(c.Spam) == 0):
		return cli.UsageErrorf("--balance wants --ham and --spam")
	case !labelled && (c.hamOut != "" || c.spamOut != ""):
		return cli.UsageErrorf("--ham-out and --spam-out want --ham and --spam")
	case labelled && c.out != "":
		return cli.UsageErrorf("--out would mix the classes: say --ham-out and --spam-out")
	case !labelled && c.out == "", len(c.Ham) > 0 && c.hamOut == "", len(c.Spam) > 0 && c.spamOut == "":
		return cli.UsageErrorf("say where to write to: --out, or --ham-out and --spam-out")
	}
	return nil
}

// after is the moment of --since in seconds, 0 for none.
func (c *Trim) after() int64 {
	if c.since.IsZero() {
		return 0
	}
	return max(0, c.since.Unix())
}

// sizeValue is a size as the configuration has them.
type sizeValue config.Size

// String is flag.Value; the zero value is no limit.
func (v *sizeValue) String() string {
	if *v == 0 {
		return ""
	}
	return config.Size(*v).String()
}

// Set is flag.Value.
func (v *sizeValue) Set(s string) error {
	n, err := config.ParseSize(s)
	*v = sizeValue(n)
	return err
}
