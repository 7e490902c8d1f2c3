package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fanmill/test/harness"
)

// held returns the held messages of a label, those that fanmill took for the
// other kind most of all first.
func (d *demo) held(label string) []*message {
	var list []*message
	for _, m := range d.sent {
		if len(m.fate.Held) == 1 && m.label() == label {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *message) int {
		by := cmp.Compare(a.fate.Held[0].Score, b.fate.Held[0].Score)
		if label == "ham" {
			by = -by
		}
		return by
	})
	return list
}

// explain shows why one held message is held.
func (d *demo) explain(context.Context) error {
	list := append(d.held("spam"), d.held("ham")...)
	if len(list) == 0 {
		return errors.New("nothing was held: send more messages (-n)")
	}
	h := list[0].fate.Held[0]
	file := filepath.Join("data", "spool", string(h.Box), h.ID+".msg")
	d.title("fanmill score --explain %s", file)
	out, err := d.daemon.Run("score", "--explain", "--clues", "12", filepath.Join(d.dir, file))
	if err != nil {
		return err
	}
	d.quote(strings.ReplaceAll(out, d.dir+"/", ""))
	return nil
}

// decide plays the moderator for two held messages, one of each kind where
// there is one, and sends a near-copy of each.
func (d *demo) decide(ctx context.Context) error {
	ham, spam := d.held("ham"), d.held("spam")
	var chosen []*message
	for i := 0; len(chosen) < 2 && i < max(len(ham), len(spam)); i++ {
		if i < len(spam) {
			chosen = append(chosen, spam[i])
		}
		if i < len(ham) && len(chosen) < 2 {
			chosen = append(chosen, ham[i])
		}
	}
	if len(chosen) < 2 {
		return fmt.Errorf("only %d messages are held, the demo decides two: send more (-n)", len(chosen))
	}
	for i, m := range chosen {
		if err := d.decideOne(ctx, m, i); err != nil {
			return err
		}
	}
	return nil
}

// decideOne decides a held message and shows what its near-copy gets before and
// after.
func (d *demo) decideOne(ctx context.Context, m *message, n int) error {
	again := &message{
		sample: m.sample, data: nearCopy(m.data), as: m.as, subject: m.subject,
		rcpt: fmt.Sprintf("again%d@%s", n, harness.NextDomain),
	}
	before, err := d.score(again.data)
	if err != nil {
		return err
	}
	id := m.fate.Held[0].ID
	d.title("fanmill held %s %s   (%s)", m.label(), id, safe(m.subject, 60))
	out, err := d.daemon.Run("held "+m.label(), id)
	if err != nil {
		return err
	}
	d.quote(out)
	if m.label() == "spam" {
		d.book.Discarded(m.rcpt)
	}
	time.Sleep(time.Second) // within which every process knows it
	after, err := d.score(again.data)
	if err != nil {
		return err
	}
	d.sent = append(d.sent, again)
	if err := d.deliver(ctx, []*message{again}, 1); err != nil {
		return err
	}
	if err := d.settle(); err != nil {
		return err
	}
	d.line("the message itself was %s; a near-copy scored %s before and scores %s now", m.place(), before, after)
	d.line("the near-copy, sent: the client saw %q, it was %s", safe(again.fate.Reply.String(), 70), again.place())
	return nil
}

// score asks fanmill for the score of a message with its verdict.
func (d *demo) score(data []byte) (string, error) {
	out, err := d.daemon.RunInput(data, "score", "--json", "-")
	if err != nil {
		return "", err
	}
	var v struct {
		Verdict string
		Score   float64
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return "", fmt.Errorf("read the answer of `fanmill score`: %w", err)
	}
	return fmt.Sprintf("%.4f (%s)", v.Score, v.Verdict), nil
}

// account looks a last time where every message is.
func (d *demo) account(context.Context) error {
	if err := d.settle(); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, m := range d.sent {
		counts[m.place()]++
	}
	var parts []string
	for _, place := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[place], place))
	}
	d.title("account: %d sent = %s", len(d.sent), strings.Join(parts, " + "))
	return nil
}
