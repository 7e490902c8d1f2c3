package milter

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fanmill/classify"
	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
)

// dial is a scorer that says what it is set to.
type dial struct{ bits atomic.Uint64 }

func (d *dial) set(p float64) { d.bits.Store(math.Float64bits(p)) }

func (d *dial) Score(*classify.Message, string) (classify.Score, store.Labels, error) {
	return classify.Score{P: math.Float64frombits(d.bits.Load())}, enough, nil
}

// delaying is a site that delays what it is unsure of.
func delaying(t *testing.T) (*rig, *dial) {
	r, d := newRig(t), &dial{}
	d.set(0.5)
	r.scorer, r.policy.Unsure = d, policy.Delay
	return r, d
}

func (r *rig) wait(d time.Duration) { r.clock.Add(int64(d)) }

// sendFrom sends a mail from a client of this name and address.
func (r *rig) sendFrom(name, addr string, x mail) result {
	r.t.Helper()
	m, err := dialAs(r.t, r.srv.Addr()[0], nil, name, addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer m.s.Close()
	return m.send(x)
}

const (
	isHam, isUnsure, isSpam = 0.01, 0.5, 1
)

func TestDelays(t *testing.T) {
	type try struct {
		wait   time.Duration // since the one before
		score  float64
		code   int
		held   int    // copies in the spool, then
		counts string // counter of outcome and rule that goes up
	}
	for _, tt := range []struct {
		name                       string
		tries                      []try
		delayed, returned, expired int64
	}{
		{"held when it comes again", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{5 * time.Minute, isUnsure, 250, 1, "hold/delayed"},
			{time.Minute, isUnsure, 250, 1, "discard/seen-before"},
		}, 1, 1, 0},
		{"early retries do not restart the clock", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{2 * time.Minute, isUnsure, 451, 0, "delay/delay-early"},
			{2 * time.Minute, isUnsure, 451, 0, "delay/delay-early"},
			{time.Minute, isUnsure, 250, 1, "hold/delayed"},
		}, 1, 1, 0},
		{"ham goes", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{10 * time.Minute, isHam, 250, 0, "accept/default"},
			{time.Minute, isHam, 250, 0, "accept/default"},
		}, 1, 1, 0},
		{"ham goes early too", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{time.Minute, isHam, 250, 0, "accept/default"},
		}, 1, 1, 0},
		{"spam is refused", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{10 * time.Minute, isSpam, 550, 0, "reject/default"},
		}, 1, 1, 0},
		{"spam below the reject cut-off is held, not delayed", []try{
			{0, 0.95, 250, 1, "hold/default"},
		}, 0, 0, 0},
		{"ham is not delayed", []try{{0, isHam, 250, 0, "accept/default"}}, 0, 0, 0},
		{"too late is as never before", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{48 * time.Hour, isUnsure, 451, 0, "delay/delay"},
			{time.Hour, isUnsure, 250, 1, "hold/delayed"},
		}, 2, 1, 1},
		{"just in time", []try{
			{0, isUnsure, 451, 0, "delay/delay"},
			{47 * time.Hour, isUnsure, 250, 1, "hold/delayed"},
		}, 1, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, d := delaying(t)
			r.start()
			for n, try := range tt.tries {
				r.wait(try.wait)
				d.set(try.score)
				before := r.rows.count(try.counts)
				res := r.one(subject("hello"))
				if res.code != try.code || len(r.heldIn(spool.Unsure))+len(r.heldIn(spool.Spam)) != try.held {
					t.Fatalf("try %d: %v and %d held, want %d and %d", n, res, len(r.heldIn(spool.Unsure)), try.code, try.held)
				}
				if words := strings.Fields(res.text); try.code == 451 &&
					(len(words) < 2 || len(words[len(words)-1]) != 16 || strings.Join(words[:len(words)-1], " ") != "451 "+textDelay) {
					t.Errorf("try %d: the reply is %q, want 451 %s and an id", n, res.text, textDelay)
				}
				if r.rows.count(try.counts) != before+1 {
					t.Errorf("try %d: counted %v, want one more %s", n, r.rows.counts, try.counts)
				}
			}
			for what, want := range map[string]int64{"delay/delay": tt.delayed, "delay/delay-returned": tt.returned, "delay/delay-expired": tt.expired} {
				if got := r.rows.count(what); got != want {
					t.Errorf("%s is counted %d times, want %d", what, got, want)
				}
			}
		})
	}
}

