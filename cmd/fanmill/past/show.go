package past

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/datadir"
	"fanmill/store/history"
)

// Show shows single records.
type Show struct{ json bool }

// Flags is cli.Runner.
func (h *Show) Flags(fs *flag.FlagSet) {
	fs.BoolVar(&h.json, "json", false, "print a JSON object a line")
}

// Run shows the record of each id of Args.
func (h *Show) Run(ctx context.Context, e *cli.Env) (err error) {
	if e.Args, err = cli.ReadIDs(e, e.Args); err != nil {
		return err
	}
	dir, err := e.ExistingData()
	if err != nil {
		return err
	}
	past, err := datadir.ReadHistory(ctx, e, dir)
	if err != nil {
		return err
	}
	if past != nil {
		defer past.Close()
	}
	return cli.EachArg(ctx, e, func(id string) error {
		if past == nil {
			return fmt.Errorf("show %s: %w", id, history.ErrNoRecord)
		}
		r, err := past.Get(ctx, id)
		switch {
		case err != nil:
			return fmt.Errorf("show %s: %w", id, err)
		case h.json:
			_, err := r.Message()
			return cli.PrintJSON(e.Stdout, shownRecord{recordJSON(&r), err == nil, len(r.Features), len(r.Grams)})
		}
		return e.Print(recordText(&r) + "\n")
	})
}

// recordText is a whole record, a row for each part.
func recordText(r *history.Record) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		if value := fmt.Sprintf(format, args...); value != "" {
			fmt.Fprintf(&b, "%-11s %s\n", name+":", cli.Safe(value))
		}
	}
	row("id", "%s", r.ID)
	row("came", "%s, %d bytes", r.Time.Local().Format(time.RFC1123Z), r.Size)
	row("outcome", "%s by rule %s", r.Outcome, r.Rule)
	if r.Unscored {
		row("verdict", "none, it was not scored")
	} else {
		row("verdict", "%s, score %.4f", r.Verdict, r.Score.P)
		row("log-odds", "%+.4f, from these opinions", r.Score.LogOdds)
		row("  counts", "%+.4f, from %s", r.Score.C, cli.Plural(r.Score.Clues, "clue", "clues"))
		row("  second", "%+.4f, another reading of the counts", r.Score.E)
		row("  linear", "%+.4f", r.Score.L)
	}
	row("scope", "%s", r.Scope)
	row("client", "%s", r.Client)
	row("queue id", "%s", r.QueueID)
	if r.Sender != "" || r.Recipients != nil {
		row("sender", "%s", cli.Angle(r.Sender))
	}
	row("recipients", "%s", strings.Join(r.Recipients, ", "))
	row("from", "%s", r.From)
	row("subject", "%s", r.Subject)
	row("message-id", "%s", r.MessageID)
	row("digest", "%s", r.Digest)
	if _, err := r.Message(); err != nil {
		row("learn", "not by its id: %s", strings.TrimPrefix(err.Error(), r.ID+": "))
	} else {
		row("learn", "by its id, from %d features and %d n-grams", len(r.Features), len(r.Grams))
	}
	return b.String()
}

// listedRecord is a record as JSON; docs/correcting.md says what the keys mean.
type listedRecord struct {
	ID            string    `json:"id"`
	Time          time.Time `json:"time"`
	Outcome       string    `json:"outcome"`
	Rule          string    `json:"rule"`
	Scored        bool      `json:"scored"`
	Verdict       string    `json:"verdict"`
	Score         float64   `json:"score"`
	LogOdds       float64   `json:"log_odds"`
	CountsOpinion float64   `json:"counts_opinion"`
	SecondOpinion float64   `json:"second_opinion"`
	LinearOpinion float64   `json:"linear_opinion"`
	ClueCount     int       `json:"clue_count"`
	Scope         string    `json:"scope"`
	Client        string    `json:"client"`
	QueueID       string    `json:"queue_id"`
	Sender        string    `json:"sender"`
	Recipients    []string  `json:"recipients"`
	From          string    `json:"from"`
	Subject       string    `json:"subject"`
	MessageID     string    `json:"message_id"`
	Size          int64     `json:"size"`
	Digest        string    `json:"digest"`
}

// shownRecord is a single record as JSON.
type shownRecord struct {
	listedRecord
	Learnable bool `json:"learnable"` // by its id
	Features  int  `json:"features"`  // so many are kept
	Grams     int  `json:"grams"`
}

func recordJSON(r *history.Record) listedRecord {
	p := listedRecord{
		ID: r.ID, Time: r.Time, Outcome: r.Outcome, Rule: r.Rule, Scored: !r.Unscored, Verdict: r.Verdict,
		Score: r.Score.P, LogOdds: r.Score.LogOdds, CountsOpinion: r.Score.C, SecondOpinion: r.Score.E,
		LinearOpinion: r.Score.L, ClueCount: r.Score.Clues, Scope: r.Scope, Client: r.Client, QueueID: r.QueueID,
		Sender: r.Sender, Recipients: r.Recipients, From: r.From, Subject: r.Subject, MessageID: r.MessageID,
		Size: r.Size, Digest: r.Digest.String(),
	}
	if p.Recipients == nil {
		p.Recipients = []string{}
	}
	return p
}
