//go:build system

package system

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fanmill/test/harness"
)

// ruleSets are two configurations that differ in all that a message meets on its way:
// cut-offs, the text of a refusal, how much training is enough, and what is written.
var ruleSets = [2]tree{
	{
		"policy":  {"spam": "reject", "unsure": "tag", "reject_text": "Refused by set A", "ham_cutoff": 0.03, "spam_cutoff": 0.99, "min_labels": 10},
		"headers": {"families": []string{"fanmill", "spambayes"}},
	},
	{ // of this one the site is not trained enough to refuse anything
		"policy":  {"spam": "reject", "unsure": "tag", "reject_text": "Refused by set B", "ham_cutoff": 0.0, "spam_cutoff": 0.03, "min_labels": 1000, "until_trained": "tag"},
		"headers": {"families": []string{"fanmill", "bogofilter"}},
	},
}

// bySet is what becomes of a message of each kind (ham, spam, unsure) by each set: the
// reply's code and text, or the verdict and the names of the fields.
var bySet = [2][3]string{
	{"250 ham spambayes", "550 Refused by set A", "250 unsure spambayes"},
	{"250 unsure bogofilter", "250 spam bogofilter", "250 spam bogofilter"},
}

// sight is what the sender of a message knows of it.
type sight struct {
	kind  kind
	reply harness.Reply
	set   int // whose time its beginning fell into, -1: into that of a reload
}

// outcome says what became of a message, in the words of bySet.
func (v sight) outcome(delivered []harness.Delivery) string {
	if len(delivered) == 0 {
		if _, text, ok := strings.Cut(v.reply.Text, "Refused by set "); ok {
			return fmt.Sprintf("%d Refused by set %.1s", v.reply.Code, text)
		}
		return v.reply.String()
	}
	words := []string{fmt.Sprint(v.reply.Code)}
	for _, value := range harness.Fields(delivered[0].Data, "X-Fanmill-Status") {
		word, _, _ := strings.Cut(value, " ")
		words = append(words, word)
	}
	for _, f := range [][2]string{{"X-Spambayes-Classification", "spambayes"}, {"X-Bogosity", "bogofilter"}} {
		if len(harness.Fields(delivered[0].Data, f[0])) > 0 {
			words = append(words, f[1])
		}
	}
	return strings.Join(words, " ")
}

// senders are SMTP sessions that send while the configuration changes.
type senders struct {
	s       *site
	epoch   atomic.Int64 // of the configuration; odd while it is being changed
	next    atomic.Int64
	stop    chan struct{}
	running sync.WaitGroup
	mu      sync.Mutex
	sights  map[string]sight // by recipient
}

// session sends some messages over one connection; the milter's lasts as long.
func (l *senders) session() error {
	c, err := harness.Dial(context.Background(), l.s.Postfix.Addr, harness.Stranger)
	if err != nil {
		return err
	}
	for range 8 {
		if err := l.one(c, int(l.next.Add(1))); err != nil {
			_ = c.Break()
			return err
		}
	}
	return c.Close()
}

// one sends a message. Every second takes its time between envelope and text, so that
// reloads fall into it.
func (l *senders) one(c *harness.Client, n int) error {
	v := sight{kind: kind(n % 3), set: -1}
	r := to("reload", n)
	before := l.epoch.Load()
	if err := c.Begin(harness.Mail{From: "load@example.net", To: []string{r}}); err != nil {
		return err
	}
	if before == l.epoch.Load() && before%2 == 0 {
		v.set = int(before/2) % 2
	}
	if n%2 == 0 {
		time.Sleep(60 * time.Millisecond)
	}
	err := c.Write(compose(v.kind, n))
	if err == nil {
		v.reply, err = c.Finish()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sights[r] = v
	l.s.Acct.Sent(r, v.reply)
	return err
}

// edit writes the next configuration, as editors do, and waits until the daemon has it;
// with a signal, or by its own watch.
func (l *senders) edit(signal bool) {
	s := l.s
	before := s.status().Digest
	epoch := l.epoch.Add(1)
	check(s.t, s.base.With(ruleSets[(epoch+1)/2%2]).Write(s.Config+"~"))
	check(s.t, os.Rename(s.Config+"~", s.Config))
	if signal {
		check(s.t, s.Daemon.Signal(syscall.SIGHUP))
	}
	check(s.t, harness.WaitFor("the reload", 3*time.Second, func() bool { return s.status().Digest != before }))
	l.epoch.Add(1)
}

// 200 reloads while 20 sessions send: no message is lost, deferred or judged by half a
// set of rules, and each is judged by the set that it began with.
func TestReloadsWhileSessionsSend(t *testing.T) {
	const reloads, sessions = 200, 20
	s := newSite(t, plan{config: ruleSets[0]})
	l := &senders{s: s, stop: make(chan struct{}), sights: map[string]sight{}}
	for range sessions {
		l.running.Go(func() {
			for !harness.Closed(l.stop) {
				if err := l.session(); err != nil {
					t.Errorf("a session broke: %v", err)
					return
				}
			}
		})
	}
	s.eventually("the first mail to be judged", func() bool { return l.next.Load() > sessions })
	began := time.Now()
	for i := range reloads {
		l.edit(i%20 != 19)
		time.Sleep(20 * time.Millisecond) // for messages that begin between two
	}
	took := time.Since(began)
	close(l.stop)
	l.running.Wait()
	if st := s.status(); st.Reloads < reloads || st.LastFail != "" {
		t.Errorf("%d reloads, the last error is %q", st.Reloads, st.LastFail)
	}
	l.judge(took)
}

// judge compares what became of each message with what the sets say.
func (l *senders) judge(took time.Duration) {
	t := l.s.t
	l.s.settle() // each message is in exactly one place
	delivered := l.s.Sink.ByRecipient()
	var judged [2][3]int
	certain := 0
	for r, v := range l.sights {
		got := v.outcome(delivered[r])
		if v.reply.Temporary() {
			t.Errorf("mail for %s was deferred: %v", r, v.reply)
			continue
		}
		set := 0
		if got != bySet[set][v.kind] {
			set = 1
		}
		switch {
		case got != bySet[set][v.kind]:
			t.Errorf("%v mail for %s: %s; neither set says so", v.kind, r, got)
		case v.set >= 0 && v.set != set:
			t.Errorf("%v mail for %s: %s; it began under the other set", v.kind, r, got)
		}
		judged[set][v.kind]++
		if v.set >= 0 {
			certain++
		}
	}
	t.Logf("%d messages by 20 sessions during reloads that took %v; by set and kind %v; of %d it is certain how they began", len(l.sights), took.Round(time.Millisecond), judged, certain)
	for set := range judged {
		for k, n := range judged[set] {
			if n == 0 {
				t.Errorf("no %v mail was judged by set %d: this tests nothing", kind(k), set)
			}
		}
	}
}
