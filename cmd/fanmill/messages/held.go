package messages

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/desk"
	"fanmill/control"
	"fanmill/spool"
)

// HeldList lists held messages.
type HeldList struct {
	box, from, to, subject, verdict string
	since                           cli.Moment
	limit                           int
	ids, json                       bool
}

// Flags is cli.Runner.
func (h *HeldList) Flags(fs *flag.FlagSet) {
	fs.StringVar(&h.box, "box", "", "only this `BOX`: unsure, spam or copy (else unsure and spam)")
	fs.StringVar(&h.from, "from", "", "only where the sender or the From field contains `TEXT`")
	fs.StringVar(&h.to, "to", "", "only where a recipient contains `TEXT`")
	fs.StringVar(&h.subject, "subject", "", "only where the subject contains `TEXT`")
	fs.StringVar(&h.verdict, "verdict", "", "only this `VERDICT`: ham, unsure or spam")
	fs.Var(&h.since, "since", "only what was held since `WHEN`: 24h or 7d ago, 2006-01-02, or 2006-01-02T15:04")
	fs.IntVar(&h.limit, "limit", 0, "at most `N` messages")
	fs.BoolVar(&h.ids, "ids", false, "print the ids only")
	fs.BoolVar(&h.json, "json", false, "print a JSON object a line")
}

// Run prints what is held and matches.
func (h *HeldList) Run(ctx context.Context, e *cli.Env) error {
	if err := h.check(); err != nil {
		return err
	}
	d, done, err := desk.Open(ctx, e, false)
	if err != nil {
		return err
	}
	defer done()
	all, err := d.List(ctx, control.Filter{Box: spool.Box(h.box)})
	if err != nil {
		return err
	}
	n := 0
	for _, m := range all {
		if !h.match(m) || h.limit > 0 && n >= h.limit {
			continue
		}
		n++
		if err := h.print(e, m); err != nil {
			return err
		}
	}
	return nil
}

func (h *HeldList) check() error {
	if _, err := control.ParseBox(h.box); err != nil {
		return cli.UsageErrorf("--box: %q is no box, want unsure, spam or copy", h.box)
	}
	if h.limit < 0 {
		return cli.UsageErrorf("--limit: %d is less than 0", h.limit)
	}
	switch h.verdict {
	case "", "ham", "unsure", "spam":
		return nil
	}
	return cli.UsageErrorf("--verdict: %q is no verdict, want ham, unsure or spam", h.verdict)
}

func (h *HeldList) match(m spool.Meta) bool {
	return (h.since.IsZero() || !m.Time.Before(h.since.Time)) &&
		(h.verdict == "" || m.Verdict == h.verdict) &&
		holds(h.subject, m.Subject) &&
		holds(h.from, m.Envelope.Sender, m.From) &&
		holds(h.to, m.Envelope.Recipients...)
}

// holds tells whether one of the texts contains part, case aside.
func holds(part string, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), strings.ToLower(part)) {
			return true
		}
	}
	return part == ""
}

func (h *HeldList) print(e *cli.Env, m spool.Meta) error {
	switch {
	case h.json:
		return cli.PrintJSON(e.Stdout, m)
	case h.ids:
		return e.Print(cli.Safe(m.ID) + "\n")
	}
	return e.Printf("%s  %s  %-6s %.4f  %s -> %s  %s\n", cli.Safe(m.ID), m.Time.Local().Format("2006-01-02 15:04"),
		cli.Safe(m.Verdict), m.Score, cli.Fit(cli.Angle(m.Envelope.Sender), 40), cli.Fit(strings.Join(m.Envelope.Recipients, ","), 40), cli.Fit(m.Subject, 60))
}

// HeldShow shows held messages.
type HeldShow struct{ json bool }

// Flags is cli.Runner.
func (h *HeldShow) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&h.json, "json", false, "print a JSON object a line")
}

// Run shows each message of Args.
func (h *HeldShow) Run(ctx context.Context, e *cli.Env) error {
	d, done, err := deskFor(ctx, e, false)
	if err != nil {
		return err
	}
	defer done()
	return cli.EachArg(ctx, e, func(id string) error {
		m, err := d.Show(ctx, id)
		if err != nil {
			return err
		}
		if h.json {
			return cli.PrintJSON(e.Stdout, m)
		}
		return e.Print(describe(m))
	})
}

