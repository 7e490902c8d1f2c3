package submit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-smtp"
)

const message = "Subject: x\r\n\r\nbody\r\n"

// hop is a real SMTP or LMTP server that keeps what it takes.
type hop struct {
	mu    sync.Mutex
	mails []taken
	rcpt  map[string]error // what it answers to a recipient
	after map[string]error // LMTP: what it answers for one after the dot
	data  error            // what it answers to the message
}

type taken struct {
	from string
	opts smtp.MailOptions
	to   []string
	body string
}

type session struct {
	h *hop
	t taken
}

func (h *hop) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{h: h}, nil }
func (s *session) Reset()                                  { s.t = taken{} }
func (s *session) Logout() error                           { return nil }

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.t = taken{from: from, opts: *o}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.h.rcpt[to]; err != nil {
		return err
	}
	s.t.to = append(s.t.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.h.data != nil {
		return s.h.data
	}
	s.t.body = string(raw)
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.mails = append(s.h.mails, s.t)
	return nil
}

func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	err := s.Data(r)
	for _, to := range s.t.to {
		if e := s.h.after[to]; e != nil {
			status.SetStatus(to, e)
		} else {
			status.SetStatus(to, err)
		}
	}
	return nil
}

func (h *hop) got(t *testing.T) taken {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.mails) != 1 {
		t.Fatalf("the next hop has %d messages, want 1", len(h.mails))
	}
	return h.mails[0]
}

