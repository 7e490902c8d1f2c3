//go:build system

package system

import (
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
