//go:build system

package system

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/store/history"
	"fanmill/test/harness"
	"fanmill/training/corpus"
)

// Invariant 1: the same message has the same features and digest wherever it is
// found. Every message goes through real Postfix and through real Sendmail to two
// recipients: one passed unfiltered, delivered into a Maildir, and one for whom it is
// held. What the milter found at SMTP time (from the history) must be the same behind
// both, and be found again in the Maildir copy, the .msg, the export and the seed's
// mbox of all .msg files.
func TestSameFeaturesEverywhere(t *testing.T) {
	t.Parallel()
	public := []harness.Identity{
		harness.Stranger,
		{Addr: "198.51.100.20", Helo: "[198.51.100.20]"},
		{Addr: "198.51.100.21", Name: "Host.Example.ORG", Helo: "friend"},
		{Addr: "IPV6:2001:4860:0:1::5", Name: "six.example.org", Helo: "six.example.org"},
	}
	private := append([]harness.Identity{
		harness.Loopback,
		{Addr: "192.168.7.8", Name: "desk.local", Helo: "desk"},
		{Addr: "IPV6:fd00::1", Helo: "[IPv6:fd00::1]"},
	}, public...)
	for _, c := range []clients{
		{"own_hosts set", []string{"mx." + harness.NextDomain}, private},
		{"own_hosts unset", nil, public},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.compareBoth(t)
		})
	}
}

// clients are who sends the mail, and what the site knows of them.
type clients struct {
	name string
	own  []string // own_hosts
	list []harness.Identity
}

// compareBoth sends the mail through both MTAs.
func (c clients) compareBoth(t *testing.T) {
	var smtp [2]map[string]recorded
	t.Run("both", func(t *testing.T) {
		for i, m := range []server{postfix, sendmail} {
			t.Run(string(m), func(t *testing.T) {
				t.Parallel()
				smtp[i] = c.compare(t, m)
			})
		}
	})
	compared := 0
	for name, want := range smtp[0] {
		got, ok := smtp[1][name]
		if !ok || strings.HasPrefix(c.of(name).Addr, "IPV6:") || shownAnotherWay(want.data) {
			continue
		}
		compared++
		if fault := differ(want.Record, got.Digest, got.Features); fault != "" {
			t.Errorf("%s has behind Sendmail %s; SMTP time is Postfix's", name, fault)
		}
	}
	t.Logf("%d messages compared between the MTAs", compared)
	if compared < len(smtp[0])/2 {
		t.Errorf("of %d messages only %d were compared between the MTAs", len(smtp[0]), compared)
	}
}

// recorded is what the history has of a message of the suite.
type recorded struct {
	history.Record
	data []byte // as it was sent
}

// shownAnotherWay tells that the MTAs differ in what they show the milter of a
// message: Postfix ends a field at a NUL, where Sendmail leaves the NUL out, and they
// disagree on whether a message can begin with an mbox line.
func shownAnotherWay(data []byte) bool {
	header := data[:len(data)-len(harness.Body(data))]
	return bytes.IndexByte(header, 0) >= 0 || bytes.HasPrefix(bytes.TrimLeft(data, ">"), []byte("From "))
}

// of chooses the client that a message comes from.
func (c clients) of(name string) harness.Identity {
	h := fnv.New32()
	h.Write([]byte(name))
	return c.list[h.Sum32()%uint32(len(c.list))]
}

// compare sends the mail through one MTA, compares its places, and returns what
// was recorded at SMTP time, by the messages' names.
func (c clients) compare(t *testing.T, m server) map[string]recorded {
	policy := map[string]any{"unfiltered": []string{"@" + harness.BoxDomain}, "spam": "hold", "ham_cutoff": 0.0, "skip_trusted": false}
	if c.own != nil {
		policy["own_hosts"] = c.own
	}
	s := newSite(t, plan{server: m, config: tree{"policy": policy, "history": {"features": true}}})
	list := s.sendEverything(c)
	o := classify.DefaultOptions()
	o.OwnHosts = c.own
	return s.compare(list, o)
}