// serve starts a server on a free port, or on a unix socket, and returns the
// target that leads to it.
func serve(t *testing.T, h *hop, kind, network string, set func(*smtp.Server)) string {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(h)
	s.Domain, s.LMTP, s.MaxLineLength = "hop.test.invalid", kind == "lmtp", 1<<20
	s.ErrorLog = nolog{}
	if set != nil {
		set(s)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	if network == "unix" {
		return kind + ":unix:" + address
	}
	return kind + ":" + l.Addr().String()
}

type nolog struct{}

func (nolog) Printf(string, ...any) {}
func (nolog) Println(...any)        {}

func send(t *testing.T, target string, o Options, msg io.Reader, to ...string) (Result, error) {
	t.Helper()
	s, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := s.Send(ctx, "a@example.com", to, o, msg)
	seen := append([]string{}, r.Accepted...)
	for _, e := range r.Refused {
		seen = append(seen, e.Recipient)
	}
	if len(seen) != len(to) {
		t.Errorf("%d recipients, but results for %v", len(to), seen)
	}
	if (err == nil) != (len(r.Accepted) > 0) {
		t.Errorf("error %v with %d accepted", err, len(r.Accepted))
	}
	return r, err
}

func TestTargets(t *testing.T) {
	for target, want := range map[string]string{
		"smtp:127.0.0.1:25": "", "smtp:[::1]:25": "", "lmtp:localhost:24": "", "lmtp:unix:/run/lmtp": "", "sendmail:/usr/sbin/sendmail": "",
		"": "want smtp:", "http://x": "want smtp:", "smtp:": "host and a port", "smtp:host": "host and a port", "smtp::25": "host and a port",
		"smtp:host:": "host and a port", "smtp:unix:/x": "host and a port", "lmtp:unix:relative": "host and a port", "sendmail:sendmail": "full path",
	} {
		s, err := New(target)
		switch {
		case want == "" && (err != nil || s.String() != target):
			t.Errorf("New(%q): %v", target, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("New(%q): %v, want it to say %q", target, err, want)
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, tc := range []struct{ kind, network string }{{"smtp", "tcp"}, {"lmtp", "tcp"}, {"lmtp", "unix"}} {
		t.Run(tc.kind+" "+tc.network, func(t *testing.T) {
			h := &hop{}
			to := []string{"a@example.org", "b@example.org"}
			r, err := send(t, serve(t, h, tc.kind, tc.network, nil), Options{}, strings.NewReader(message), to...)
			if err != nil || !reflect.DeepEqual(r, Result{Accepted: to}) {
				t.Errorf("%+v, %v", r, err)
			}
			got := h.got(t)
			if got.from != "a@example.com" || !reflect.DeepEqual(got.to, to) || got.body != message {
				t.Errorf("the next hop got %+v", got)
			}
		})
	}
}

func TestMessageArrivesByteForByte(t *testing.T) {
	for name, msg := range map[string]string{
		"dots":           "A: b\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n",
		"CRs":            "A: b\r\n\r\nx\ry\r\r\nz\r\r\r\n\r.\r\n",
		"NULs and 8-bit": "A: b\r\n\r\n\x00\xff\xfc\r\n",
		"long line":      "A: b\r\n\r\n" + strings.Repeat("x", 100_000) + "\r\n",
		"no body":        "A: b\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := &hop{}
			if _, err := send(t, serve(t, h, "smtp", "tcp", nil), Options{}, iotest.OneByteReader(strings.NewReader(msg)), "b@example.org"); err != nil {
				t.Fatal(err)
			}
			if got := h.got(t).body; got != msg {
				t.Errorf("got %.200q, want %.200q", got, msg)
			}
		})
	}
}

func TestLineEndsThatSMTPForbids(t *testing.T) {
	for msg, want := range map[string]string{
		"A: b\n\nx\n.\nMAIL FROM:<x>\n": "A: b\r\n\r\nx\r\n.\r\nMAIL FROM:<x>\r\n",
		"A: b\r\n\r\nno end":            "A: b\r\n\r\nno end\r\n",
	} {
		h := &hop{}
		if _, err := send(t, serve(t, h, "smtp", "tcp", nil), Options{}, strings.NewReader(msg), "b@example.org"); err != nil {
			t.Fatal(err)
		}
		if got := h.got(t).body; got != want {
			t.Errorf("%q arrives as %q, want %q", msg, got, want)
		}
	}
}

// TestDots has what a go-smtp server cannot be sent: it misses the final dot
// behind CR CR LF.
func TestDots(t *testing.T) {
	for msg, want := range map[string]string{
		"":           "",
		".":          "..\r\n",
		"CR\r":       "CR\r\r\n",
		"\r.\r\n":    "\r.\r\n",
		"\r\r\n.":    "\r\r\n..\r\n",
		"\n.\n":      "\r\n..\r\n",
		"a\r\n.\r\n": "a\r\n..\r\n",
	} {
		var b strings.Builder
		d := &dots{w: bufio.NewWriter(&b), bol: true}
		for _, c := range []byte(msg) {
			d.Write([]byte{c})
		}
		d.end()
		d.w.Flush()
		if b.String() != want {
			t.Errorf("%q becomes %q, want %q", msg, b.String(), want)
		}
	}
}

func TestNullSender(t *testing.T) {
	h := &hop{}
	s, err := New(serve(t, h, "smtp", "tcp", nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), "", []string{"b@example.org"}, Options{}, strings.NewReader(message)); err != nil {
		t.Fatal(err)
	}
	if got := h.got(t); got.from != "" {
		t.Errorf("sender %q", got.from)
	}
}

func TestExtensions(t *testing.T) {
	offer := func(s *smtp.Server) { s.EnableSMTPUTF8 = true }
	for name, tc := range map[string]struct {
		set  func(*smtp.Server)
		o    Options
		to   string
		utf8 bool
		body smtp.BodyType
		fail string
	}{
		"nothing needed":                  {offer, Options{}, "b@example.org", false, "", ""},
		"8-bit body":                      {offer, Options{Body8Bit: true}, "b@example.org", false, smtp.Body8BitMIME, ""},
		"asked for":                       {offer, Options{SMTPUTF8: true}, "b@example.org", true, "", ""},
		"asked for, not offered":          {nil, Options{SMTPUTF8: true}, "b@example.org", false, "", ""},
		"needed by an address":            {offer, Options{}, "jörg@example.org", true, "", ""},
		"needed by an address, not there": {nil, Options{}, "jörg@example.org", false, "", "SMTPUTF8"},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hop{}
			_, err := send(t, serve(t, h, "smtp", "tcp", tc.set), tc.o, strings.NewReader(message), tc.to)
			if tc.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fail) || ClassOf(err) != Permanent {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := h.got(t); got.opts.UTF8 != tc.utf8 || got.opts.Body != tc.body || got.to[0] != tc.to {
				t.Errorf("the next hop got %+v", got)
			}
		})
	}
}

