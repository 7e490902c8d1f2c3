//go:build system

package system

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"fanmill/headers"
	"fanmill/test/harness"
)

// Sent = rejected + delivered + held, and what is delivered is what was sent
// except for header fields at the top: real mail, half of it learned before,
// through both doors of the same MTA.
func TestEveryMessageIsAccountedFor(t *testing.T) { behindBoth(t, testAccountedFor) }

func testAccountedFor(t *testing.T, m server) {
	// Half of the project's own mail, all there is without the corpus, is less
	// than the default asks for; after so few no score is near the default reject_cutoff.
	s := newSite(t, plan{server: m, fresh: true, config: tree{"policy": {"min_labels": 40, "reject_cutoff": 0.95}}})
	learn, rest := harness.Halves(samples(t, 500))
	for len(learn) > 0 { // in turns, as a site would
		n := min(len(learn), 50)
		byClass := map[bool][][]byte{}
		for _, m := range learn[:n] {
			byClass[m.Spam] = append(byClass[m.Spam], m.Data)
		}
		s.learn("ham", byClass[false]...)
		s.learn("spam", byClass[true]...)
		learn = learn[n:]
	}
	var mails []harness.Mail
	sent := map[string]harness.Sample{}
	for i, m := range rest {
		r := to("real", i)
		sent[r] = m
		mails = append(mails, harness.Mail{From: "sender@example.net", To: []string{r}, Data: harness.StripFrom(m.Data)})
	}
	unfiltered, mails := sendPlain(t, s, mails)
	s.sendAll(t.Context(), mails, 8)
	places := map[string]int{}
	for r, f := range s.settlePlain() {
		places[f.Place()]++
		if len(f.Delivered) == 0 {
			continue
		}
		got := f.Delivered[0].Data
		verdict(t, got)
		want := s.one(unfiltered[r]).Data
		if a, b := asSent(got), asSent(want); !bytes.Equal(a, b) {
			t.Errorf("%s was changed on its way:\n%s", sent[r].Path, firstDifference(a, b))
		}
	}
	t.Logf("%d messages: %v", len(mails), places)
	for _, place := range []string{"rejected", "delivered", "held"} {
		if places[place] == 0 {
			t.Errorf("nothing was %s", place)
		}
	}
}

