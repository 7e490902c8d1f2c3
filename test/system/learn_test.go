//go:build system

package system

import (
	"strings"
	"testing"
	"time"

	"fanmill/test/harness"
)

// Training in another process is used by the running daemon within a second,
// without restart or signal.
func TestTrainingReachesTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{})
	for n, c := range []struct {
		class, verdict string
	}{{"spam", "spam"}, {"ham", "ham"}} {
		t.Run(c.class, func(t *testing.T) {
			s.take(compose(novel, n), to("before-"+c.class, n))
			s.heldOne(to("before-"+c.class, n))
			s.learn(c.class, compose(novel, n))
			trained := time.Now()
			time.Sleep(time.Until(trained.Add(time.Second)))
			r := to("after-"+c.class, n)
			res := s.send(nearCopy(novel, n), r)
			if got := s.verdictOf(t, res, r); got != c.verdict {
				t.Errorf("near-copy is %s one second after training as %s", got, c.class)
			}
		})
	}
}

// verdictOf tells from where a message went what the daemon took it for.
func (s *site) verdictOf(t *testing.T, res harness.Result, r string) string {
	t.Helper()
	if res.Final.Code == 550 {
		return "spam"
	}
	d := s.delivered(r)
	if len(d) == 1 {
		return verdict(t, d[0].Data)
	}
	for _, h := range must(harness.Held(s.Data)) {
		if len(h.Envelope.Recipients) == 1 && h.Envelope.Recipients[0] == r {
			return h.Verdict
		}
	}
	t.Fatalf("mail for %s is nowhere (%v)", r, res.Final)
	return ""
}

// A moderator's decision moves the score of a near-copy.
func TestDecisionsTeach(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{})
	for n, action := range map[int]string{1: "spam", 2: "ham"} {
		t.Run(action, func(t *testing.T) {
			s.take(compose(novel, n), to("first", n))
			id := s.heldOne(to("first", n))
			before := s.score(nearCopy(novel, n))
			s.fanmill("held "+action, id)
			after := s.score(nearCopy(novel, n))
			if action == "spam" && after.Score <= before.Score || action == "ham" && after.Score >= before.Score {
				t.Errorf("score %v before, %v after `held %s`", before.Score, after.Score, action)
			}
			t.Logf("near-copy: %.4f before, %.4f after `held %s`", before.Score, after.Score, action)
			if out, err := s.Daemon.RunInput(compose(novel, n), "forget", "-"); err != nil {
				t.Errorf("forget: %v %s", err, out)
			}
			s.eventually("the score from before to return", func() bool { return s.score(nearCopy(novel, n)) == before })
		})
	}
}

// The text of a refusal, as the client heard it, and the header of a
// delivered message are enough to correct a verdict; the message itself is the same
// entry of the ledger.
func TestVerdictsAreCorrectedByID(t *testing.T) { behindBoth(t, testCorrectedByID) }

func testCorrectedByID(t *testing.T, m server) {
	s := newSite(t, plan{server: m})
	correct := func(class, text string, kind kind, wrong func(before, after float64) bool) {
		t.Helper()
		before := s.score(nearCopy(kind, 1))
		if out := s.fanmill("learn --"+class, text); !strings.Contains(out, " "+class+": learned") {
			t.Errorf("learn --%s %q: %s", class, text, out)
		}
		after := s.score(nearCopy(kind, 1))
		if wrong(before.Score, after.Score) {
			t.Errorf("score %v before, %v after learn --%s", before.Score, after.Score, class)
		}
		out, err := s.Daemon.RunInput(compose(kind, 1), "train", "--"+class, "-")
		if err != nil || !strings.Contains(out, " 1 seen before") {
			t.Errorf("trained from the message: %v %s", err, out)
		}
	}
	res := s.send(compose(spam, 1), to("refused", 1))
	if res.Final.Code != 550 {
		t.Fatalf("answer %v, want 550", res.Final)
	}
	correct("ham", res.Final.Text, spam, func(before, after float64) bool { return after >= before })

	r := to("passed", 1)
	s.take(compose(ham, 1), r)
	status := harness.Fields(s.one(r).Data, "X-Fanmill-Status")
	if len(status) != 1 {
		t.Fatalf("verdicts %q", status)
	}
	correct("spam", status[0], ham, func(before, after float64) bool { return after <= before })
}
