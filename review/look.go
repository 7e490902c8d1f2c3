package review

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"fanmill/review/safetext"
	"fanmill/spool"
)

// Bounds of what is shown, in bytes.
const (
	maxLine    = 512
	maxAddress = 320
	maxHeader  = 16 << 10
	maxText    = 64 << 10
	maxRead    = 512 << 10 // of the message, to find its text in
)

// Item is a held message in a list: its texts are safe to show.
type Item struct {
	spool.Meta
	Stage spool.Stage `json:"stage"`
}

// Shown is a held message opened up.
type Shown struct {
	Item
	Header string `json:"header"` // fields as they arrived
	Text   string `json:"text"`   // what a reader would see first
}

// List returns the messages of a box, oldest first, without their explanations.
func (d *Desk) List(box spool.Box) ([]Item, error) {
	list, err := d.spool.List(box)
	if err != nil {
		return nil, err
	}
	items := make([]Item, 0, len(list))
	for _, m := range list {
		stage, err := d.spool.Stage(m.ID)
		if errors.Is(err, spool.ErrNotHeld) {
			continue // decided meanwhile
		}
		if err != nil {
			return nil, err
		}
		m.Explanation = nil // for Show: it would double a long list
		items = append(items, Item{Meta: Safe(m), Stage: stage})
	}
	return items, nil
}

// Show returns one message with the reasons for holding it, its fields and its text.
func (d *Desk) Show(id string) (Shown, error) {
	m, err := d.spool.Get(id)
	if err != nil {
		return Shown{}, fmt.Errorf("show: %w", err)
	}
	stage, err := d.spool.Stage(id)
	if err != nil {
		return Shown{}, fmt.Errorf("show: %w", err)
	}
	msg, err := d.spool.MessageReader(id)
	if err != nil {
		return Shown{}, fmt.Errorf("show: %w", err)
	}
	defer msg.Close()
	raw, err := io.ReadAll(io.LimitReader(msg, maxRead))
	if err != nil {
		return Shown{}, fmt.Errorf("show %s: read message: %w", id, err)
	}
	header, text := open(raw)
	return Shown{
		Item:   Item{Meta: Safe(m), Stage: stage},
		Header: safetext.Text(header, maxHeader), Text: safetext.Text(text, maxText),
	}, nil
}

// Export writes messages as one mailbox (mboxrd) and returns how many. Those
// decided meanwhile are left out.
func (d *Desk) Export(ctx context.Context, w io.Writer, ids ...string) (int, error) {
	n := 0
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return n, fmt.Errorf("export: %w", err)
		}
		err := d.export(w, id)
		if errors.Is(err, spool.ErrNotHeld) && len(ids) > 1 {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("export %s: %w", id, err)
		}
		n++
	}
	return n, nil
}

func (d *Desk) export(w io.Writer, id string) error {
	f, err := d.spool.OpenMessage(id)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n") // ID.msg ends in a line end; this is the empty line
	return err
}

// Safe returns m with every text made safe to show and bounded.
func Safe(m spool.Meta) spool.Meta {
	for _, s := range []*string{
		&m.Digest, &m.Subject, &m.From, &m.MessageID, &m.Verdict, &m.Scope, &m.Rule,
		&m.Envelope.ClientName, &m.Envelope.Helo, &m.Envelope.QueueID, &m.Envelope.MailArgs,
	} {
		*s = safetext.Line(*s, maxLine)
	}
	m.Envelope.Sender = safetext.Line(m.Envelope.Sender, maxAddress)
	m.Envelope.ClientAddr = safetext.Line(m.Envelope.ClientAddr, maxAddress)
	to := make([]string, 0, len(m.Envelope.Recipients))
	for _, a := range m.Envelope.Recipients {
		to = append(to, safetext.Line(a, maxAddress))
	}
	m.Envelope.Recipients = to
	macros := make(map[string]string, len(m.Envelope.Macros))
	for k, v := range m.Envelope.Macros {
		macros[safetext.Line(k, maxLine)] = safetext.Line(v, maxLine)
	}
	m.Envelope.Macros = macros
	clues := make([]spool.Clue, 0, len(m.Clues))
	for _, c := range m.Clues {
		c.Text, c.Place = safetext.Line(c.Text, maxLine), safetext.Line(c.Place, maxLine)
		clues = append(clues, c)
	}
	m.Clues = clues
	if m.Explanation != nil {
		e := *m.Explanation
		e.Pieces = slices.Clone(e.Pieces)
		for i := range e.Pieces {
			e.Pieces[i].Text = safetext.Line(e.Pieces[i].Text, maxLine)
		}
		e.Rest.Text = safetext.Line(e.Rest.Text, maxLine)
		m.Explanation = &e
	}
	return m
}
