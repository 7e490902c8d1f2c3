package review

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"fanmill/classify"
	"fanmill/spool"
	"fanmill/submit"
)

// hop is a real SMTP server: the next hop of a release.
type hop struct {
	mu     sync.Mutex
	rcpt   map[string]error
	data   error
	mails  []mail
	during func() // called while a message is being handed over
}

type mail struct {
	from string
	to   []string
	body string
	opts smtp.MailOptions
}

type session struct {
	h *hop
	m mail
}

func (h *hop) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{h: h}, nil }
func (s *session) Reset()                                  { s.m = mail{} }
func (s *session) Logout() error                           { return nil }

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.m = mail{from: from, opts: *o}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.h.rcpt[to]; err != nil {
		return err
	}
	s.m.to = append(s.m.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.h.during != nil {
		s.h.during()
	}
	if s.h.data != nil {
		return s.h.data
	}
	s.m.body = string(raw)
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.mails = append(s.h.mails, s.m)
	return nil
}

func answer(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "so it is"}
}

func serve(t *testing.T, h *hop) *submit.Sender {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(h)
	s.Domain, s.EnableSMTPUTF8 = "hop.test.invalid", true
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return target(t, "smtp:"+l.Addr().String())
}

func target(t *testing.T, name string) *submit.Sender {
	t.Helper()
	s, err := submit.New(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// book is a learner and a recorder that writes down what it is told, in order.
type book struct {
	notes   []string
	raw     []byte
	fail    error
	entries []Entry
	h       *hop
}

func (b *book) Learn(_ context.Context, c classify.Verdict, raw []byte, scope, actor string) (string, error) {
	sent := 0
	if b.h != nil {
		b.h.mu.Lock()
		sent = len(b.h.mails)
		b.h.mu.Unlock()
	}
	if sent > 0 {
		b.notes = append(b.notes, "too late")
	}
	b.notes, b.raw = append(b.notes, "learn "+c.String()+" for "+scope+" by "+actor), raw
	return "learned", b.fail
}

func (b *book) Record(e Entry) { b.entries = append(b.entries, e) }

type bench struct {
	*Desk
	s *spool.Spool
	h *hop
	b *book
}

func setUp(t *testing.T) *bench {
	t.Helper()
	s, err := spool.Open(filepath.Join(t.TempDir(), "spool"), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h := &hop{}
	b := &book{h: h}
	d, err := New(Options{Spool: s, Sender: serve(t, h), Learner: b, Recorder: b})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{d, s, h, b}
}

const text = "Subject: hello\r\n\r\nFrom here on\r\n"

// hold puts a message into the spool; change may alter its envelope before.
func (b *bench) hold(t *testing.T, msg string, change func(*spool.Meta)) spool.Meta {
	t.Helper()
	sum := sha256.Sum256([]byte(msg))
	m := spool.Meta{
		ID: b.s.NewID(), Box: spool.Unsure, Digest: hex.EncodeToString(sum[:]), Verdict: "unsure", Score: 0.4, Scope: "site",
		Time: time.Now(), Envelope: spool.Envelope{Sender: "a@example.com", Recipients: []string{"b@example.org", "c@example.org"}},
	}
	if change != nil {
		change(&m)
	}
	d := b.s.NewDraft()
	w := spool.NewMessageWriter(d, m.Envelope, m.Time, "own.example.org", m.ID)
	head, body, _ := strings.Cut(msg, "\r\n\r\n")
	for _, f := range strings.Split(head, "\r\n") {
		name, value, _ := strings.Cut(f, ":")
		w.Header([]byte(name), []byte(value))
	}
	w.EndHeaders()
	w.Body([]byte(body))
	if err := b.s.Hold(d, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *bench) state(m spool.Meta) spool.State {
	st, _ := b.s.Seen(m.Digest, m.Envelope.Sender, m.Envelope.Recipients)
	return st
}

func (b *bench) listed(t *testing.T, box spool.Box) int {
	t.Helper()
	list, err := b.List(box)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
