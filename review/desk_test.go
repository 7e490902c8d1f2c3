package review

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-mbox"
	"github.com/emersion/go-smtp"

	"fanmill/spool"
)

func TestDecisions(t *testing.T) {
	to := []string{"b@example.org", "c@example.org"}
	for a, want := range map[Action]struct {
		notes []string
		sent  int
	}{
		Ham:     {[]string{"learn ham for site by anna"}, 1},
		Spam:    {[]string{"learn spam for site by anna"}, 0},
		Release: {nil, 1},
		Discard: {nil, 0},
	} {
		t.Run(a.String(), func(t *testing.T) {
			b := setUp(t)
			m := b.hold(t, text, nil)
			b.h.during = func() {
				if b.state(m) != spool.Releasing {
					t.Errorf("during the hand-over the spool says %d", b.state(m))
				}
			}
			d, err := b.Decide(t.Context(), m.ID, a, "anna")
			if err != nil || !d.Gone || d.InDoubt || d.ID != m.ID || d.Action != a {
				t.Fatalf("%+v, %v", d, err)
			}
			if !reflect.DeepEqual(b.b.notes, want.notes) || len(b.h.mails) != want.sent {
				t.Errorf("learned %v, sent %d", b.b.notes, len(b.h.mails))
			}
			if want.sent > 0 && (!slices.Equal(d.Released, to) || !releasedAs(b.h.mails[0].body, text) || b.h.mails[0].from != "a@example.com" || !slices.Equal(b.h.mails[0].to, to)) {
				t.Errorf("released %v, sent %+v", d.Released, b.h.mails)
			}
			if a.learns() && (d.Learned != "learned" || !bytes.HasPrefix(b.b.raw, []byte("From a@example.com "))) {
				t.Errorf("learned %q from %.40q", d.Learned, b.b.raw)
			}
			if b.state(m) != spool.Decided || b.listed(t, spool.Unsure) != 0 {
				t.Errorf("after it the spool says %d", b.state(m))
			}
			if e := b.b.entries; len(e) != 1 || e[0].Actor != "anna" || e[0].Err != nil || e[0].Message.ID != m.ID || !e[0].Decision.Gone {
				t.Errorf("recorded %+v", e)
			}
			if _, err := b.Decide(t.Context(), m.ID, a, "bert"); !errors.Is(err, spool.ErrNotHeld) {
				t.Errorf("a second decision: %v", err)
			}
		})
	}
}

// releasedAs reports whether sent is text with the field of a release on top.
func releasedAs(sent, text string) bool {
	field, rest, _ := strings.Cut(sent, "\r\n")
	return strings.HasPrefix(field, "X-Fanmill-Release: ") && rest == text
}

func TestLearningFails(t *testing.T) {
	b := setUp(t)
	m := b.hold(t, text, nil)
	b.b.fail = errors.New("database is locked")
	for _, a := range []Action{Ham, Spam} {
		d, err := b.Decide(t.Context(), m.ID, a, "anna")
		if err == nil || !errors.Is(err, b.b.fail) || d.Gone || len(b.h.mails) != 0 || b.state(m) != spool.Held {
			t.Errorf("%v: %+v, %v; sent %d, state %d", a, d, err, len(b.h.mails), b.state(m))
		}
	}
	if e := b.b.entries; len(e) != 2 || !errors.Is(e[0].Err, b.b.fail) {
		t.Errorf("recorded %+v", e)
	}
}

func TestNextHopRefuses(t *testing.T) {
	for name, set := range map[string]func(*hop){
		"for now":  func(h *hop) { h.data = answer(451) },
		"for good": func(h *hop) { h.data = answer(554) },
		"everybody": func(h *hop) {
			h.rcpt = map[string]error{"b@example.org": answer(550), "c@example.org": answer(550)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setUp(t)
			set(b.h)
			m := b.hold(t, text, nil)
			d, err := b.Decide(t.Context(), m.ID, Ham, "anna")
			if err == nil || d.Gone || d.InDoubt || len(d.Refused) != 2 || !strings.Contains(d.Refused[0].Text, "so it is") {
				t.Errorf("%+v, %v", d, err)
			}
			if b.state(m) != spool.Held || b.listed(t, spool.Unsure) != 1 {
				t.Errorf("the spool says %d", b.state(m))
			}
			b.h.data, b.h.rcpt = nil, nil
			d, err = b.Decide(t.Context(), m.ID, Ham, "anna")
			if err != nil || !d.Gone || len(b.h.mails) != 1 {
				t.Errorf("second try: %+v, %v", d, err)
			}
		})
	}
}

