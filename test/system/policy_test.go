//go:build system

package system

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/test/harness"
)

// names of recipients the tables below use.
const (
	person    = "people@" + harness.NextDomain     // passed unfiltered
	person2   = "person2@" + harness.NextDomain    // passed unfiltered
	post      = "postmaster@" + harness.NextDomain // never refused
	listOne   = "one@" + harness.NextDomain
	listTwo   = "two@" + harness.NextDomain
	listThree = "three@" + harness.NextDomain
)

// people is the configuration that passes person and person2 unfiltered.
func people(over map[string]any) tree {
	return tree{"policy": {"unfiltered": []string{"people@" + harness.NextDomain, "/^person[0-9]+@/"}}}.With(tree{"policy": over})
}

// row is one message for several recipients and what must become of it.
type row struct {
	name      string
	kind      kind
	to        []string
	code      int
	delivered []string
	held      []string
	mtaHold   int // messages in the MTA's own quarantine
}

// Design section 4, each row through both MTAs. The recipients' order must not
// matter: each row is run both ways round.
func TestSeveralRecipients(t *testing.T) { behindBoth(t, testSeveralRecipients) }

func testSeveralRecipients(t *testing.T, m server) {
	tables := map[string]struct {
		policy map[string]any
		rows   []row
	}{
		"split": {nil, []row{
			{name: "all reject", kind: spam, to: []string{listOne, listTwo}, code: 550},
			{name: "all hold", kind: unsure, to: []string{listOne, listTwo}, code: 250, held: []string{listOne, listTwo}},
			{name: "all accept", kind: ham, to: []string{listOne, listTwo}, code: 250, delivered: []string{listOne, listTwo}},
			{name: "accept and reject", kind: spam, to: []string{person, listOne}, code: 250, delivered: []string{person}},
			{name: "accept, reject, reject", kind: spam, to: []string{person, listOne, listTwo}, code: 250, delivered: []string{person}},
			{name: "accept and hold", kind: unsure, to: []string{person, listOne, listTwo}, code: 250, delivered: []string{person}, held: []string{listOne, listTwo}},
			{name: "tag and reject", kind: spam, to: []string{post, listOne}, code: 250, delivered: []string{post}},
			{name: "all unfiltered", kind: spam, to: []string{person, person2}, code: 250, delivered: []string{person, person2}},
			{name: "only a tagged one", kind: spam, to: []string{post}, code: 250, delivered: []string{post}},
		}},
		"lenient": {map[string]any{"mixed": "lenient"}, []row{
			{name: "accept and reject", kind: spam, to: []string{person, listOne}, code: 250, delivered: []string{person, listOne}},
			{name: "accept and hold", kind: unsure, to: []string{person, listOne}, code: 250, delivered: []string{person, listOne}},
			{name: "all reject", kind: spam, to: []string{listOne, listTwo}, code: 550},
		}},
		"strict": {map[string]any{"mixed": "strict"}, []row{
			{name: "unfiltered and reject", kind: spam, to: []string{person, listOne}, code: 250, delivered: []string{person}},
			{name: "unfiltered and hold", kind: unsure, to: []string{person, listOne}, code: 250, delivered: []string{person}, held: []string{listOne}},
			{name: "all reject", kind: spam, to: []string{listOne, listTwo}, code: 550},
		}},
		"quarantine": {map[string]any{"spam": "quarantine"}, []row{
			{name: "all quarantine", kind: spam, to: []string{listOne, listTwo}, code: 250, mtaHold: 1},
			{name: "quarantine counts as hold", kind: spam, to: []string{person, listOne}, code: 250, delivered: []string{person}, held: []string{listOne}},
		}},
		"discard": {map[string]any{"spam": "discard"}, []row{
			{name: "all discard", kind: spam, to: []string{listOne, listTwo}, code: 250},
			{name: "accept and discard", kind: spam, to: []string{person, listOne}, code: 250, delivered: []string{person}},
		}},
		"hold": {map[string]any{"spam": "hold"}, []row{
			{name: "all hold", kind: spam, to: []string{listOne, listTwo, listThree}, code: 250, held: []string{listOne, listTwo, listThree}},
		}},
		"tag": {map[string]any{"spam": "tag", "unsure": "tag"}, []row{
			{name: "spam is tagged", kind: spam, to: []string{listOne, person}, code: 250, delivered: []string{listOne, person}},
			{name: "unsure is tagged", kind: unsure, to: []string{listOne}, code: 250, delivered: []string{listOne}},
		}},
	}
	s := newSite(t, plan{server: m})
	n := 0
	for name, table := range tables {
		s.restart(people(table.policy))
		for _, r := range table.rows {
			t.Run(name+"/"+r.name, func(t *testing.T) {
				s.row(t, r, 2*n)
				slices.Reverse(r.to)
				s.row(t, r, 2*n+1)
			})
			n++
		}
	}
}

