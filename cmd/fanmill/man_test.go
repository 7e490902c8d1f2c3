package main

import (
	"fmt"
	"strings"

	"fanmill/cmd/fanmill/cli"
)

// The texts around the command table, shared by the manual page and
// docs/commands.md.
const (
	aboutText = `Fanmill scores mail by what it has learned from the site's own mail. It stands
next to Postfix or Sendmail as a milter and passes, refuses or holds messages; a
moderator decides the held ones once, and the filter learns from it.`

	streamsText = `A message comes on standard input and goes to standard output; everything said
about it goes to standard error, each line with the prefix "fanmill: ". Text taken
from mail is escaped before it is printed. Progress is drawn only where standard
error is a terminal. Flags may stand before, among and after the arguments; "--"
ends them.`

	signalText = `SIGINT and SIGTERM end a command after the transaction in progress (the exit code
is 128 plus the signal's number; serve exits with 0); the second one ends at once.
SIGHUP has serve read its configuration again, which it does by itself after an edit.`
)

// exitCodes explains the codes in help and manual.
var exitCodes = []struct {
	code int
	text string
}{
	{cli.ExitOK, "all done"},
	{cli.ExitUsage, "wrong command line"},
	{cli.ExitData, "a message, mailbox or database is damaged or of the wrong kind"},
	{cli.ExitNoInput, "something named on the command line is not there"},
	{cli.ExitUnavailable, "the next hop is away, or another daemon runs on the data directory"},
	{cli.ExitSoftware, "a fault of fanmill itself"},
	{cli.ExitCantCreate, "a file or directory cannot be made"},
	{cli.ExitIO, "reading or writing failed"},
	{cli.ExitTempFail, "try again later (locked, or busy with somebody else)"},
	{cli.ExitNoPerm, "not permitted"},
	{cli.ExitConfig, "the configuration is wrong"},
}

// environment and files are tables of the manual.
var (
	environment = [][2]string{
		{"FANMILL_DATA", "data directory, where --data is not given"},
		{"TERM", `"dumb" turns progress off`},
	}
	files = [][2]string{
		{"/etc/fanmill/fanmill.toml", "configuration, where --config is not given; fanmill.toml(5)"},
		{"/var/lib/fanmill", "data directory, where none is named"},
		{"DIR/fanmill.db", "ledger of all training: the truth, back it up"},
		{"DIR/history.db", "what became of each message; daily counters"},
		{"DIR/model.snap", "model as of some time, for a fast start; may be deleted"},
		{"DIR/waiting.lists", "what was found in mail that waits to be learned; may be deleted"},
		{"DIR/delayed", "which mail was asked to come again; if it is lost, such mail is delayed twice"},
		{"DIR/spool/", "held messages"},
		{"DIR/milter.sock", "milter socket of serve without a configuration"},
		{"DIR/control.sock", "the daemon's socket for these commands"},
		{"DIR/lock", "held by the daemon while it runs"},
	}
)

// manPage renders the command table as a manual page in man(7) macros.
func manPage(table []cli.Command) string {
	var m roff
	m.line(`.\" Generated from the command table; go test ./cmd/fanmill -update writes it anew.`)
	m.line(`.TH FANMILL 1 "" "fanmill" "User Commands"`)
	m.section("NAME")
	m.text("fanmill - spam filter for Postfix and Sendmail that learns from your own mail")
	m.section("SYNOPSIS")
	for i, c := range table {
		if i > 0 {
			m.line(".br")
		}
		m.text(c.Usage())
	}
	m.section("DESCRIPTION")
	m.text(aboutText)
	m.line(".PP")
	m.text(streamsText)
	m.section("OPTIONS OF ALL COMMANDS")
	m.options(cli.CommonOptions())
	m.section("COMMANDS")
	for _, c := range table {
		m.command(c)
	}
	m.section("EXIT STATUS")
	for _, x := range exitCodes {
		m.item(fmt.Sprint(x.code), x.text)
	}
	m.line(".PP")
	m.text("filter uses 75 for every internal error, and score -e has codes of its own.")
	m.pairs("ENVIRONMENT", environment)
	m.pairs("FILES", files)
	m.section("SIGNALS")
	m.text(signalText)
	m.section("SEE ALSO")
	m.line(`.BR fanmill.toml (5),`)
	m.line(`.BR postconf (5),`)
	m.line(`.BR maildrop (1)`)
	return m.String()
}