func answer(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "so it is"}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		hop      *hop
		kind     string
		accepted []string
		classes  map[string]Class
		code     int
	}{
		"one recipient refused": {
			&hop{rcpt: map[string]error{"a@example.org": answer(550)}}, "smtp",
			[]string{"b@example.org"},
			map[string]Class{"a@example.org": Permanent},
			550,
		},
		"one recipient deferred": {
			&hop{rcpt: map[string]error{"b@example.org": answer(450)}}, "smtp",
			[]string{"a@example.org"},
			map[string]Class{"b@example.org": Temporary},
			450,
		},
		"all refused": {
			&hop{rcpt: map[string]error{"a@example.org": answer(550), "b@example.org": answer(550)}}, "smtp",
			nil,
			map[string]Class{"a@example.org": Permanent, "b@example.org": Permanent},
			550,
		},
		"message refused": {
			&hop{data: answer(554)}, "smtp",
			nil,
			map[string]Class{"a@example.org": Permanent, "b@example.org": Permanent},
			554,
		},
		"message deferred": {
			&hop{data: answer(451)}, "smtp",
			nil,
			map[string]Class{"a@example.org": Temporary, "b@example.org": Temporary},
			451,
		},
		"LMTP: one mailbox full": {
			&hop{after: map[string]error{"a@example.org": answer(452)}}, "lmtp",
			[]string{"b@example.org"},
			map[string]Class{"a@example.org": Temporary},
			452,
		},
		"LMTP: refused before and after the dot": {
			&hop{rcpt: map[string]error{"a@example.org": answer(551)}, after: map[string]error{"b@example.org": answer(551)}}, "lmtp",
			nil,
			map[string]Class{"a@example.org": Permanent, "b@example.org": Permanent},
			551,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := send(t, serve(t, tc.hop, tc.kind, "tcp", nil), Options{}, strings.NewReader(message), "a@example.org", "b@example.org")
			if !reflect.DeepEqual(r.Accepted, tc.accepted) {
				t.Errorf("accepted %v, want %v", r.Accepted, tc.accepted)
			}
			classes := map[string]Class{}
			for _, e := range r.Refused {
				classes[e.Recipient] = e.Class
				if e.Code != tc.code || !strings.Contains(e.Text, "so it is") {
					t.Errorf("refusal %+v, want code %d", e, tc.code)
				}
			}
			if !reflect.DeepEqual(classes, tc.classes) {
				t.Errorf("refused %v, want %v (%v)", classes, tc.classes, err)
			}
		})
	}
}

func TestMixedRefusalsCountAsTemporary(t *testing.T) {
	h := &hop{rcpt: map[string]error{"a@example.org": answer(550), "b@example.org": answer(450)}}
	_, err := send(t, serve(t, h, "smtp", "tcp", nil), Options{}, strings.NewReader(message), "a@example.org", "b@example.org")
	if ClassOf(err) != Temporary {
		t.Errorf("%v", err)
	}
}

func TestAddressesCannotEndTheCommand(t *testing.T) {
	h := &hop{}
	target := serve(t, h, "smtp", "tcp", nil)
	for _, a := range []string{
		"b@example.org>\r\nRCPT TO:<c@example.org", "b\x00@example.org", "b@example.org> SIZE=1", "", "b c@example.org",
		`"b"@example.org> SIZE=1`, `b@example.org> ORCPT="x`, `"b\"@example.org`,
	} {
		if _, err := send(t, target, Options{}, strings.NewReader(message), a); ClassOf(err) != Permanent || err == nil {
			t.Errorf("%q: %v", a, err)
		}
	}
	for _, a := range []string{`"b c>"@example.org`, `"b\" <c"@example.org`} {
		if _, err := send(t, target, Options{}, strings.NewReader(message), a); err != nil {
			t.Errorf("%q: %v", a, err)
		}
	}
	if _, err := send(t, target, Options{}, strings.NewReader(message)); err == nil {
		t.Error("no recipients: no error")
	}
}

// TestUnreadableMessageIsNotSentInHalf: the disk fails in the middle.
func TestUnreadableMessageIsNotSentInHalf(t *testing.T) {
	h := &hop{}
	broken := io.MultiReader(strings.NewReader(message), iotest.ErrReader(errors.New("disk on fire")))
	_, err := send(t, serve(t, h, "smtp", "tcp", nil), Options{}, broken, "b@example.org")
	if err == nil || ClassOf(err) != Temporary || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("%v", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.mails) != 0 {
		t.Errorf("the next hop took %q", h.mails[0].body)
	}
}