// describe is a held message as text for a terminal.
func describe(m control.Held) string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-11s %s\n", name+":", cli.Safe(value))
		}
	}
	row("id", m.ID)
	row("held", fmt.Sprintf("%s in %s, %d bytes", m.Time.Local().Format(time.RFC1123Z), m.Box, m.Size))
	row("state", m.State)
	row("verdict", fmt.Sprintf("%s, score %.4f", m.Verdict, m.Score))
	row("rule", m.Rule)
	row("scope", m.Scope)
	row("sender", cli.Angle(m.Envelope.Sender))
	row("recipients", strings.Join(m.Envelope.Recipients, ", "))
	row("client", strings.TrimSpace(m.Envelope.ClientName+" ["+m.Envelope.ClientAddr+"]"))
	row("queue id", m.Envelope.QueueID)
	row("from", m.From)
	row("subject", m.Subject)
	row("message-id", m.MessageID)
	row("digest", m.Digest)
	if why := heldText(m.Meta); why != "" {
		b.WriteString("why, by what was known when it came:\n" + why)
	}
	quote(&b, "fields", m.Header)
	quote(&b, "text", m.Text)
	return b.String() + "\n"
}

// quote writes text of several lines so that none of them can be taken for
// ours.
func quote(b *strings.Builder, name, text string) {
	if text == "" {
		return
	}
	b.WriteString(name + ":\n")
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "  | %s\n", cli.Safe(strings.TrimRight(line, "\r\n")))
	}
}

// HeldExport writes held messages as an mbox.
type HeldExport struct{ cli.NoFlags }

// Run writes each message of Args.
func (HeldExport) Run(ctx context.Context, e *cli.Env) error {
	d, done, err := deskFor(ctx, e, false)
	if err != nil {
		return err
	}
	defer done()
	return cli.EachArg(ctx, e, func(id string) error { return d.Export(ctx, id, e.Stdout) })
}

// Decide is held ham, spam, release and discard.
type Decide struct {
	Action string // ham, spam, release or discard
	again  bool
	json   bool
}

// Flags is cli.Runner.
func (c *Decide) Flags(fs *flag.FlagSet) {
	if c.Action == "ham" || c.Action == "release" {
		fs.BoolVar(&c.again, "again", false, "send on also what an earlier release may have sent already")
	}
	fs.BoolVar(&c.json, "json", false, "print a JSON object a line")
}

// Run decides each message of Args.
func (c *Decide) Run(ctx context.Context, e *cli.Env) error {
	d, done, err := deskFor(ctx, e, true)
	if err != nil {
		return err
	}
	defer done()
	who := e.User()
	return cli.EachArg(ctx, e, func(id string) error {
		out, err := d.Decide(ctx, control.Decision{ID: id, Action: c.Action, Again: c.again, Actor: who})
		if err != nil {
			return err
		}
		if c.json {
			return cli.PrintJSON(e.Stdout, out)
		}
		return e.Print(cli.Safe(outcomeLine(out)) + "\n")
	})
}

// outcomeLine says in words what a decision came to.
func outcomeLine(d control.Decided) string {
	parts := []string{d.ID + " " + d.Action + ":"}
	if d.Learned != "" {
		parts = append(parts, d.Learned+";")
	}
	if len(d.Released) > 0 {
		parts = append(parts, "sent to "+strings.Join(d.Released, ", ")+";")
	}
	if d.Gone {
		return strings.Join(append(parts, "no longer held"), " ")
	}
	return strings.Join(append(parts, "still held"), " ")
}

// deskFor opens the desk for the ids of Args, after looking whether they are
// ids at all: a slip of the hand should not decide half of a list.
func deskFor(ctx context.Context, e *cli.Env, decide bool) (control.Desk, func(), error) {
	for _, id := range e.Args {
		if !control.IsID(id) {
			return nil, nil, cli.Hint(cli.UsageErrorf("%q is no id of a held message", id),
				"an id has 16 characters 0-9 and a-z; `fanmill held list` shows them")
		}
	}
	return desk.Open(ctx, e, decide)
}