// row sends one message of the row's kind and compares what became of it.
func (s *site) row(t *testing.T, r row, n int) {
	t.Helper()
	data := compose(r.kind, n)
	id := harness.Fields(data, "Message-ID")[0]
	before := len(must(s.MTA.Queue()))
	res := s.send(data, r.to...)
	if res.Final.Code != r.code {
		t.Errorf("answer %v, want %d", res.Final, r.code)
	}
	s.drain()
	delivered, held := []string{}, []string{}
	for _, d := range s.Sink.Deliveries() {
		if got := harness.Fields(d.Data, "Message-ID"); len(got) == 1 && got[0] == id {
			delivered = append(delivered, d.Recipients...)
		}
	}
	copies := 0
	for _, h := range must(harness.Held(s.Data)) {
		if h.MessageID == id || "<"+h.MessageID+">" == id {
			held = append(held, h.Envelope.Recipients...)
			copies++
		}
	}
	same(t, "delivered to", delivered, r.delivered)
	same(t, "held for", held, r.held)
	if copies > 1 {
		t.Errorf("%d held copies, want one", copies)
	}
	if q := len(must(s.MTA.Queue())) - before; q != r.mtaHold {
		t.Errorf("%d more messages in the MTA's hold queue, want %d", q, r.mtaHold)
	}
	if !slices.Equal(r.delivered, []string{person}) && len(r.delivered) > 0 && !slices.Contains(r.to, person2) {
		for _, d := range s.Sink.Deliveries() {
			if got := harness.Fields(d.Data, "Message-ID"); len(got) == 1 && got[0] == id {
				verdict(t, d.Data)
			}
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s %v, want %v", what, got, want)
	}
}

// A message that cannot be held is deferred, for all its recipients, and nobody gets
// anything: the sender tries again.
func TestHoldingFails(t *testing.T) { behindBoth(t, testHoldingFails) }

func testHoldingFails(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: people(nil).With(tree{"spool": {"min_free": "1TiB"}})})
	for n, r := range []row{
		{kind: unsure, to: []string{listOne}, code: 451},
		{kind: unsure, to: []string{person, listOne}, code: 451},
		{kind: spam, to: []string{listOne}, code: 550},
		{kind: ham, to: []string{listTwo}, code: 250, delivered: []string{listTwo}},
	} {
		s.row(t, r, n)
	}
}

// A sender that must split: the second recipient with other rules hears 452.
func TestOnePolicyPerMessage(t *testing.T) { behindBoth(t, testOnePolicyPerMessage) }

func testOnePolicyPerMessage(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: people(map[string]any{"one_policy_per_message": true})})
	res := s.send(compose(spam, 1), person, listOne)
	if len(res.Rcpt) != 2 || !res.Rcpt[0].OK() || res.Rcpt[1].Code != 452 || !strings.HasPrefix(res.Rcpt[1].Text, "4.5.3") {
		t.Fatalf("answers to RCPT: %v", res.Rcpt)
	}
	s.one(person)
	s.none(listOne)
	s.refuse(compose(spam, 1), listOne)
}