func TestDelayIsLogged(t *testing.T) {
	r, _ := delaying(t)
	r.start().one(subject("hello"))
	r.wait(time.Hour)
	r.sendFrom("other.example.com", "192.0.2.8", subject("hello"))
	if n := r.log.lines("msg=message", "client=\"client.example.com [192.0.2.7]\"", "outcome=delay", "rule=delay", "verdict=unsure"); n != 1 {
		t.Errorf("%d lines of the first try, want 1", n)
	}
	if n := r.log.lines("msg=message", "client=\"other.example.com [192.0.2.8]\"", "outcome=hold", "rule=delayed", "first_seen=3600"); n != 1 {
		t.Errorf("%d lines of the second try, want 1", n)
	}
	list := r.heldIn(spool.Unsure)
	if len(list) != 1 || list[0].Rule != policy.RuleDelayed {
		t.Errorf("held: %+v, want one by rule %s", list, policy.RuleDelayed)
	}
}

// Another client, another way and another tag in the sender are the same message;
// another text, id or recipient is not.
func TestWhatComesAgain(t *testing.T) {
	first := subject("hello")
	first.from = "prvs=2964ba2c8f=sender@example.com"
	for _, tt := range []struct {
		name   string
		change func(*mail)
		code   int
	}{
		{"the same", func(*mail) {}, 250},
		{"another tag", func(m *mail) { m.from = "prvs=39aaaaaaaa=sender@example.com" }, 250},
		{"another way", func(m *mail) { m.headers[0][1] = " from c by d;\n\tMon, 23 Nov 2026 10:00:00 +0000" }, 250},
		{"another field", func(m *mail) { *m = m.with("X-Try", " 2") }, 250},
		{"another body", func(m *mail) { m.body += "more\r\n" }, 451},
		{"another subject", func(m *mail) { m.headers[2][1] = " hallo" }, 451},
		{"another id", func(m *mail) { m.headers[3][1] = " <other@example.com>" }, 451},
		{"another sender", func(m *mail) { m.from = "other@example.com" }, 451},
		{"another recipient", func(m *mail) { *m = m.rcpt("two@example.net") }, 451},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := delaying(t)
			r.start().one(first)
			r.wait(time.Hour)
			again := first
			again.headers = slices.Clone(first.headers)
			tt.change(&again)
			if res := r.sendFrom("out2.example.com", "192.0.2.99", again); res.code != tt.code {
				t.Errorf("answer %v, want %d", res, tt.code)
			}
		})
	}
}

// The null sender's mail, and a site that observes, was not taught or cannot score,
// delay nothing.
func TestNotDelayed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*rig, *mail)
		code   int
		counts string
	}{
		{"null sender", func(_ *rig, m *mail) { m.from = "" }, 250, "hold/default"},
		{"host of ours", func(r *rig, _ *mail) { r.policy.OwnHosts, r.policy.SkipOwnHosts = []string{"192.0.2.7"}, false }, 250, "hold/default"},
		{"trusted client", func(r *rig, _ *mail) {
			r.policy.TrustedNetworks, r.policy.SkipTrusted = []string{"192.0.2.0/24"}, false
		}, 250, "hold/default"},
		{"postmaster", func(_ *rig, m *mail) { m.to = []string{"postmaster@example.net"} }, 250, "tag/never-refuse"},
		{"untrained", func(r *rig, m *mail) {
			r.scorer, r.script.untrained = r.script, true
			m.headers[2][1] = " score 0.5"
		}, 250, "tag/until-trained"},
		{"observing", func(r *rig, _ *mail) { r.policy.Observe = true }, 250, "delay/observe"},
		{"cannot be scored", func(r *rig, m *mail) {
			r.scorer = r.script
			m.headers[2][1] = " error"
		}, 451, "fail/on-error"},
		{"no filtered recipient", func(r *rig, _ *mail) { r.policy.Unfiltered = []string{"@example.net"} }, 250, "accept/unfiltered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := delaying(t)
			m := subject("hello")
			tt.change(r, &m)
			if res := r.start().one(m); res.code != tt.code || r.rows.count(tt.counts) != 1 {
				t.Errorf("answer %v, counted %v; want %d and %s", res, r.rows.counts, tt.code, tt.counts)
			}
			if n := r.delays.Waiting(); n != 0 {
				t.Errorf("%d remembered, want none", n)
			}
		})
	}
}

// Nothing is learned from mail that comes again.
func TestDelayTeachesNothing(t *testing.T) {
	r, _ := delaying(t)
	l := &pupil{}
	r.learner = l
	r.start().one(subject("hello"))
	if n := l.n.Load(); n != 0 {
		t.Errorf("learned %d times from a message that was delayed", n)
	}
	r.wait(time.Hour)
	r.one(subject("hello"))
	if n := l.n.Load(); n != 1 {
		t.Errorf("offered %d times to the learner when it was held, want once", n)
	}
}

