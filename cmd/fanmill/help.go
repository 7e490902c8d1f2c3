package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
)

// option is a flag as help and manual show it.
type option struct{ name, value, text string }

// options returns the flags that register adds, in the order of their names.
func options(register func(*flag.FlagSet)) []option {
	fs := newFlagSet("")
	register(fs)
	var out []option
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if d := f.DefValue; d != "" && d != "false" && d != "0" && value != "" {
			text += fmt.Sprintf(" (default %s)", d)
		}
		dash := "--"
		if len(f.Name) == 1 {
			dash = "-"
		}
		out = append(out, option{dash + f.Name, value, text})
	})
	return out
}

func commonOptions() []option { return options(new(common).register) }

func (c command) options() []option { return options(c.new().flags) }

// usage is the command's one-line form.
func (c command) usage() string {
	s := "fanmill " + c.name
	if len(c.options()) > 0 {
		s += " [flags]"
	}
	if c.args != "" {
		s += " " + c.args
	}
	return s
}

// help prints one command's help, or the table's for no words at all.
func help(w io.Writer, table []command, words []string) error {
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
		return hint(usageErrorf("%s has no part %q", c.name, rest[0]), "`fanmill help` lists the commands")
	}
	return c.help(w)
}

func overview(w io.Writer, table []command) error {
	var b strings.Builder
	b.WriteString("fanmill is a spam filter for Postfix and Sendmail that learns from your own mail.\n\n")
	b.WriteString("usage: fanmill COMMAND [flags] [arguments]\n\n")
	for _, c := range table {
		fmt.Fprintf(&b, "  %-14s %s\n", c.name, c.short)
	}
	b.WriteString("\nevery command has these flags:\n\n")
	writeOptions(&b, commonOptions())
	b.WriteString("\n`fanmill help COMMAND` tells more.\n")
	_, err := io.WriteString(w, b.String())
	return writeError(err)
}

// group prints the help of all commands that begin with a word.
func group(w io.Writer, table []command, word string) error {
	sub := under(table, word)
	if i := named(table, word); i >= 0 {
		sub = append([]command{table[i]}, sub...)
	}
	for i, c := range sub {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return writeError(err)
			}
		}
		if err := c.help(w); err != nil {
			return err
		}
	}
	return nil
}

// help prints the command's own help.
func (c command) help(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n\n%s.\n", c.usage(), upperFirst(c.short))
	if c.long != "" {
		fmt.Fprintf(&b, "\n%s\n", c.long)
	}
	if opts := c.options(); len(opts) > 0 {
		b.WriteString("\nflags:\n\n")
		writeOptions(&b, opts)
	}
	if len(c.examples) > 0 {
		b.WriteString("\nexamples:\n\n")
		for _, ex := range c.examples {
			fmt.Fprintf(&b, "  %s\n      %s\n", ex.line, ex.what)
		}
	}
	b.WriteString("\n--data DIR and --config FILE are common to all commands; see `fanmill help`.\n")
	_, err := io.WriteString(w, b.String())
	return writeError(err)
}

func writeOptions(b *strings.Builder, opts []option) {
	for _, o := range opts {
		fmt.Fprintf(b, "  %-18s %s\n", strings.TrimSpace(o.name+" "+o.value), o.text)
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// helpCmd prints help.
type helpCmd struct{ noFlags }

// Run prints the help of the command in Args, or of all.
func (helpCmd) Run(_ context.Context, e *Env) error {
	return help(e.Stdout, commands(), e.Args)
}