// Mail for people is neither scored nor recorded.
func TestUnfilteredMailLeavesNoTrace(t *testing.T) { behindBoth(t, testNoTrace) }

func testNoTrace(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: people(nil)})
	data := append([]byte("X-Secret: leaveNoTrace\n"), compose(spam, 1)...)
	s.take(data, person, person2)
	d := s.one(person)
	if v := harness.Fields(d.Data, "X-Fanmill-Status"); len(v) != 0 {
		t.Errorf("unfiltered mail carries a verdict: %q", v)
	}
	check(t, s.Daemon.Stop(stopLimit))
	for _, r := range s.history() {
		t.Errorf("unfiltered mail is on record: %+v", r)
	}
	check(t, filepath.WalkDir(s.Data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("leaveNoTrace")) {
			t.Errorf("%s holds text of unfiltered mail", path)
		}
		return err
	}))
}

func TestSkippedClients(t *testing.T) { behindBoth(t, testSkippedClients) }

func testSkippedClients(t *testing.T, m server) {
	trusted := harness.Identity{Addr: "192.0.2.77", Name: "trusted.example.net", Helo: "trusted.example.net"}
	login := harness.Stranger
	login.Login = "alice"
	s := newSite(t, plan{server: m})
	on := tree{"policy": {"trusted_networks": []string{"192.0.2.0/24"}, "skip_trusted": true, "skip_authenticated": true}}
	off := tree{"policy": {"trusted_networks": []string{"192.0.2.0/24"}, "skip_trusted": false, "skip_authenticated": false}}
	for n, c := range []struct {
		name   string
		config tree
		as     harness.Identity
		code   int
	}{
		{"trusted, skipped", on, trusted, 250},
		{"authenticated, skipped", on, login, 250},
		{"stranger", on, harness.Stranger, 550},
		{"trusted, not skipped", off, trusted, 550},
		{"authenticated, not skipped", off, login, 550},
	} {
		if c.as.Login != "" && m == sendmail {
			continue // only XCLIENT logs in without a password
		}
		t.Run(c.name, func(t *testing.T) {
			s.restart(c.config)
			r := to("skip", n)
			if res := s.sendAs(c.as, withForged(compose(spam, n)), r); res.Final.Code != c.code {
				t.Fatalf("answer %v, want %d", res.Final, c.code)
			}
			if c.code != 250 {
				s.none(r)
				return
			}
			d := s.one(r)
			for _, name := range append(forgedNames, "X-Fanmill-Status") {
				if v := harness.Fields(d.Data, name); len(v) != 0 {
					t.Errorf("skipped mail carries %s: %q", name, v)
				}
			}
		})
	}
}

// Attachments are refused whatever the score, and the bypass word lets a message pass.
func TestAttachmentsAndBypass(t *testing.T) { behindBoth(t, testAttachmentsAndBypass) }

func testAttachmentsAndBypass(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: people(map[string]any{"reject_attachments": []string{"executable"}, "bypass_word": "NOTSPAM"})})
	word := func(data []byte) []byte {
		return bytes.Replace(data, []byte("Subject: "), []byte("Subject: NotSpam "), 1)
	}
	for n, c := range []struct {
		name      string
		data      []byte
		to        []string
		code      int
		text      string // in the answer
		delivered []string
	}{
		{"program", attach(compose(ham, 900), "invoice.pdf.exe"), []string{listOne}, 550, "attachment of a type", nil},
		{"program for one who is not filtered", attach(compose(ham, 901), "invoice.pdf.exe"), []string{person, listOne}, 250, "", []string{person}},
		{"document", attach(compose(ham, 902), "invoice.pdf"), []string{listOne}, 250, "", []string{listOne}},
		{"spam", compose(spam, 903), []string{listOne}, 550, "put NOTSPAM in the subject", nil},
		{"spam with the word", word(compose(spam, 904)), []string{listOne}, 250, "", []string{listOne}},
		{"program with the word", word(attach(compose(spam, 905), "a.js")), []string{listOne}, 550, "attachment of a type", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := s.send(c.data, c.to...)
			if res.Final.Code != c.code || !strings.Contains(res.Final.Text, c.text) {
				t.Errorf("answer %v, want %d with %q", res.Final, c.code, c.text)
			}
			s.drain()
			id, delivered := harness.Fields(c.data, "Message-ID")[0], []string(nil)
			for _, d := range s.Sink.Deliveries() {
				if got := harness.Fields(d.Data, "Message-ID"); len(got) == 1 && got[0] == id {
					delivered = append(delivered, d.Recipients...)
				}
			}
			if !slices.Equal(delivered, c.delivered) {
				t.Errorf("message %d was delivered to %q, want %q", n, delivered, c.delivered)
			}
		})
	}
}

