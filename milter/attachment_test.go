package milter

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"fanmill/policy"
	"fanmill/policy/match"
	"fanmill/spool"
)

// attaching makes a mail with an attachment.
func attaching(about, name string, content []byte) mail {
	m := subject(about).with("MIME-Version", " 1.0").with("Content-Type", " multipart/mixed;\n\tboundary=\"b\"")
	m.body = "--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: application/octet-stream\r\n" +
		"Content-Disposition: attachment; filename=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString(content) + "\r\n--b--\r\n"
	return m
}

func zipWith(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRejectAttachments(t *testing.T) {
	const one, post, person, open = "one@example.net", "postmaster@example.net", "person@example.net", "open@example.net"
	program := append([]byte("MZ\x90\x00"), make([]byte, 100)...)
	for _, tt := range []struct {
		name   string
		change func(*rig)
		mail   mail
		code   int
		to     []string
		held   []string
		log    []string // parts of the log line
	}{
		{name: "by name", mail: attaching("score 0.01", "invoice.pdf.exe", nil), code: 550, log: []string{"outcome=reject", "rule=attachment", "attachment=invoice.pdf.exe"}},
		{name: "by content", mail: attaching("score 0.01", "invoice.pdf", program), code: 550, log: []string{`attachment="invoice.pdf (exe)"`}},
		{name: "in an archive", mail: attaching("score 0.01", "a.zip", zipWith(t, "a.txt", "b/c.scr")), code: 550, log: []string{`attachment="b/c.scr (in an archive)"`}},
		{name: "hostile name", mail: attaching("score 0.01", "\x1b[31ma.exe", nil), code: 550, log: []string{`[31ma.exe`}},
		{name: "spam too", mail: attaching("score 1", "a.exe", nil), code: 550, log: []string{"rule=attachment"}},
		{name: "harmless", mail: attaching("score 0.01", "invoice.pdf", []byte("%PDF-1.4")), code: 250, to: []string{one}, log: []string{"rule=default"}},
		{name: "before there is training", change: func(r *rig) { r.script.untrained = true }, mail: attaching("score 0.5", "a.exe", nil), code: 550},
		{name: "without a score", mail: attaching("error", "a.exe", nil), code: 550, log: []string{"rule=attachment"}},
		{name: "never refused", mail: attaching("score 0.01", "a.exe", nil).rcpt(post), code: 250, to: []string{post}, log: []string{"outcome=tag", "rule=attachment"}},
		{name: "unfiltered", mail: attaching("score 0.01", "a.exe", nil).rcpt(person), code: 250, to: []string{person}, log: []string{"rule=unfiltered"}},
		{name: "for some", mail: attaching("score 0.01", "a.exe", nil).rcpt(one, person), code: 250, to: []string{person}, log: []string{"recipient dropped", "rule=attachment"}},
		{name: "switched off by a rule", mail: attaching("score 0.01", "a.exe", nil).rcpt(open), code: 250, to: []string{open}},
		{
			name: "relayed", change: func(r *rig) { r.policy.OwnHosts, r.policy.SkipOwnHosts = []string{"192.0.2.7"}, false },
			mail: attaching("score 0.01", "a.exe", nil), code: 250, held: []string{one}, log: []string{"outcome=hold", "rule=attachment"},
		},
		{name: "observing", change: func(r *rig) { r.policy.Observe = true }, mail: attaching("score 0.01", "a.exe", nil), code: 250, to: []string{one}, log: []string{"rule=observe", "attachment=a.exe"}},
		{name: "not wanted", change: func(r *rig) { r.policy.RejectAttachments = nil }, mail: attaching("score 0.01", "a.exe", nil), code: 250, to: []string{one}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.learner = new(scores)
			r.policy.RejectAttachments = []string{match.Executable}
			r.policy.Unfiltered = []string{person}
			r.policy.Rules = []policy.Rule{{Name: "open", Recipients: []string{open}, RejectAttachments: []string{}}}
			if tt.change != nil {
				tt.change(r)
			}
			res := r.start().one(tt.mail)
			if res.code != tt.code || !slices.Equal(res.to, tt.to) {
				t.Errorf("answer %v", res)
			}
			if tt.code == 550 && !strings.HasPrefix(res.text, "550 5.7.1 "+textAttachment+" ") {
				t.Errorf("answer %q", res.text)
			}
			if tt.log != nil && r.log.lines(tt.log...) == 0 {
				t.Errorf("no log line with %q:\n%s", tt.log, r.log)
			}
			var held []string
			for _, m := range r.heldIn(spool.Unsure) {
				held = append(held, m.Envelope.Recipients...)
			}
			if !slices.Equal(held, tt.held) {
				t.Errorf("held for %q", held)
			}
			if learned := r.learner.(*scores).list; r.log.lines("rule=attachment") > 0 && len(learned) > 0 {
				t.Errorf("learned %v", learned)
			}
		})
	}
}

func TestBypassWord(t *testing.T) {
	const hint = "(put NOTSPAM in the subject to bypass the filter)"
	own := "NotSpam im Betreff hilft; Kennung:"
	for _, tt := range []struct {
		name   string
		change func(*rig)
		mail   mail
		code   int
		rule   string
		hint   bool // the answer tells of the word
	}{
		{name: "spam", mail: subject("score 1 (notspam)"), code: 250, rule: "accept/bypass"},
		{name: "unsure", mail: subject("score 0.5 NOTSPAM"), code: 250, rule: "accept/bypass"},
		{name: "ham", mail: subject("score 0.01 NOTSPAM"), code: 250, rule: "accept/default"},
		{name: "without", mail: subject("score 1 NOTSPAMMER"), code: 550, rule: "reject/default", hint: true},
		{name: "a text of its own", change: func(r *rig) { r.RejectText = own }, mail: subject("score 1"), code: 550, rule: "reject/default"},
		{name: "attachment", mail: attaching("score 1 NOTSPAM", "a.exe", nil), code: 550, rule: "reject/attachment"},
		{name: "blocked sender", mail: mail{from: "foe@example.com", to: []string{"one@example.net"}, headers: subject("score 1 NOTSPAM").headers}, code: 550, rule: "reject/foe"},
		{name: "no such word", change: func(r *rig) { r.policy.BypassWord = "" }, mail: subject("score 1 NOTSPAM"), code: 550, rule: "reject/default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.learner = new(scores)
			r.policy.BypassWord, r.policy.RejectAttachments = "NOTSPAM", []string{"exe"}
			r.policy.Rules = []policy.Rule{{Name: "foe", Senders: []string{"foe@example.com"}, Sender: policy.Block, AtEnd: true}}
			if tt.change != nil {
				tt.change(r)
			}
			res := r.start().one(tt.mail)
			if res.code != tt.code || r.rows.count(tt.rule) != 1 || strings.HasSuffix(res.text, hint) != tt.hint {
				t.Errorf("answer %v, counts %v", res, r.rows.counts)
			}
			if tt.rule != "accept/bypass" {
				return
			}
			if status := res.get("X-Fanmill-Status"); len(status) != 1 || strings.HasPrefix(status[0], " ham") {
				t.Errorf("status %q does not tell the score", status)
			}
			if learned := r.learner.(*scores).list; len(learned) > 0 {
				t.Errorf("learned %v", learned)
			}
		})
	}
}