// sent is a message of the suite.
type sent struct {
	name string
	data []byte
}

// sendEverything sends real and odd mail, each to boxN (delivered) and heldN
// (held), and returns the messages by N.
func (s *site) sendEverything(c clients) []sent {
	s.t.Helper()
	all := map[string][]byte{}
	for _, m := range append(samples(s.t, 300), must(harness.Written(must(harness.Root()), "odd"))...) {
		all[m.Path] = harness.StripFrom(m.Data)
	}
	maps.Copy(all, oddMail())
	var list []sent
	for _, name := range slices.Sorted(maps.Keys(all)) {
		n := len(list)
		as := s.as(c.of(name))
		if as.Bound && strings.HasPrefix(as.Addr, "IPV6:") {
			as = s.as(harness.Stranger)
		}
		mail := harness.Mail{From: "sender@example.net", To: []string{boxed(n), to("held", n)}, Data: all[name], As: as}
		res, err := harness.Send(s.t.Context(), s.Addr, mail)
		switch {
		case err == nil && res.Final.Code == 250:
			list = append(list, sent{name, all[name]})
		case s.refusesItself(mail):
			s.t.Logf("%s: the MTA refuses it: %v %v", name, res.Final, err)
		default:
			s.t.Fatalf("%s: %v %v", name, res.Final, err)
		}
	}
	s.drain()
	check(s.t, s.Daemon.Stop(stopLimit))
	return list
}

// refusesItself tells whether the MTA refuses a message without a milter: Sendmail
// takes no bare CR and no header beyond 32 kB.
func (s *site) refusesItself(m harness.Mail) bool {
	if s.Sendmail == nil {
		return false
	}
	res, err := harness.Send(s.t.Context(), s.Plain, m)
	return err == nil && !res.Final.OK()
}

func boxed(n int) string { return fmt.Sprintf("box%d@%s", n, harness.BoxDomain) }

// place is one way a message was stored: message number -> its bytes.
type place struct {
	name string
	mail map[int][]byte
}

func (s *site) compare(list []sent, o classify.Options) map[string]recorded {
	s.t.Helper()
	smtp := s.atSMTPTime()
	places := []place{s.maildir(), s.spooled(), s.exported(), s.mbox(s.spooled())}
	faults, changed := 0, 0
	named := map[string]recorded{}
	for n, m := range list {
		want, ok := smtp[n]
		if !ok {
			s.t.Errorf("%s: not in the history", m.name)
			continue
		}
		named[m.name] = recorded{want, m.data}
		for i, p := range places {
			raw, ok := p.mail[n]
			if !ok {
				s.t.Errorf("%s: not found in the %s", m.name, p.name)
				continue
			}
			fault := unlike(want, o, raw)
			switch {
			case fault == "":
			case i == 0 && s.Sendmail != nil && rewritten(m.data, raw):
				changed++
			case faults < 20:
				faults++
				s.t.Errorf("%s (%d) in the %s, %s\n%.700s", m.name, n, p.name, fault, raw)
			}
		}
	}
	s.t.Logf("%d messages compared in %d places; Sendmail delivered %d with other words", len(list), len(places), changed)
	if changed > len(list)/12 {
		s.t.Errorf("Sendmail changed %d messages of %d", changed, len(list))
	}
	return named
}

// unlike says in what a stored message differs from what was recorded of it, with
// either kind of line end.
func unlike(want history.Record, o classify.Options, raw []byte) string {
	lf := harness.LF(raw)
	for form, data := range map[string][]byte{"LF": lf, "CRLF": bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))} {
		m := classify.Extract(o, data)
		if fault := differ(want, m.Digest, m.Features); fault != "" {
			return form + ": " + fault
		}
	}
	return ""
}

