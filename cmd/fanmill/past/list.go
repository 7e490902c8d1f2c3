// Package past has the commands about messages that have gone by, of which the history
// remembers what became of them: history, history show and history purge.
package past

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/policy"
	"fanmill/store/history"
)

// List lists messages that have gone by.
type List struct {
	query        history.Query
	since, until cli.Moment
	ids, json    bool
}

// Flags is cli.Runner.
func (h *List) Flags(fs *flag.FlagSet) {
	h.until.End = true
	fs.Var(&h.since, "since", "only what came at or after `TIME`: 2h or 3d ago, 2006-01-02, or 2006-01-02T15:04")
	fs.Var(&h.until, "until", "only what came before `TIME`; of a date, before its end")
	fs.StringVar(&h.query.From, "from", "", "only where the sender or the From field contains `TEXT`")
	fs.StringVar(&h.query.To, "to", "", "only where a recipient contains `TEXT`")
	fs.StringVar(&h.query.Subject, "subject", "", "only where the subject contains `TEXT`")
	fs.StringVar(&h.query.Verdict, "verdict", "", "only this `VERDICT`: ham, unsure or spam")
	fs.StringVar(&h.query.Outcome, "outcome", "", "only this `OUTCOME`, such as accept, tag, hold or reject")
	fs.IntVar(&h.query.Limit, "limit", 100, "at most `N` messages")
	fs.BoolVar(&h.ids, "ids", false, "print the ids only")
	fs.BoolVar(&h.json, "json", false, "print a JSON object a line")
}

// Run prints what is remembered and matches, the newest first.
func (h *List) Run(ctx context.Context, e *cli.Env) error {
	if err := h.check(); err != nil {
		return err
	}
	h.query.Since, h.query.Until = h.since.Time, h.until.Time
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	past, err := datadir.ReadHistory(ctx, e, dir)
	if err != nil || past == nil {
		return err
	}
	defer past.Close()
	limit := h.query.Limit
	h.query.Limit++ // to know whether there are more
	found, err := past.Find(ctx, h.query)
	if err != nil {
		return err
	}
	width := e.Terminal(e.Stdout)
	for i := range found[:min(len(found), limit)] {
		if err := h.print(e, &found[i], width); err != nil {
			return err
		}
	}
	if len(found) > limit {
		fmt.Fprintf(e.Stderr, "fanmill: these are the newest %d, there are more: see --limit\n", limit)
	}
	return nil
}

func (h *List) print(e *cli.Env, r *history.Record, width int) error {
	line := ""
	switch {
	case h.json:
		return cli.PrintJSON(e.Stdout, recordJSON(r))
	case h.ids:
		line = cli.Safe(r.ID)
	default:
		line = recordLine(r, width)
	}
	return e.Print(line + "\n")
}

func (h *List) check() error {
	switch h.query.Verdict {
	case "", "ham", "unsure", "spam":
	default:
		return cli.UsageErrorf("--verdict: %q is no verdict, want ham, unsure or spam", h.query.Verdict)
	}
	if o := h.query.Outcome; o != "" {
		known, err := policy.ParseOutcome(o)
		if err != nil {
			return cli.UsageErrorf("--outcome: %v", err)
		}
		h.query.Outcome = known.String()
	}
	if !h.until.IsZero() && !h.since.Before(h.until.Time) {
		return cli.UsageErrorf("--until is not after --since: nothing could be found")
	}
	if h.query.Limit < 1 {
		return cli.UsageErrorf("--limit: %d is less than 1", h.query.Limit)
	}
	return nil
}

// recordLine is a record in the list, at most width cells wide; 0 is no terminal.
func recordLine(r *history.Record, width int) string {
	verdict, score := "-", "-"
	if !r.Unscored {
		verdict, score = r.Verdict, fmt.Sprintf("%.4f", r.Score.P)
	}
	head := fmt.Sprintf("%s  %s  %-6s %-6s  %-8s", cli.Safe(r.ID), r.Time.Local().Format("01-02 15:04"), cli.Safe(verdict), score, cli.Safe(r.Outcome))
	who := cli.Angle(r.Sender) + " -> " + strings.Join(r.Recipients, ",")
	if r.Sender == "" && r.Recipients == nil {
		who = "-" // not kept
	}
	whoWidth := 80
	if width > 0 {
		whoWidth = max((width-cli.Cells(head)-4)/2, 0)
	}
	line := head + "  " + cli.Fit(who, whoWidth) + "  " + cli.Fit(r.Subject, 60)
	if width > 0 {
		line = cli.Fit(line, width)
	}
	return strings.TrimRight(line, " ")
}