// attach makes a message one with an attachment.
func attach(data []byte, name string) []byte {
	header, body, _ := bytes.Cut(data, []byte("\n\n"))
	return fmt.Appendf(nil, "%s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\n%s\n--b\n"+
		"Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=%q\n\nattached\n--b--\n", header, body, name)
}

// Behind a relay of ours a reject would make the relay bounce to a forged
// sender: it becomes a hold, and the client is read from the relay's line.
func TestRelayedSpamIsHeld(t *testing.T) { behindBoth(t, testRelayedSpam) }

func testRelayedSpam(t *testing.T, m server) {
	relay := harness.Identity{Addr: "192.0.2.25", Name: "backup.test.invalid", Helo: "backup.test.invalid"}
	s := newSite(t, plan{server: m, config: tree{"policy": {"own_hosts": []string{"mx." + harness.NextDomain, "backup.test.invalid", "192.0.2.25"}, "skip_own_hosts": false}}})
	line := "Received: from evil.example.org (evil.example.org [198.51.100.66])\n\tby backup.test.invalid (Postfix) with ESMTP id 1\n\tfor <x@test.invalid>; Mon, 5 Jan 2026 10:00:00 +0000\n"
	if res := s.sendAs(relay, append([]byte(line), compose(spam, 1)...), to("relayed", 1)); res.Final.Code != 250 {
		t.Fatalf("answer %v, want 250", res.Final)
	}
	s.none(to("relayed", 1))
	s.heldOne(to("relayed", 1))
}

func TestObserveHasNoEffect(t *testing.T) { behindBoth(t, testObserve) }

func testObserve(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: tree{"policy": {"observe": true}}})
	for n, k := range []kind{ham, spam, unsure} {
		s.take(compose(k, n), to("observe", n))
		d := s.one(to("observe", n))
		if got, want := bodyOf(d.Data), bodyOf(harness.CRLF(compose(k, n))); string(got) != string(want) {
			t.Errorf("%v body changed", k)
		}
		if v := harness.Fields(d.Data, "X-Fanmill-Status"); len(v) != 0 {
			t.Errorf("observing wrote a header: %q", v)
		}
	}
	if h := must(harness.Held(s.Data)); len(h) != 0 {
		t.Errorf("observing held %d messages", len(h))
	}
	check(t, s.Daemon.Stop(stopLimit))
	got := []string{}
	for _, r := range s.history() {
		got = append(got, r.Verdict)
	}
	same(t, "verdicts on record", got, []string{"ham", "spam", "unsure"})
}

// Invariant 12: without 50 + 50 labels nothing is refused, held or delayed.
func TestUntrainedSiteOnlyTags(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{fresh: true})
	for _, k := range []kind{ham, spam} {
		var list [][]byte
		for n := range 49 {
			list = append(list, compose(k, 500+n))
		}
		s.learn(k.String(), list...)
	}
	for n, k := range []kind{ham, spam, unsure} {
		s.take(compose(k, n), to("untrained", n))
		verdict(t, s.one(to("untrained", n)).Data)
	}
	s.learn("ham", compose(ham, 600))
	s.learn("spam", compose(spam, 600))
	s.eventually("spam is refused after 50 + 50 labels", func() bool {
		return s.send(compose(spam, 700), to("trained", 700)).Final.Code == 550
	})
}