// rewritten tells whether a message was delivered with other words than it came
// with. Sendmail, when it delivers, puts names of senders and recipients in quotes,
// gives addresses with blanks dots, closes multiparts that end too soon and breaks
// lines that are too long: the milter is shown the message as it was before.
func rewritten(came, delivered []byte) bool {
	words := func(data []byte, name string) string {
		return strings.Join(strings.Fields(strings.Join(harness.Fields(data, name), " ")), " ")
	}
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "X-Long"} {
		if words(came, name) != words(delivered, name) {
			return true
		}
	}
	return !bytes.Equal(bytes.TrimSpace(harness.Body(came)), bytes.TrimSpace(harness.Body(delivered)))
}

// atSMTPTime maps message numbers to what the milter recorded.
func (s *site) atSMTPTime() map[int]history.Record {
	m := map[int]history.Record{}
	for _, r := range s.history() {
		for _, rcpt := range r.Recipients {
			if strings.HasPrefix(rcpt, "held") {
				m[number(rcpt)] = r
			}
		}
	}
	return m
}

// differ compares a digest and features with those recorded of a message.
func differ(r history.Record, digest classify.Digest, features []uint64) string {
	var out []string
	if r.Digest != digest {
		out = append(out, fmt.Sprintf("digest %v, at SMTP time %v", digest, r.Digest))
	}
	if !slices.Equal(r.Features, features) {
		out = append(out, fmt.Sprintf("%d features of which %d are new, at SMTP time %d of which %d are missing",
			len(features), without(features, r.Features), len(r.Features), without(r.Features, features)))
	}
	return strings.Join(out, "; ")
}

// without counts the elements of a that are not in b.
func without(a, b []uint64) (n int) {
	for _, f := range a {
		if !slices.Contains(b, f) {
			n++
		}
	}
	return n
}

// maildir reads what Postfix delivered, by fanmill's own corpus reader.
func (s *site) maildir() place {
	s.t.Helper()
	return place{"Maildir copy", s.walk(s.Maildir, func(raw []byte) int {
		return number(harness.Fields(raw, "X-Original-To")[0])
	})}
}

func (s *site) spooled() place {
	s.t.Helper()
	p := place{"spool file", map[int][]byte{}}
	for _, h := range must(harness.Held(s.Data)) {
		path := filepath.Join(s.Data, "spool", string(h.Box), h.ID+".msg")
		p.mail[number(h.Envelope.Recipients[0])] = must(os.ReadFile(path))
	}
	return p
}

func (s *site) exported() place {
	s.t.Helper()
	var ids []string
	var numbers []int
	for _, h := range must(harness.Held(s.Data)) {
		ids, numbers = append(ids, h.ID), append(numbers, number(h.Envelope.Recipients[0]))
	}
	return s.inOrder("export", s.fanmill("held export", ids...), numbers)
}

// mbox makes one file of all spool files as the seed's loop does (cat, and an
// empty line after each), and reads it back in their order.
func (s *site) mbox(from place) place {
	s.t.Helper()
	var all bytes.Buffer
	numbers := slices.Sorted(maps.Keys(from.mail))
	for _, n := range numbers {
		all.Write(from.mail[n])
		all.WriteByte('\n')
	}
	return s.inOrder("mbox of all", all.String(), numbers)
}

// inOrder reads an mbox whose messages have these numbers.
func (s *site) inOrder(name, mbox string, numbers []int) place {
	s.t.Helper()
	next := 0
	p := place{name, s.walk(s.write([]byte(mbox)), func([]byte) int {
		next++
		return numbers[min(next, len(numbers))-1]
	})}
	if next != len(numbers) {
		s.t.Errorf("%s: %d messages are read as %d", name, len(numbers), next)
	}
	return p
}

func (s *site) walk(path string, name func([]byte) int) map[int][]byte {
	s.t.Helper()
	m := map[int][]byte{}
	err := corpus.Walk(s.t.Context(), []string{path}, corpus.Options{}, func(item corpus.Item) error {
		raw := bytes.Clone(item.Raw)
		m[name(raw)] = raw
		return nil
	})
	check(s.t, err)
	return m
}
