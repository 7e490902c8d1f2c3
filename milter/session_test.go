package milter

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fanmill/policy"
	"fanmill/spool"
)

// newSession is a session without a server, of an MTA that can do everything.
func (r *rig) newSession() *session {
	e := newEngine(context.Background(), r.parts(), r.settings())
	return e.newSession(abilities{insert: true, change: true, deleteRecipient: true, quarantine: true})
}

func noProgress() error { return nil }

// play drives a session by one letter an event:
// c connect, h helo, m mail, r rcpt, d data, l header, n end of headers,
// b body, e end of message, a abort. It returns the answers to e and r.
func play(s *session, events string) (answers []answer, refusals []refusal) {
	for _, ev := range events {
		switch ev {
		case 'c':
			s.connect("client.example.com", "tcp4", "192.0.2.7", 25)
		case 'h':
			s.helo("client.example.com")
		case 'm':
			s.mail("a@example.com", "SIZE=1", facts{queueID: "Q1"})
		case 'r':
			refusals = append(refusals, s.rcpt("one@example.net"))
		case 'd':
			s.data("Q2")
		case 'l':
			s.header("Subject", " score 0.01")
		case 'n':
			s.endHeaders()
		case 'b':
			s.body([]byte("body\r\n"))
		case 'e':
			answers = append(answers, s.end("Q3", noProgress))
		case 'a':
			s.abort()
		}
	}
	return answers, refusals
}

func outcomes(answers []answer) []policy.Outcome {
	var o []policy.Outcome
	for _, a := range answers {
		o = append(o, a.outcome)
	}
	return o
}

func TestEventsInAnyOrder(t *testing.T) {
	const ok, fail = policy.Accept, policy.Fail
	tests := []struct {
		events string
		want   []policy.Outcome
	}{
		{"chmrdlnbe", []policy.Outcome{ok}},
		{"mrdlnbe", []policy.Outcome{ok}},                      // no connect, no helo
		{"chhmrlbe", []policy.Outcome{ok}},                     // no data, no eoh
		{"chmrle", []policy.Outcome{ok}},                       // header only
		{"chmrne", []policy.Outcome{ok}},                       // nothing at all
		{"chmre", []policy.Outcome{ok}},                        // not even its end
		{"chmrbbbe", []policy.Outcome{ok}},                     // no header
		{"e", []policy.Outcome{fail}},                          // end without mail
		{"che", []policy.Outcome{fail}},                        //
		{"chlnbe", []policy.Outcome{fail}},                     // content without mail
		{"chmdlnbe", []policy.Outcome{fail}},                   // no recipient
		{"chmrlnle", []policy.Outcome{fail}},                   // header behind the header's end
		{"chmrlnblbe", []policy.Outcome{fail}},                 // header behind body
		{"chmrlre", []policy.Outcome{fail}},                    // recipient behind header
		{"chmrlnbemrlnbe", []policy.Outcome{ok, ok}},           // two messages
		{"chmrlnbeamrlnbe", []policy.Outcome{ok, ok}},          // abort behind the end
		{"chmrlnbee", []policy.Outcome{ok, fail}},              // two ends
		{"chmrlnlemrlnbe", []policy.Outcome{fail, ok}},         // a spoiled one spoils no other
		{"chmrlnmrlnbe", []policy.Outcome{ok}},                 // mail drops the message before it
		{"chmrlncmrlnbe", []policy.Outcome{ok}},                // connect, too
		{"aaachamaramrabalanaeaa", []policy.Outcome{fail}},     // aborts everywhere
		{"chmamramrlamrlnamrlnbamrlnbe", []policy.Outcome{ok}}, // abort at every stage
		{"chmrrrrlnbe", []policy.Outcome{ok}},                  // the same recipient again
	}
	for _, tt := range tests {
		t.Run(tt.events, func(t *testing.T) {
			r := newRig(t)
			s := r.newSession()
			answers, _ := play(s, tt.events)
			if got := outcomes(answers); !slices.Equal(got, tt.want) {
				t.Errorf("outcomes %v, want %v; log:\n%s", got, tt.want, r.log)
			}
			s.abort()
			r.checkNothingLeft(t)
		})
	}
}

