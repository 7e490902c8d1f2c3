package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"fanmill/classify"
	"fanmill/test/harness"
)

// demo is one run.
type demo struct {
	*site
	*printer
	mail mail
	book *harness.Account
	sent []*message
}

// message is one message on its way; its recipient is its own.
type message struct {
	sample  harness.Sample
	data    []byte // as sent
	rcpt    string
	as      harness.Identity
	subject string
	fate    harness.Fate
}

// byRuleEach is every which message goes to a recipient passed by rule.
const byRuleEach = 15

// trainRounds is in how many rounds the mail is learned, ham and spam in turn as
// it would come in on a site.
const trainRounds = 10

// trained is what `fanmill train --json` says.
type trained struct {
	Learned, Sure, Seen int
}

// train learns part of the mail while the daemon runs.
func (d *demo) train(context.Context) error {
	byClass, err := files(filepath.Join(d.dir, "learn"), d.mail.learn)
	if err != nil {
		return err
	}
	d.title("fanmill train --ham, --spam: %d ham and %d spam in %d rounds, while the daemon runs", len(byClass["ham"]), len(byClass["spam"]), trainRounds)
	began := time.Now()
	sum := map[string]*trained{"ham": {}, "spam": {}}
	for i := range trainRounds {
		for _, class := range []string{"ham", "spam"} {
			paths := byClass[class]
			if err := d.learn(class, paths[i*len(paths)/trainRounds:(i+1)*len(paths)/trainRounds], sum[class]); err != nil {
				return err
			}
		}
	}
	for _, class := range []string{"ham", "spam"} {
		s := sum[class]
		d.line("%-4s  %4d learned, %4d sure already, %d seen before", class, s.Learned, s.Sure, s.Seen)
	}
	d.line("in %.1f s", time.Since(began).Seconds())
	time.Sleep(time.Second) // within which the daemon knows it
	return nil
}

func (d *demo) learn(class string, paths []string, sum *trained) error {
	out, err := d.daemon.Run("train", append([]string{"--json", "--" + class}, paths...)...)
	if err != nil {
		return err
	}
	var t trained
	if err := json.Unmarshal([]byte(out), &t); err != nil {
		return fmt.Errorf("read the answer of `fanmill train`: %w", err)
	}
	sum.Learned, sum.Sure, sum.Seen = sum.Learned+t.Learned, sum.Sure+t.Sure, sum.Seen+t.Seen
	return nil
}

// send passes the other mail through Postfix and shows what became of it.
func (d *demo) send(ctx context.Context) error {
	d.book = harness.NewAccount()
	for i, s := range d.mail.send {
		m := &message{sample: s, rcpt: fmt.Sprintf("list%d@%s", i, harness.NextDomain)}
		if i%byRuleEach == byRuleEach-1 {
			m.rcpt = fmt.Sprintf("skip+%d@%s", i, harness.NextDomain)
		}
		m.data, m.as = asSent(s.Data)
		m.subject = classify.Extract(classify.DefaultOptions(), m.data).Subject
		d.sent = append(d.sent, m)
	}
	d.title("%d other messages through SMTP, 8 sessions at a time, each as the client its own trace names", len(d.sent))
	began := time.Now()
	if err := d.deliver(ctx, d.sent, 8); err != nil {
		return err
	}
	took := time.Since(began)
	if err := d.settle(); err != nil {
		return err
	}
	d.each()
	d.totals()
	d.line("%.0f messages a second through Postfix, fanmill and the next hop", float64(len(d.sent))/took.Seconds())
	return nil
}

// deliver sends messages until each is settled; of several errors the first is
// returned, and no more messages are sent after it.
func (d *demo) deliver(ctx context.Context, list []*message, sessions int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan *message)
	var wg sync.WaitGroup
	for range sessions {
		wg.Go(func() {
			for m := range work {
				if err := d.one(ctx, m); err != nil {
					cancel(fmt.Errorf("send %s: %w", m.sample.Path, err))
				}
			}
		})
	}
	for _, m := range list {
		if ctx.Err() != nil {
			break
		}
		work <- m
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

func (d *demo) one(ctx context.Context, m *message) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	mail := harness.Mail{From: "sender@example.net", To: []string{m.rcpt}, Data: m.data, As: &m.as}
	res, _, err := harness.SendUntilSettled(ctx, d.postfix.Addr, mail, 200*time.Millisecond)
	d.book.Sent(m.rcpt, res.Final)
	return err
}

// settle waits for Postfix and finds every message; one that is not in exactly
// one place is an error.
func (d *demo) settle() error {
	if err := d.postfix.Drain(time.Minute); err != nil {
		return err
	}
	fates, err := d.book.Settle(d.sink, d.daemon.Data)
	if err != nil {
		return err
	}
	for _, f := range fates {
		for _, m := range d.sent {
			if m.rcpt == f.Recipient {
				m.fate = f
			}
		}
	}
	return nil
}

// place is where a message went, in the demo's words.
func (m *message) place() string {
	if m.fate.Place() == "delivered" && strings.HasPrefix(m.rcpt, "skip") {
		return "passed by rule"
	}
	return m.fate.Place()
}

func (m *message) label() string {
	if m.sample.Spam {
		return "spam"
	}
	return "ham"
}

// score is what fanmill wrote down about a message, "" where it wrote nothing.
func (m *message) score() string {
	if len(m.fate.Held) > 0 {
		return fmt.Sprintf("%.4f", m.fate.Held[0].Score)
	}
	for _, del := range m.fate.Delivered {
		for _, status := range harness.Fields(del.Data, "X-Fanmill-Status") {
			_, after, _ := strings.Cut(status, "score=")
			score, _, _ := strings.Cut(after, " ")
			return score
		}
	}
	return ""
}

// each shows every message, by the place where it went.
func (d *demo) each() {
	d.line("%-4s  %-26s  %-14s  %-6s  %s", "is", "the client saw", "it was", "score", "subject")
	list := slices.Clone(d.sent)
	slices.SortStableFunc(list, func(a, b *message) int { return strings.Compare(a.place(), b.place()) })
	for _, m := range list {
		d.row(m)
	}
}

func (d *demo) row(m *message) {
	d.line("%-4s  %-26s  %-14s  %-6s  %s", m.label(), safe(m.fate.Reply.String(), 26), m.place(), m.score(), safe(m.subject, 60))
}

func (d *demo) totals() {
	counts := map[string]map[string]int{"ham": {}, "spam": {}}
	for _, m := range d.sent {
		counts[m.label()][m.place()]++
	}
	places := []string{"delivered", "held", "rejected", "passed by rule"}
	d.line("")
	d.line("%-8s %10s %10s %10s %15s %8s", "", "delivered", "held", "rejected", "passed by rule", "sent")
	for _, label := range []string{"ham", "spam"} {
		c := counts[label]
		sum := 0
		for _, p := range places {
			sum += c[p]
		}
		d.line("%-8s %10d %10d %10d %15d %8d", label, c[places[0]], c[places[1]], c[places[2]], c[places[3]], sum)
	}
	d.line("")
	if wrong := d.mistakes(); len(wrong) > 0 {
		d.line("of these are wrong:")
		for _, m := range wrong {
			d.row(m)
		}
	}
}

// mistakes are the ham that was rejected and the spam that was delivered.
func (d *demo) mistakes() []*message {
	var list []*message
	for _, m := range d.sent {
		if m.label() == "ham" && m.place() == "rejected" || m.label() == "spam" && m.place() == "delivered" {
			list = append(list, m)
		}
	}
	return list
}