// roff builds a manual page.
type roff struct{ strings.Builder }

func (m *roff) line(s string) { m.WriteString(s + "\n") }

// text writes running text: an empty line begins a paragraph, and no line of
// it can be taken for a macro.
func (m *roff) text(s string) {
	for i, para := range strings.Split(s, "\n\n") {
		if i > 0 {
			m.line(".PP")
		}
		for line := range strings.Lines(para) {
			m.line(roffEscape(strings.TrimSpace(line)))
		}
	}
}

func roffEscape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", `\(ga`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func (m *roff) section(name string) { m.line(".SH " + name) }

func (m *roff) item(term, text string) {
	m.line(".TP")
	m.line(`\fB` + roffEscape(term) + `\fR`)
	m.text(text)
}

func (m *roff) pairs(section string, rows [][2]string) {
	m.section(section)
	for _, r := range rows {
		m.item(r[0], r[1])
	}
}

func (m *roff) options(opts []cli.Option) {
	for _, o := range opts {
		m.line(".TP")
		term := `\fB` + roffEscape(o.Name) + `\fR`
		if o.Value != "" {
			term += ` \fI` + roffEscape(o.Value) + `\fR`
		}
		m.line(term)
		m.text(o.Text)
	}
}

func (m *roff) command(c cli.Command) {
	m.line(".SS " + roffEscape(strings.TrimPrefix(c.Usage(), "fanmill ")))
	m.text(cli.UpperFirst(c.Short) + ".")
	if c.Long != "" {
		m.line(".PP")
		m.text(c.Long)
	}
	m.options(c.Options())
	for _, ex := range c.Examples {
		m.item(ex[0], cli.UpperFirst(ex[1])+".")
	}
}

// markdownPage renders the command table as docs/commands.md.
func markdownPage(table []cli.Command) string {
	var b strings.Builder
	b.WriteString("<!-- Generated from the command table; go test ./cmd/fanmill -update writes it anew. -->\n\n# Commands\n\n")
	fmt.Fprintf(&b, "%s\n\n%s\n\n", aboutText, streamsText)
	b.WriteString("| command | |\n| --- | --- |\n")
	for _, c := range table {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", c.Name, anchor(c), mdEscape(c.Short))
	}
	b.WriteString("\n## Flags of all commands\n\n")
	mdOptions(&b, cli.CommonOptions())
	for _, c := range table {
		mdCommand(&b, c)
	}
	b.WriteString("\n## Exit codes\n\n| code | |\n| --- | --- |\n")
	for _, x := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", x.code, mdEscape(x.text))
	}
	b.WriteString("\n`filter` uses 75 for every internal error, and `score -e` has codes of its own.\n")
	fmt.Fprintf(&b, "\n## Signals\n\n%s\n", signalText)
	mdPairs(&b, "Environment", environment)
	mdPairs(&b, "Files", files)
	return b.String()
}

func anchor(c cli.Command) string { return "fanmill-" + strings.ReplaceAll(c.Name, " ", "-") }

func mdEscape(s string) string { return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(s) }

func mdOptions(b *strings.Builder, opts []cli.Option) {
	b.WriteString("| flag | |\n| --- | --- |\n")
	for _, o := range opts {
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.TrimSpace(o.Name+" "+o.Value), mdEscape(o.Text))
	}
}

func mdPairs(b *strings.Builder, title string, rows [][2]string) {
	fmt.Fprintf(b, "\n## %s\n\n| | |\n| --- | --- |\n", title)
	for _, r := range rows {
		fmt.Fprintf(b, "| `%s` | %s |\n", r[0], mdEscape(r[1]))
	}
}

func mdCommand(b *strings.Builder, c cli.Command) {
	fmt.Fprintf(b, "\n## fanmill %s\n\n```\n%s\n```\n\n%s.\n", c.Name, c.Usage(), cli.UpperFirst(c.Short))
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", c.Long)
	}
	if opts := c.Options(); len(opts) > 0 {
		b.WriteString("\n")
		mdOptions(b, opts)
	}
	for _, ex := range c.Examples {
		fmt.Fprintf(b, "\n%s:\n\n```\n%s\n```\n", cli.UpperFirst(ex[1]), ex[0])
	}
}