func TestOneRecipientRefused(t *testing.T) {
	b := setUp(t)
	b.h.rcpt = map[string]error{"b@example.org": answer(450)}
	m := b.hold(t, text, nil)
	d, err := b.Decide(t.Context(), m.ID, Release, "anna")
	if err == nil || d.Gone || !slices.Equal(d.Released, []string{"c@example.org"}) || len(d.Refused) != 1 || d.Refused[0].Recipient != "b@example.org" {
		t.Fatalf("%+v, %v", d, err)
	}
	left, err := b.s.Get(m.ID)
	if err != nil || !slices.Equal(left.Envelope.Recipients, []string{"b@example.org"}) {
		t.Fatalf("waiting: %v, %v", left.Envelope.Recipients, err)
	}
	b.h.rcpt = nil
	if d, err = b.Decide(t.Context(), m.ID, Release, "anna"); err != nil || !d.Gone || !slices.Equal(d.Released, []string{"b@example.org"}) {
		t.Errorf("second try: %+v, %v", d, err)
	}
	if len(b.h.mails) != 2 || !slices.Equal(b.h.mails[1].to, []string{"b@example.org"}) {
		t.Errorf("sent %+v", b.h.mails)
	}
}

// TestAnswerLost: the next hop closes after the final dot.
func TestAnswerLost(t *testing.T) {
	b := setUp(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "220 hi\r\n250 hi\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n")
		var got []byte
		for buf := make([]byte, 4096); !bytes.HasSuffix(got, []byte("\r\n.\r\n")); {
			n, err := c.Read(buf)
			if got = append(got, buf[:n]...); err != nil {
				return
			}
		}
	}()
	good := b.o.Sender
	b.o.Sender = target(t, "smtp:"+l.Addr().String())
	m := b.hold(t, text, nil)
	d, err := b.Decide(t.Context(), m.ID, Ham, "anna")
	if err == nil || d.Gone || !d.InDoubt {
		t.Fatalf("%+v, %v", d, err)
	}
	if b.state(m) != spool.Releasing {
		t.Errorf("the spool says %d", b.state(m))
	}
	b.o.Sender = good
	notes := len(b.b.notes)
	if _, err = b.Decide(t.Context(), m.ID, Ham, "anna"); !errors.Is(err, spool.ErrInDoubt) || len(b.h.mails) != 0 || len(b.b.notes) != notes {
		t.Errorf("second try: %v; sent %d", err, len(b.h.mails))
	}
	list, err := b.List(spool.Unsure)
	if err != nil || len(list) != 1 || list[0].Stage != spool.StageInDoubt {
		t.Errorf("%+v, %v", list, err)
	}
	if d, err = b.DecideAgain(t.Context(), m.ID, Ham, "anna"); err != nil || !d.Gone || len(b.h.mails) != 1 {
		t.Errorf("by force: %+v, %v", d, err)
	}
}

func TestReleaseThroughACommand(t *testing.T) {
	b := setUp(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "sendmail")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncat > '"+dir+"/got'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.o.Sender = target(t, "sendmail:"+program)
	m := b.hold(t, text, nil)
	if d, err := b.Decide(t.Context(), m.ID, Release, "anna"); err != nil || !d.Gone {
		t.Fatalf("%+v, %v", d, err)
	}
	if got, err := os.ReadFile(dir + "/got"); err != nil || !releasedAs(strings.ReplaceAll(string(got), "\n", "\r\n"), text) {
		t.Errorf("%q, %v", got, err)
	}
	if b.state(m) != spool.Releasing { // it is queued, and has yet to pass the milter
		t.Errorf("the spool says %d", b.state(m))
	}
}

func TestClaimedByAnother(t *testing.T) {
	b := setUp(t)
	m := b.hold(t, text, nil)
	unlock, err := b.s.Claim(m.ID, "bert")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Decide(t.Context(), m.ID, Spam, "anna"); !errors.Is(err, spool.ErrClaimed) || !strings.Contains(err.Error(), "bert") || len(b.b.notes) != 0 {
		t.Errorf("%v", err)
	}
	unlock()
	if _, err := b.Decide(t.Context(), m.ID, Spam, "anna"); err != nil {
		t.Error(err)
	}
}

