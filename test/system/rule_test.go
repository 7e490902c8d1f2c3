//go:build system

package system

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fanmill/test/harness"
)

// rules appends [[rule]] entries to the site's configuration, and waits until they are in
// force.
func (s *site) rules(text string) {
	s.t.Helper()
	f, err := os.OpenFile(s.Config, os.O_APPEND|os.O_WRONLY, 0)
	check(s.t, err)
	_, err = f.WriteString(text)
	check(s.t, err)
	check(s.t, f.Close())
	s.fanmill("reload")
}

// A block list teaches the scope of the recipient whose list it is; one undo takes that
// back; an edit of the list is noticed.
func TestBlockListTeaches(t *testing.T) { behindBoth(t, testBlockListTeaches) }

func testBlockListTeaches(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: tree{"scope": {"enabled": true}}})
	list := filepath.Join(s.files, "one.block")
	check(t, os.WriteFile(list, []byte("# not wanted\nhost1.example\n^From: someone 2 \n"), 0o644))
	s.rules("\n[[rule]]\nname = \"one\"\nrecipients = [\"" + listOne + "\"]\nblock_file = \"" + list + "\"\n")

	s.take(compose(ham, 3), listOne)
	s.drain()
	s.one(listOne)
	s.take(compose(ham, 1), listOne, listTwo) // by domain: goes to the other one only
	s.drain()
	s.one(listOne)
	s.one(listTwo)
	s.refuse(compose(ham, 2), listOne) // by pattern

	s.eventually("two messages learned in the scope", func() bool {
		return strings.Contains(s.fanmill("scopes", "list"), "0 ham       2 spam") && strings.Contains(s.fanmill("scopes", "list"), listOne)
	})
	if out := s.fanmill("rules", "explain", "--from", "x@mail.host1.example", "--to", listOne); !strings.Contains(out, "line 2 of "+list) {
		t.Errorf("rules explain: %s", out)
	}
	s.fanmill("undo", "--source", "rule", "--scope", listOne)
	s.eventually("nothing learned in the scope", func() bool { return !strings.Contains(s.fanmill("scopes", "list"), "2 spam") })

	check(t, os.WriteFile(list, nil, 0o644))
	s.eventually("the edited list in force", func() bool { return strings.Contains(s.fanmill("rules", "check"), "0 entries") })
	s.eventually("the daemon has noticed the edit", func() bool { return strings.Contains(s.fanmill("status"), "has 0 now") })
	s.take(compose(ham, 1), listOne)
	s.drain()
	if n := len(s.delivered(listOne)); n != 2 {
		t.Errorf("%d messages delivered, want another one from whom the list named", n)
	}
}

// A blocked envelope sender is refused at RCPT, for that recipient alone.
func TestBlockAtRCPT(t *testing.T) { behindBoth(t, testBlockAtRCPT) }

func testBlockAtRCPT(t *testing.T, m server) {
	s := newSite(t, plan{server: m})
	s.rules("\n[[rule]]\nname = \"bulk\"\nrecipients = [\"" + listOne + "\"]\nsenders = [\"@example.net\"]\nblock = true\nreject_text = \"No bulk mail here:\"\n")
	res := s.send(compose(ham, 1), listOne, listTwo)
	if len(res.Rcpt) != 2 || res.Rcpt[0].Code != 550 || !strings.Contains(res.Rcpt[0].Text, "No bulk mail here:") || res.Rcpt[1].Code != 250 || res.Final.Code != 250 {
		t.Errorf("answers %v", res)
	}
	s.drain()
	s.none(listOne)
	s.one(listTwo)
	// Mail submitted on this host is never refused.
	res = s.sendAs(harness.Loopback, compose(ham, 2), listOne)
	if res.Final.Code != 250 {
		t.Errorf("from this host: %v", res)
	}
}

// A welcome sender's mail is ham, whatever its score, and the header says so; the subject
// of what is tagged bears the tag.
func TestWelcomeAndTag(t *testing.T) { behindBoth(t, testWelcomeAndTag) }

func testWelcomeAndTag(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: tree{"policy": {"spam": "tag", "subject_tag": "[SPAM?]"}}})
	s.rules("\n[[rule]]\nname = \"friends\"\nfrom = [\"@host5.example\"]\nwhitelist = true\n")
	s.take(compose(spam, 5), listOne)
	s.take(compose(spam, 6), listTwo)
	s.drain()
	welcome, tagged := s.one(listOne).Data, s.one(listTwo).Data
	if v := harness.Fields(welcome, "X-Fanmill-Status"); len(v) != 1 || !strings.HasPrefix(v[0], "ham score=") || !strings.Contains(v[0], "list=welcome") {
		t.Errorf("welcome: %q", v)
	}
	if v := harness.Fields(welcome, "Subject"); len(v) != 1 || strings.Contains(v[0], "SPAM") {
		t.Errorf("subject of the welcome message: %q", v)
	}
	if v, was := harness.Fields(tagged, "Subject"), harness.Fields(compose(spam, 6), "Subject"); len(v) != 1 || v[0] != "[SPAM?] "+was[0] {
		t.Errorf("subject of the tagged message: %q", v)
	}
}
