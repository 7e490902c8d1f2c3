package cli

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// Option is a flag as help and manual show it.
type Option struct{ Name, Value, Text string }

// options returns the flags that register adds, in the order of their names.
func options(register func(*flag.FlagSet)) []Option {
	fs := newFlagSet("")
	register(fs)
	var out []Option
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if d := f.DefValue; d != "" && d != "false" && d != "0" && value != "" {
			text += fmt.Sprintf(" (default %s)", d)
		}
		dash := "--"
		if len(f.Name) == 1 {
			dash = "-"
		}
		out = append(out, Option{dash + f.Name, value, text})
	})
	return out
}

// CommonOptions are the flags that every command has.
func CommonOptions() []Option { return options(new(common).register) }

// Options are the flags of the command alone.
func (c Command) Options() []Option { return options(c.New().Flags) }

// Usage is the command's one-line form.
func (c Command) Usage() string {
	s := "fanmill " + c.Name
	if len(c.Options()) > 0 {
		s += " [flags]"
	}
	if c.Args != "" {
		s += " " + c.Args
	}
	return s
}

// Help prints one command's help, or the table's for no words at all.
func Help(w io.Writer, table []Command, words []string) error {
	if len(words) == 0 {
		return overview(w, table)
	}
	if len(words) == 1 {
		if sub := under(table, words[0]); len(sub) > 0 {
			return group(w, table, words[0])
		}
	}
	c, rest, err := find(table, words)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return Hint(UsageErrorf("%s has no part %q", c.Name, rest[0]), "`fanmill help` lists the commands")
	}
	return c.help(w)
}

func overview(w io.Writer, table []Command) error {
	var b strings.Builder
	b.WriteString("fanmill is a spam filter for Postfix and Sendmail that learns from your own mail.\n\n")
	b.WriteString("usage: fanmill COMMAND [flags] [arguments]\n\n")
	for _, c := range table {
		fmt.Fprintf(&b, "  %-14s %s\n", c.Name, c.Short)
	}
	b.WriteString("\nevery command has these flags:\n\n")
	writeOptions(&b, CommonOptions())
	b.WriteString("\n`fanmill help COMMAND` tells more.\n")
	_, err := io.WriteString(w, b.String())
	return WriteError(err)
}

// group prints the help of all commands that begin with a word.
func group(w io.Writer, table []Command, word string) error {
	sub := under(table, word)
	if i := named(table, word); i >= 0 {
		sub = append([]Command{table[i]}, sub...)
	}
	for i, c := range sub {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return WriteError(err)
			}
		}
		if err := c.help(w); err != nil {
			return err
		}
	}
	return nil
}

// help prints the command's own help.
func (c Command) help(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n\n%s.\n", c.Usage(), UpperFirst(c.Short))
	if c.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", c.Long)
	}
	if opts := c.Options(); len(opts) > 0 {
		b.WriteString("\nflags:\n\n")
		writeOptions(&b, opts)
	}
	if len(c.Examples) > 0 {
		b.WriteString("\nexamples:\n\n")
		for _, ex := range c.Examples {
			fmt.Fprintf(&b, "  %s\n      %s\n", ex[0], ex[1])
		}
	}
	b.WriteString("\n--data DIR and --config FILE are common to all commands; see `fanmill help`.\n")
	_, err := io.WriteString(w, b.String())
	return WriteError(err)
}

func writeOptions(b *strings.Builder, opts []Option) {
	for _, o := range opts {
		fmt.Fprintf(b, "  %-18s %s\n", strings.TrimSpace(o.Name+" "+o.Value), o.Text)
	}
}

// UpperFirst begins an ASCII text with a capital letter.
func UpperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
