// Package cli is the frame of fanmill's command line: what a command is, its flags
// and help (command.go, help.go), what it has of the world outside (Env), how it
// ends (exit.go alone knows which exit code an error has), and what it prints for
// people and for scripts (terminal.go). It knows no command; the table of them is
// handed to Dispatch and Help.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Runner is a command's work. A new one is made for every run; flags registers
// its flags on fields of the runner, Run finds them set.
type Runner interface {
	Flags(fs *flag.FlagSet)
	Run(ctx context.Context, e *Env) error
}

// ownCodes is a runner that has exit codes of its own, also for a command line
// that is wrong.
type ownCodes interface{ WrongUsage(err error) error }

// Command is an entry of the command table.
type Command struct {
	Name     string // words, such as "held list"
	Args     string // for the usage line
	Short    string // one line, no full stop
	Long     string // paragraphs, an empty line between; [COMMAND] lines indented
	Examples []Example
	Min, Max int  // arguments beside flags; max -1: any number
	Batch    bool // works for long: gives way to scoring
	New      func() Runner
}

// Example is a command line, and what it is good for.
type Example [2]string

// NoFlags is embedded by runners without flags of their own.
type NoFlags struct{}

// Flags is Runner.
func (NoFlags) Flags(*flag.FlagSet) {}

// Dispatch finds the command in the table, reads its flags and runs it.
func Dispatch(ctx context.Context, table []Command, args []string, e *Env) error {
	rest, err := globalFlags(args, e)
	if errors.Is(err, flag.ErrHelp) || err == nil && len(rest) == 0 && len(args) > 0 && args[0] == "--" {
		return Help(e.Stdout, table, nil)
	}
	if err != nil {
		return Hint(err, "`fanmill help` lists the commands")
	}
	if len(rest) == 0 {
		_ = Help(e.Stderr, table, nil)
		return WithCode(ExitUsage, nil)
	}
	if sub := under(table, rest[0]); len(sub) > 0 {
		words, err := globalFlags(rest[1:], e) // fanmill held --data DIR list
		switch {
		case errors.Is(err, flag.ErrHelp):
			return group(e.Stdout, table, rest[0])
		case err == nil:
			rest = append(rest[:1:1], words...)
		case named(table, rest[0]) < 0: // else they may be flags of the group's own command
			return Hint(fmt.Errorf("%s: %w", rest[0], err), "`fanmill help %s` shows the usage", rest[0])
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
	fs.StringVar(&c.Data, "data", c.Data, "data `DIR`ectory (else FANMILL_DATA, else /var/lib/fanmill)")
	fs.StringVar(&c.Config, "config", c.Config, "configuration `FILE` (else /etc/fanmill/fanmill.toml if that is there)")
}

func newFlagSet(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// find looks up the command whose words begin args, the longest name first.
func find(table []Command, args []string) (Command, []string, error) {
	for n := min(2, len(args)); n > 0; n-- {
		if i := named(table, strings.Join(args[:n], " ")); i >= 0 {
			return table[i], args[n:], nil
		}
	}
	if sub := under(table, args[0]); len(sub) > 0 {
		return Command{}, nil, unknownSub(sub, args)
	}
	return Command{}, nil, Hint(UsageErrorf("unknown command %q", args[0]), "`fanmill help` lists the commands")
}

func named(table []Command, name string) int {
	return slices.IndexFunc(table, func(c Command) bool { return c.Name == name })
}

// under returns the commands whose first of two words is group.
func under(table []Command, group string) []Command {
	var out []Command
	for _, c := range table {
		if strings.HasPrefix(c.Name, group+" ") {
			out = append(out, c)
		}
	}
	return out
}

func unknownSub(sub []Command, args []string) error {
	var words []string
	for _, c := range sub {
		words = append(words, strings.Fields(c.Name)[1])
	}
	err := UsageErrorf("%s: say what to do", args[0])
	if len(args) > 1 {
		err = UsageErrorf("%s: unknown command %q", args[0], args[1])
	}
	return Hint(err, "want %s %s", args[0], strings.Join(words, "|"))
}

// run reads the flags, which may stand before, among and after the arguments,
// and runs the command.
func (c Command) run(ctx context.Context, args []string, e *Env) error {
	fs := newFlagSet(c.Name)
	e.register(fs)
	r := c.New()
	r.Flags(fs)
	var err error
	if e.Args, err = parseMixed(fs, args); errors.Is(err, flag.ErrHelp) {
		return c.help(e.Stdout)
	}
	if err == nil {
		err = c.count(len(e.Args))
	}
	if err == nil {
		if c.Batch && e.GiveWay != nil {
			e.GiveWay()
		}
		if err = r.Run(ctx, e); CodeOf(err) != ExitUsage {
			return err
		}
	}
	err = fmt.Errorf("%s: %w", c.Name, err)
	if len(Hints(err)) == 0 {
		err = Hint(err, "`fanmill help %s` shows the usage", c.Name)
	}
	if own, ok := r.(ownCodes); ok {
		return own.WrongUsage(err)
	}
	return err
}

// count checks the number of arguments.
func (c Command) count(n int) error {
	switch {
	case n < c.Min:
		return UsageErrorf("too few arguments, want %s", c.Args)
	case c.Max >= 0 && n > c.Max:
		return UsageErrorf("too many arguments")
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
		return UsageErrorf("unknown flag --%s", name)
	}
	if name, ok := strings.CutPrefix(s, "flag needs an argument: -"); ok {
		return UsageErrorf("flag --%s needs a value", name)
	}
	return UsageErrorf("%s", strings.Replace(s, " for flag -", " for flag --", 1))
}