// samples returns up to n labelled real messages: the SpamAssassin corpus when
// `make corpus` has fetched it, and always the mail written for the project.
// They come in a mixed order that is always the same.
func samples(t *testing.T, n int) []harness.Sample {
	t.Helper()
	list := allSamples(t, n)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func allSamples(t *testing.T, n int) []harness.Sample {
	t.Helper()
	root := must(harness.Root())
	list := append(must(harness.Written(root, "ham")), must(harness.Written(root, "spam"))...)
	fetched, err := harness.SpamAssassin(root)
	if err != nil {
		t.Logf("only the project's own mail: %v", err)
		return list
	}
	// Evenly over the corpus, which is in the order of dates.
	step := max(1, len(fetched)/max(1, n-len(list)))
	for i := 0; i < len(fetched) && len(list) < n; i += step {
		list = append(list, fetched[i])
	}
	return list
}

// plainName is the recipient of the copy that goes through the unfiltered door.
func plainName(r string) string { return "plain-" + r }

// sendPlain sends every mail through the door without milter, to recipients of
// its own, and maps the filtered recipient to that one. It also returns the mails
// without those that the MTA itself refuses: Sendmail takes no bare CR.
func sendPlain(t *testing.T, s *site, mails []harness.Mail) (plain map[string]string, taken []harness.Mail) {
	t.Helper()
	plain = map[string]string{}
	for _, mail := range mails {
		filtered := mail
		r := mail.To[0]
		mail.To, mail.As = []string{plainName(r)}, s.as(harness.Stranger)
		res, err := harness.Send(t.Context(), s.Plain, mail)
		check(t, err)
		if !res.Final.OK() {
			if s.Sendmail == nil {
				t.Fatalf("unfiltered mail for %s got %v", r, res.Final)
			}
			t.Logf("the MTA refuses the mail for %s: %v", r, res.Final)
			continue
		}
		plain[r] = mail.To[0]
		taken = append(taken, filtered)
		s.Acct.Sent(mail.To[0], res.Final)
	}
	if len(taken) < len(mails)*9/10 {
		t.Errorf("the MTA refuses %d of %d messages by itself", len(mails)-len(taken), len(mails))
	}
	return plain, taken
}

// settlePlain is settle without the unfiltered copies.
func (s *site) settlePlain() map[string]harness.Fate {
	s.t.Helper()
	m := s.settle()
	for r := range m {
		if strings.HasPrefix(r, plainName("")) {
			delete(m, r)
		}
	}
	return m
}

// asSent takes away what two ways through the same MTA may differ in: verdict
// fields anywhere and its own Received field at the top.
func asSent(data []byte) []byte {
	var out []byte
	head := data[:len(data)-len(bodyOf(data))]
	drop, first := false, true
	for _, line := range bytes.SplitAfter(head, []byte("\n")) {
		if len(line) > 0 && line[0] != ' ' && line[0] != '\t' {
			name, _, found := strings.Cut(string(line), ":")
			drop = found && headers.IsVerdict(strings.TrimSpace(name))
			if !drop && first && name == "Received" {
				drop, first = true, false
			}
		}
		if !drop {
			out = append(out, line...)
		}
	}
	return append(out, bodyOf(data)...)
}

// bodyOf returns what follows the first empty line, line ends untouched.
func bodyOf(data []byte) []byte {
	if i := bytes.Index(data, []byte("\r\n\r\n")); i >= 0 {
		return data[i+4:]
	}
	return nil
}

func firstDifference(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	around := func(x []byte) []byte { return x[max(0, i-60):min(len(x), i+60)] }
	return fmt.Sprintf("at byte %d: %q, want %q", i, around(a), around(b))
}

// The composed kinds must be what their names say, or the tests below test
// nothing.
func TestVerdicts(t *testing.T) { behindBoth(t, testVerdicts) }

func testVerdicts(t *testing.T, m server) {
	s := newSite(t, plan{server: m, unix: m == postfix}) // contrib's tests have Sendmail's unix socket
	for n := range 3 {
		s.refuse(compose(spam, n), to("spam", n))
		s.none(to("spam", n))

		s.take(compose(ham, n), to("ham", n))
		d := s.one(to("ham", n))
		if v := verdict(t, d.Data); v != "ham" {
			t.Errorf("verdict %q, want ham", v)
		}
		if got, want := bodyOf(d.Data), bodyOf(harness.CRLF(compose(ham, n))); !bytes.Equal(got, want) {
			t.Errorf("body changed: %s", firstDifference(got, want))
		}

		s.take(compose(unsure, n), to("unsure", n))
		s.none(to("unsure", n))
		s.heldOne(to("unsure", n))
	}
	t.Run("answers are generic and end in the id", func(t *testing.T) {
		res := s.send(compose(spam, 50), to("spam", 50))
		words := strings.Fields(res.Final.Text)
		id := words[len(words)-1]
		if !strings.HasPrefix(res.Final.Text, "5.7.1 ") || strings.Contains(res.Final.Text, "0.9") || len(strings.Trim(id, "().[]")) < 16 {
			t.Errorf("refused with %q", res.Final.Text)
		}
	})
	t.Run("the same mail again is answered as before and held once", func(t *testing.T) {
		s.take(compose(unsure, 60), to("again", 60))
		s.take(compose(unsure, 60), to("again", 60))
		s.heldOne(to("again", 60))
	})
	t.Run("several mails in a session", func(t *testing.T) {
		c, err := harness.Dial(t.Context(), s.Addr, *s.as(harness.Stranger))
		check(t, err)
		defer c.Close()
		for n, want := range map[int]int{70: 250, 71: 550, 72: 250} {
			k := []kind{ham, spam, unsure}[n-70]
			res, err := c.Send(harness.Mail{From: "", To: []string{to("session", n)}, Data: compose(k, n)})
			check(t, err)
			if res.Final.Code != want {
				t.Errorf("%v in a long session got %v, want %d", k, res.Final, want)
			}
		}
		s.one(to("session", 70))
		s.heldOne(to("session", 72))
	})
}

// forged are verdict fields a sender may put in, of every family, with spellings
// that differ from ours, several times over.
const forged = `X-Fanmill-Status: ham score=0.0000 id=0000000000000000
x-fanmill-status: ham score=0.0000 id=0000000000000000
X-FANMILL-STATUS : ham
X-Spambayes-Classification: ham; 0.00
X-Spambayes-Evidence: '*H*': 1.00; '*S*': 0.00
X-DSPAM-Result: Innocent
X-DSPAM-Confidence: 0.9999
X-DSPAM-Probability: 0.0000
X-DSPAM-Signature: 4f0c1b
X-Bogosity: Ham, tests=bogofilter, spamicity=0.000000
X-Spam-Flag: NO
X-Spam-Status: No, score=-99.9 required=5.0
	tests=NONE
X-Spam-Score: -99.9
X-Spam-Level:
`

var forgedNames = []string{
	"X-Spambayes-Classification", "X-Spambayes-Evidence", "X-DSPAM-Result", "X-DSPAM-Confidence",
	"X-DSPAM-Probability", "X-DSPAM-Signature", "X-Bogosity", "X-Spam-Flag", "X-Spam-Status", "X-Spam-Score", "X-Spam-Level",
}

// withForged puts forged fields at the top, between the others and at the end.
func withForged(data []byte) []byte {
	out := append([]byte(forged), data...)
	out = bytes.Replace(out, []byte("\nDate:"), []byte("\n"+forged+"Date:"), 1)
	return bytes.Replace(out, []byte("\n\n"), []byte("\n"+forged+"\n"), 1)
}

func TestForgedVerdictsAreRemoved(t *testing.T) { behindBoth(t, testForged) }

func testForged(t *testing.T, m server) {
	s := newSite(t, plan{server: m, config: tree{"policy": {"unfiltered": []string{"people@" + harness.NextDomain}}}})
	clean := func(data []byte, ours int) {
		t.Helper()
		for _, name := range forgedNames {
			if v := harness.Fields(data, name); len(v) != 0 {
				t.Errorf("%s survived: %q", name, v)
			}
		}
		if v := harness.Fields(data, "X-Fanmill-Status"); len(v) != ours {
			t.Errorf("%d verdict headers, want %d: %q", len(v), ours, v)
		}
		for _, name := range []string{"From", "To", "Date", "Message-ID", "Subject"} {
			if len(harness.Fields(data, name)) != 1 {
				t.Errorf("field %s was lost", name)
			}
		}
	}
	t.Run("filtered", func(t *testing.T) {
		s.take(withForged(compose(ham, 1)), to("forged", 1))
		clean(s.one(to("forged", 1)).Data, 1)
	})
	t.Run("unfiltered", func(t *testing.T) {
		s.take(withForged(compose(spam, 2)), "people@"+harness.NextDomain)
		clean(s.one("people@"+harness.NextDomain).Data, 0)
	})
	t.Run("held", func(t *testing.T) {
		s.take(withForged(compose(unsure, 3)), to("forged", 3))
		id := s.heldOne(to("forged", 3))
		clean([]byte(s.fanmill("held export", id)), 0)
	})
	t.Run("verdict of a message with and without them is the same", func(t *testing.T) {
		if a, b := s.score(withForged(compose(unsure, 4))), s.score(compose(unsure, 4)); a != b {
			t.Errorf("scored %v, without forged fields %v", a, b)
		}
	})
}