func TestOnlyOneOfManyDecides(t *testing.T) {
	b := setUp(t)
	m := b.hold(t, text, nil)
	b.o.Learner, b.o.Recorder = nil, nil
	var done sync.WaitGroup
	gone := make(chan bool, 8)
	for range cap(gone) {
		done.Go(func() {
			d, _ := b.Decide(context.Background(), m.ID, Release, "anna")
			gone <- d.Gone
		})
	}
	done.Wait()
	close(gone)
	n := 0
	for g := range gone {
		if g {
			n++
		}
	}
	if n != 1 || len(b.h.mails) != 1 {
		t.Errorf("%d decided, %d sent", n, len(b.h.mails))
	}
}

func TestCopies(t *testing.T) {
	b := setUp(t)
	asCopy := func(m *spool.Meta) { m.Box = spool.Copy }
	m := b.hold(t, text, asCopy)
	if _, err := b.Decide(t.Context(), m.ID, Release, "anna"); !errors.Is(err, spool.ErrIsCopy) {
		t.Errorf("release: %v", err)
	}
	d, err := b.Decide(t.Context(), m.ID, Ham, "anna")
	if err != nil || !d.Gone || len(b.h.mails) != 0 || d.Learned != "learned" {
		t.Errorf("ham: %+v, %v; sent %d", d, err, len(b.h.mails))
	}
}

func TestPartsThatAreMissing(t *testing.T) {
	b := setUp(t)
	m := b.hold(t, text, nil)
	b.o.Sender = nil
	if _, err := b.Decide(t.Context(), m.ID, Ham, "anna"); !errors.Is(err, ErrNoTarget) || len(b.b.notes) != 0 {
		t.Errorf("no sender: %v, learned %v", err, b.b.notes)
	}
	b.o.Learner = nil
	if _, err := b.Decide(t.Context(), m.ID, Spam, "anna"); err == nil || b.state(m) != spool.Held {
		t.Errorf("no learner: %v", err)
	}
	for _, id := range []string{"", "../../etc/passwd", "0123456789abcdef"} {
		if _, err := b.Decide(t.Context(), id, Discard, "anna"); err == nil {
			t.Errorf("id %q: no error", id)
		}
	}
	if _, err := b.Decide(t.Context(), m.ID, 9, "anna"); err == nil {
		t.Error("action 9: no error")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no spool: no error")
	}
}

func TestActions(t *testing.T) {
	for _, a := range []Action{Ham, Spam, Release, Discard} {
		if got, err := ParseAction(a.String()); got != a || err != nil {
			t.Errorf("ParseAction(%q) = %v, %v", a, got, err)
		}
	}
	for _, s := range []string{"", "HAM", "action 9"} {
		if _, err := ParseAction(s); err == nil {
			t.Errorf("ParseAction(%q): no error", s)
		}
	}
}

func TestExtensionsTheMessageNeeds(t *testing.T) {
	for name, tc := range map[string]struct {
		msg, args string
		body      smtp.BodyType
		utf8      bool
	}{
		"7-bit":           {text, "", "", false},
		"said":            {text, "SIZE=10 body=8bitmime SMTPUTF8", smtp.Body8BitMIME, true},
		"not said, 8-bit": {"Subject: x\r\n\r\n\xfc\r\n", "", smtp.Body8BitMIME, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := setUp(t)
			m := b.hold(t, tc.msg, func(m *spool.Meta) { m.Envelope.MailArgs = tc.args })
			if _, err := b.Decide(t.Context(), m.ID, Release, "anna"); err != nil {
				t.Fatal(err)
			}
			if o := b.h.mails[0].opts; o.Body != tc.body || o.UTF8 != tc.utf8 {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestExport(t *testing.T) {
	b := setUp(t)
	one := b.hold(t, text, nil)
	two := b.hold(t, "Subject: two\r\n\r\nno line end", nil)
	gone := b.hold(t, "Subject: three\r\n\r\nx", nil)
	if err := b.s.Discard(gone.ID); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, err := b.Export(t.Context(), &out, one.ID, gone.ID, two.ID)
	if n != 2 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	r := mbox.NewReader(&out)
	for i, want := range []string{"From here on", "no line end"} {
		msg, err := r.NextMessage()
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := io.ReadAll(msg); err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("message %d: %q, %v", i, raw, err)
		}
	}
	if _, err := r.NextMessage(); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
	if _, err := b.Export(t.Context(), &out, gone.ID); !errors.Is(err, spool.ErrNotHeld) {
		t.Errorf("only a decided one: %v", err)
	}
}