type pupil struct{ n atomic.Int64 }

func (p *pupil) Learn(*classify.Message, classify.Score) { p.n.Add(1) }

func TestDelayOutlivesARestart(t *testing.T) {
	r, _ := delaying(t)
	r.start().one(subject("hello"))
	r.restart(t)
	if res := r.one(subject("hello")); res.code != 451 {
		t.Errorf("too early after a restart: %v, want 451", res)
	}
	r.wait(5 * time.Minute)
	if res := r.one(subject("hello")); res.code != 250 || len(r.heldIn(spool.Unsure)) != 1 {
		t.Errorf("in time after a restart: %v and %d held, want 250 and 1", res, len(r.heldIn(spool.Unsure)))
	}
}

// restart ends server and table and starts them again.
func (r *rig) restart(t *testing.T) {
	t.Helper()
	if err := r.srv.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := r.delays.Close(); err != nil {
		t.Fatal(err)
	}
	r.openDelays()
	r.start()
}

func TestSeveralRecipientsAreDelayed(t *testing.T) {
	const a, b, c = "a@example.net", "b@example.net", "c@example.net"
	type try struct {
		wait time.Duration
		to   []string
		code int
		get  []string
		held []string // all copies so far
	}
	for _, tt := range []struct {
		name   string
		change func(*rig)
		tries  []try
	}{
		{"together", nil, []try{
			{0, []string{a, b}, 451, nil, nil},
			{time.Hour, []string{b, a}, 250, nil, []string{a, b}},
		}},
		{"apart the second time", nil, []try{
			{0, []string{a, b}, 451, nil, nil},
			{time.Hour, []string{a}, 250, nil, []string{a}},
			{0, []string{b}, 250, nil, []string{a, b}},
		}},
		{"apart the first time", nil, []try{
			{0, []string{a}, 451, nil, nil},
			{0, []string{b}, 451, nil, nil},
			{time.Hour, []string{a, b}, 250, nil, []string{a, b}},
		}},
		{"one is new: held with the other", nil, []try{
			{0, []string{a}, 451, nil, nil},
			{time.Hour, []string{a, b}, 250, nil, []string{a, b}},
		}},
		{"one is new, the other early: both wait", nil, []try{
			{0, []string{a}, 451, nil, nil},
			{time.Minute, []string{a, b}, 451, nil, nil},
			{4 * time.Minute, []string{a, b}, 250, nil, []string{a, b}},
		}},
		{"one is not filtered", func(r *rig) { r.policy.Unfiltered = []string{a} }, []try{
			{0, []string{a, b}, 250, []string{a}, []string{b}},
		}},
		{"one is tagged by a rule", func(r *rig) {
			tag := policy.Tag
			r.policy.Rules = []policy.Rule{{Name: "tags", Recipients: []string{a}, Unsure: &tag}}
		}, []try{
			{0, []string{b, a, c}, 250, []string{a}, []string{b, c}},
		}},
		{"the answer was not heard", func(r *rig) { r.policy.Unfiltered = []string{c} }, []try{
			{0, []string{c, a}, 250, []string{c}, []string{a}},
			{0, []string{b, a}, 451, nil, []string{a}}, // the client split it anew
			{time.Hour, []string{b, a}, 250, nil, []string{a, b}},
		}},
		{"lenient", func(r *rig) { r.policy.Mixed = policy.Lenient }, []try{
			{0, []string{a, b}, 451, nil, nil},
			{time.Hour, []string{a, b}, 250, nil, []string{a, b}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := delaying(t)
			if tt.change != nil {
				tt.change(r)
			}
			r.start()
			for n, try := range tt.tries {
				r.wait(try.wait)
				res := r.one(subject("hello").rcpt(try.to...))
				if res.code != try.code || !slices.Equal(res.to, try.get) {
					t.Errorf("try %d: %v, want %d to %v", n, res, try.code, try.get)
				}
				if held := r.heldFor(); !slices.Equal(held, try.held) {
					t.Errorf("try %d: held for %v, want %v", n, held, try.held)
				}
			}
		})
	}
}

// heldFor lists the recipients of all held copies.
func (r *rig) heldFor() (to []string) {
	for _, meta := range slices.Concat(r.heldIn(spool.Unsure), r.heldIn(spool.Spam)) {
		to = append(to, meta.Envelope.Recipients...)
	}
	slices.Sort(to)
	return to
}

// A copy that is held because others fare differently was delayed by rule, and is
// not waited for.
func TestHeldInPlaceOfADelay(t *testing.T) {
	r, _ := delaying(t)
	r.policy.Unfiltered = []string{"a@example.net"}
	r.start().one(subject("hello").rcpt("a@example.net", "b@example.net"))
	if r.rows.count("hold/delay") != 1 || r.delays.Waiting() != 0 {
		t.Errorf("counted %v, %d waited for; want hold/delay and none", r.rows.counts, r.delays.Waiting())
	}
}

// A hold that fails leaves the message to come again, and then it is not delayed anew.
func TestHoldFailsWhenItComesAgain(t *testing.T) {
	r, _ := delaying(t)
	full := &failingSpool{Spool: r.spool}
	r.spool = full
	r.start().one(subject("hello"))
	r.wait(time.Hour)
	full.fails.Store(true)
	if res := r.one(subject("hello")); res.code != 451 || !strings.Contains(res.text, textFail) {
		t.Errorf("answer %v, want 451 for a fault of ours", res)
	}
	full.fails.Store(false)
	if res := r.one(subject("hello")); res.code != 250 || len(r.heldIn(spool.Unsure)) != 1 {
		t.Errorf("answer %v, want it held", res)
	}
	if n := r.rows.count("delay/delay-returned"); n != 1 {
		t.Errorf("counted as returned %d times, want once", n)
	}
}

type failingSpool struct {
	Spool
	fails atomic.Bool
}

func (s *failingSpool) Hold(d *spool.Draft, m spool.Meta) error {
	if s.fails.Load() {
		d.Discard()
		return fmt.Errorf("injected")
	}
	return s.Spool.Hold(d, m)
}

// Whatever the filter thinks by then, however the client splits the recipients and
// whenever it comes: each gets one copy, or one is held or refused; none waits longer
// than the client tries.
func TestNobodyGetsMailTwiceOrNotAtAll(t *testing.T) {
	r, d := delaying(t)
	tag := policy.Tag
	r.policy.Rules = []policy.Rule{{Name: "tags", Recipients: []string{"r3@example.net"}, Unsure: &tag}}
	r.start()
	scores := []float64{isHam, isUnsure, isUnsure, isUnsure, 0.95, isSpam}
	for n := range 40 {
		rnd := rand.New(rand.NewPCG(uint64(n), 1))
		var waiting []string
		for i := range 1 + rnd.IntN(4) {
			waiting = append(waiting, fmt.Sprintf("r%d@example.net", i))
		}
		fates := map[string]int{}
		for _, a := range waiting {
			fates[a] = 0
		}
		for try := 0; len(waiting) > 0; try++ {
			if try > 10 {
				t.Fatalf("run %d: %v still wait", n, waiting)
			}
			rnd.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
			split := rnd.IntN(len(waiting) + 1)
			var left []string
			for _, to := range [][]string{waiting[:split], waiting[split:]} {
				if len(to) == 0 {
					continue
				}
				d.set(scores[rnd.IntN(len(scores))])
				held := len(r.heldFor())
				res := r.one(subject(fmt.Sprint("run ", n)).rcpt(to...))
				switch {
				case res.code == 451:
					left = append(left, to...)
					if len(r.heldFor()) != held {
						t.Fatalf("run %d: held and delayed", n)
					}
				case res.code == 550:
					for _, a := range to {
						fates[a]++
					}
				default:
					for _, a := range res.to {
						fates[a]++
					}
				}
			}
			waiting = left
			r.wait(time.Duration(1+rnd.IntN(4)) * time.Minute)
		}
		r.checkFates(t, n, fates)
		r.wait(49 * time.Hour)
	}
}

// checkFates adds what is held and dropped of run n, and wants one fate for each.
func (r *rig) checkFates(t *testing.T, n int, fates map[string]int) {
	t.Helper()
	for _, b := range []spool.Box{spool.Unsure, spool.Spam} {
		for _, meta := range r.heldIn(b) {
			if meta.Subject == fmt.Sprint("run ", n) {
				for _, a := range meta.Envelope.Recipients {
					fates[a]++
				}
			}
		}
	}
	for _, rec := range r.rows.all() {
		if rec.Subject == fmt.Sprint("run ", n) && rec.Outcome == policy.Reject.String() && fates[rec.Recipients[0]] == 0 {
			fates[rec.Recipients[0]]++ // dropped beside others
		}
	}
	for a, times := range fates {
		if times != 1 {
			t.Errorf("run %d: %s got it %d times", n, a, times)
		}
	}
}

// A table that cannot be read does not keep the daemon from serving.
func TestDamagedTableOfDelays(t *testing.T) {
	r, _ := delaying(t)
	if err := r.delays.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, delay.FileName), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.openDelays()
	if res := r.start().one(subject("hello")); res.code != 451 {
		t.Errorf("answer %v, want 451", res)
	}
}
