package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"fanmill/control"
)

// runner is a command's work. A new one is made for every run; flags registers
// its flags on fields of the runner, Run finds them set.
type runner interface {
	flags(fs *flag.FlagSet)
	Run(ctx context.Context, e *Env) error
}

// ownCodes is a runner that has exit codes of its own, also for a command line
// that is wrong.
type ownCodes interface{ wrongUsage(err error) error }

// command is an entry of the command table.
type command struct {
	name     string // words, such as "held list"
	args     string // for the usage line
	short    string // one line, no full stop
	long     string // paragraphs, an empty line between; [COMMAND] lines indented
	examples []example
	min, max int  // arguments beside flags; max -1: any number
	batch    bool // works for long: gives way to scoring
	new      func() runner
}

type example struct{ line, what string }

// noFlags is embedded by runners without flags of their own.
type noFlags struct{}

func (noFlags) flags(*flag.FlagSet) {}

// dispatch finds the command, reads its flags and runs it.
func dispatch(ctx context.Context, args []string, e *Env) error {
	table := commands()
	rest, err := globalFlags(args, e)
	if errors.Is(err, flag.ErrHelp) || err == nil && len(rest) == 0 && len(args) > 0 && args[0] == "--" {
		return help(e.Stdout, table, nil)
	}
	if err != nil {
		return hint(err, "`fanmill help` lists the commands")
	}
	if len(rest) == 0 {
		_ = help(e.Stderr, table, nil)
		return exit(exitUsage, nil)
	}
	if sub := under(table, rest[0]); len(sub) > 0 {
		words, err := globalFlags(rest[1:], e) // fanmill held --data DIR list
		switch {
		case errors.Is(err, flag.ErrHelp):
			return group(e.Stdout, table, rest[0])
		case err == nil:
			rest = append(rest[:1:1], words...)
		case named(table, rest[0]) < 0: // else they may be flags of the group's own command
			return hint(fmt.Errorf("%s: %w", rest[0], err), "`fanmill help %s` shows the usage", rest[0])
		}
	}
	cmd, rest, err := find(table, rest)
	if err != nil {
		return err
	}
	return cmd.run(ctx, rest, e)
}

// globalFlags reads the flags before the command's name.
func globalFlags(args []string, e *Env) ([]string, error) {
	fs := newFlagSet("fanmill")
	e.register(fs)
	version := fs.Bool("version", false, "")
	if err := fs.Parse(args); err != nil {
		return nil, flagError(err)
	}
	if *version {
		return []string{"version"}, nil
	}
	return fs.Args(), nil
}

// register adds the flags that every command has; given before the command's
// name they are the defaults of those after it.
func (c *common) register(fs *flag.FlagSet) {
	fs.StringVar(&c.data, "data", c.data, "data `DIR`ectory (else FANMILL_DATA, else /var/lib/fanmill)")
	fs.StringVar(&c.config, "config", c.config, "configuration `FILE` (else /etc/fanmill/fanmill.toml if that is there)")
}

func newFlagSet(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// find looks up the command whose words begin args, the longest name first.
func find(table []command, args []string) (command, []string, error) {
	for n := min(2, len(args)); n > 0; n-- {
		if i := named(table, strings.Join(args[:n], " ")); i >= 0 {
			return table[i], args[n:], nil
		}
	}
	if sub := under(table, args[0]); len(sub) > 0 {
		return command{}, nil, unknownSub(sub, args)
	}
	return command{}, nil, hint(usageErrorf("unknown command %q", args[0]), "`fanmill help` lists the commands")
}

func named(table []command, name string) int {
	return slices.IndexFunc(table, func(c command) bool { return c.name == name })
}

// under returns the commands whose first of two words is group.
func under(table []command, group string) []command {
	var out []command
	for _, c := range table {
		if strings.HasPrefix(c.name, group+" ") {
			out = append(out, c)
		}
	}
	return out
}

func unknownSub(sub []command, args []string) error {
	var words []string
	for _, c := range sub {
		words = append(words, strings.Fields(c.name)[1])
	}
	err := usageErrorf("%s: say what to do", args[0])
	if len(args) > 1 {
		err = usageErrorf("%s: unknown command %q", args[0], args[1])
	}
	return hint(err, "want %s %s", args[0], strings.Join(words, "|"))
}

// run reads the flags, which may stand before, among and after the arguments,
// and runs the command.
func (c command) run(ctx context.Context, args []string, e *Env) error {
	fs := newFlagSet(c.name)
	e.register(fs)
	r := c.new()
	r.flags(fs)
	var err error
	if e.Args, err = parseMixed(fs, args); errors.Is(err, flag.ErrHelp) {
		return c.help(e.Stdout)
	}
	if err == nil {
		err = c.count(len(e.Args))
	}
	if err == nil {
		if c.batch && e.GiveWay != nil {
			e.GiveWay()
		}
		if err = r.Run(ctx, e); exitCode(err) != exitUsage {
			return err
		}
	}
	err = fmt.Errorf("%s: %w", c.name, err)
	if len(hints(err)) == 0 {
		err = hint(err, "`fanmill help %s` shows the usage", c.name)
	}
	if own, ok := r.(ownCodes); ok {
		return own.wrongUsage(err)
	}
	return err
}

// count checks the number of arguments.
func (c command) count(n int) error {
	switch {
	case n < c.min:
		return usageErrorf("too few arguments, want %s", c.args)
	case c.max >= 0 && n > c.max:
		return usageErrorf("too many arguments")
	}
	return nil
}

// parseMixed is fs.Parse for flags that may follow arguments. "--" ends the
// flags.
func parseMixed(fs *flag.FlagSet, args []string) ([]string, error) {
	var out []string
	for {
		if err := fs.Parse(args); err != nil {
			return nil, flagError(err)
		}
		rest := fs.Args()
		if read := len(args) - len(rest); len(rest) == 0 || read > 0 && args[read-1] == "--" {
			return append(out, rest...), nil
		}
		out = append(out, rest[0])
		args = rest[1:]
	}
}

// flagError words what package flag says as the rest of fanmill does.
func flagError(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	s := err.Error()
	if name, ok := strings.CutPrefix(s, "flag provided but not defined: -"); ok {
		return usageErrorf("unknown flag --%s", name)
	}
	if name, ok := strings.CutPrefix(s, "flag needs an argument: -"); ok {
		return usageErrorf("flag --%s needs a value", name)
	}
	return usageErrorf("%s", strings.Replace(s, " for flag -", " for flag --", 1))
}

// scopeValue is the flag --scope; it takes only what can be a scope's name.
type scopeValue struct{ name *string }

// String is flag.Value; the zero value is the site.
func (v scopeValue) String() string {
	if v.name == nil {
		return ""
	}
	return *v.name
}

// Set is flag.Value.
func (v scopeValue) Set(s string) error {
	if err := control.CheckScope(s); err != nil {
		return err
	}
	*v.name = s
	return nil
}