// checkNothingLeft wants no draft to be left behind.
func (r *rig) checkNothingLeft(t interface{ Errorf(string, ...any) }) {
	left, err := filepath.Glob(filepath.Join(r.dir, "spool", "tmp", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func TestAnyEventsDoNoHarm(t *testing.T) {
	r := newRig(t)
	s := r.newSession()
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.StringOfN(rapid.SampledFrom([]rune("chmrdlnbea")), 0, 60, -1).Draw(t, "events")
		answers, _ := play(s, events)
		if len(answers) != strings.Count(events, "e") {
			t.Fatalf("%d answers", len(answers))
		}
		answers, refusals := play(s, "acmrlnbe")
		if len(answers) != 1 || answers[0].outcome != policy.Accept || refusals[0] != refuseNone {
			t.Fatalf("a good message afterwards: %v, %v", answers, refusals)
		}
		r.checkNothingLeft(t)
	})
}

func TestWhoIsTheClient(t *testing.T) {
	s := newRig(t).newSession()
	for _, tt := range []struct {
		host, family, addr string
		port               uint16
		name               string
		local              bool
	}{
		{"Mail.Example.COM.", "tcp4", "192.0.2.7", 1025, "mail.example.com", false},
		{"unknown", "tcp4", "192.0.2.7", 1025, "", false},
		{"[192.0.2.7]", "tcp4", "192.0.2.7", 1025, "", false},
		{"a.example (may be forged)", "tcp4", "192.0.2.7", 1025, "", false},
		{"a.example", "tcp6", "2001:db8::1", 1025, "a.example", false},
		{"a.example", "tcp6", "::ffff:192.0.2.7", 1025, "a.example", false},
		{"localhost", "tcp4", "127.0.0.1", 1025, "localhost", false},
		{"localhost", "tcp4", "127.0.0.1", 0, "localhost", true}, // sendmail(1) in Postfix
		{"localhost", "unix", "/run/x", 0, "localhost", true},
		{"unknown", "unknown", "", 0, "", false},
	} {
		s.connect(tt.host, tt.family, tt.addr, tt.port)
		if s.client.Name != tt.name || s.local != tt.local || s.client.Addr.Is4In6() {
			t.Errorf("%+v: client %+v, local %v", tt, s.client, s.local)
		}
	}
}

func TestLocalMailIsNeverRefusedAtRcpt(t *testing.T) {
	r := newRig(t)
	r.policy.OnePolicy, r.policy.Unfiltered, r.policy.SkipTrusted = true, []string{"person@example.net"}, false
	s := r.newSession()
	s.connect("localhost", "tcp4", "127.0.0.1", 0)
	s.mail("a@example.net", "", facts{})
	for _, to := range []string{"one@example.net", "person@example.net"} {
		if got := s.rcpt(to); got != refuseNone {
			t.Errorf("RCPT %s refused: %s", to, got)
		}
	}
}

func TestRecipientsAreBounded(t *testing.T) {
	s := newRig(t).newSession()
	play(s, "chm")
	for i := range maxRecipients + 1 {
		if got, want := s.rcpt("a@example.net"), i == maxRecipients; (got != refuseNone) != want {
			t.Fatalf("recipient %d: %q", i, got)
		}
	}
}

// TestWhatIsKeptOfAHeldMessage compares the spool with what came in.
func TestWhatIsKeptOfAHeldMessage(t *testing.T) {
	r := newRig(t).start()
	m := subject("score 0.5").with("X-Spam-Status", " No,\n\tforged").with("X-Tab", "\tno blank").with("X-None", "").rcpt("one@example.net", "two@example.net")
	if res := r.one(m); !res.discarded {
		t.Fatalf("answer %v", res)
	}
	held := r.heldIn(spool.Unsure)
	if len(held) != 1 {
		t.Fatalf("%d held", len(held))
	}
	meta, env := held[0], held[0].Envelope
	if env.Sender != m.from || !slices.Equal(env.Recipients, m.to) || env.ClientAddr != "192.0.2.7" || env.ClientName != "client.example.com" ||
		env.QueueID != "4QUEUEID" || env.Macros["j"] != "mx.example.net" || meta.Verdict != "unsure" || meta.Score != 0.5 || meta.Subject != "score 0.5" || len(meta.Digest) != 64 {
		t.Errorf("meta %+v", meta)
	}
	head, body, _ := strings.Cut(r.message(meta.ID), "\n\n")
	lines := strings.Split(head, "\n")
	want := []string{
		"Received: from a by b;", "\tSun, 22 Nov 2026 10:00:00 +0000", "From: Sender <sender@example.com>", "Subject: score 0.5",
		"Message-ID: <score.0.5@example.com>", "X-Tab:\tno blank", "X-None:",
	}
	if !strings.HasPrefix(lines[0], "From sender@example.com ") || lines[1] != "Return-Path: <sender@example.com>" ||
		lines[2] != "Received: from client.example.com (client.example.com [192.0.2.7])" || !strings.HasPrefix(lines[3], "\tby mx.example.net (fanmill) id "+meta.ID) {
		t.Errorf("prefix %q", lines[:4])
	}
	if !slices.Equal(lines[4:], want) {
		t.Errorf("fields %q\nwant   %q", lines[4:], want)
	}
	if body != "Hello,\n\n>From here on.\n" {
		t.Errorf("body %q", body)
	}
	if rec := r.rows.all(); len(rec) != 1 || rec[0].ID != meta.ID || rec[0].Outcome != "hold" || rec[0].Digest.String() != meta.Digest {
		t.Errorf("history %+v", rec)
	}
}

func TestHostileTextInLogs(t *testing.T) {
	r := newRig(t)
	s := r.newSession()
	s.connect("a\x1b[2J\u202eb", "tcp4", "192.0.2.7", 25)
	s.mail("x\x1b]0;t\x07@\xffexample.com\u2028", "", facts{queueID: "Q\n\x00"})
	s.rcpt("one@example.net")
	s.header("Subject", " error \x1b[31m")
	s.header("Message-Id", strings.Repeat("\x9b", 2000))
	s.end("", noProgress)
	for i, c := range r.log.String() {
		if c != '\n' && (c < ' ' || c > '~') {
			t.Errorf("character %q at %d of the log", c, i)
		}
	}
	if r.log.lines("msg=message") != 1 {
		t.Errorf("log %q", r.log)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain <a@b>": "plain <a@b>", "": "", "a\nb": `a\nb`, "\xff": `\xff`, "\u202e": `\u202e`, "äö": "äö",
		strings.Repeat("x", 300): strings.Repeat("x", maxClean),
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMainLogsEverythingWithLevel(t *testing.T) {
	// A failed message is a warning, so that it is seen at the usual log level.
	r := newRig(t)
	play(r.newSession(), "che")
	play(r.newSession(), "chmrlnlbe")
	if n := r.log.lines("level="+slog.LevelWarn.String(), "msg=message", "err="); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, r.log)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "spool", "unsure")); err != nil {
		t.Error(err)
	}
}
