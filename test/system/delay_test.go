//go:build system

package system

import (
	"testing"
	"time"

	"fanmill/test/harness"
)

// Unsure mail through a real Postfix, from a client that tries again as MTAs do: from
// another host, with another tag in its sender, over a restart of the daemon. Each
// recipient gets one copy, or one is held.
func TestDelay(t *testing.T) {
	t.Parallel()
	s := newSite(t, plan{config: tree{"policy": {"unsure": "delay", "delay_min": "2s", "spam_cutoff": 0.99}}})
	second := harness.Stranger
	second.Addr, second.Name = "203.0.113.8", "mail2.example.net"
	try := func(data []byte, sender string, as harness.Identity, recipients ...string) int {
		t.Helper()
		res, err := harness.Send(t.Context(), s.Postfix.Addr, harness.Mail{From: sender, To: recipients, Data: data, As: &as})
		check(t, err)
		return res.Final.Code
	}

	t.Run("held when it comes again", func(t *testing.T) {
		r, data := to("delay", 1), compose(unsure, 1)
		if code := try(data, "prvs=2964ba2c8f=sender@example.net", harness.Stranger, r); code != 451 {
			t.Fatalf("first try: %d, want 451", code)
		}
		s.none(r)
		check(t, s.Daemon.Stop(stopLimit))
		s.start()
		time.Sleep(2 * time.Second)
		if code := try(data, "prvs=39aaaaaaaa=sender@example.net", second, r); code != 250 {
			t.Fatalf("second try: %d, want 250", code)
		}
		s.drain()
		s.heldOne(r)
	})
	t.Run("a client that tries until it is heard", func(t *testing.T) {
		r := to("delay", 2)
		mail := harness.Mail{From: "sender@example.net", To: []string{r}, Data: compose(unsure, 2)}
		began := time.Now()
		res, tries, err := harness.SendUntilSettled(t.Context(), s.Postfix.Addr, mail, 200*time.Millisecond)
		check(t, err)
		if took := time.Since(began); res.Final.Code != 250 || tries < 2 || took < 2*time.Second {
			t.Errorf("answer %v after %d tries in %v, want 250 after some in 2 s or more", res.Final, tries, took)
		}
		s.drain()
		s.heldOne(r)
	})
	t.Run("learned as ham meanwhile", func(t *testing.T) {
		r, data := to("delay", 3), compose(novel, 3)
		if code := try(data, "sender@example.net", harness.Stranger, r); code != 451 {
			t.Fatalf("first try: %d, want 451", code)
		}
		s.learn("ham", data)
		s.eventually("it is ham", func() bool { return s.score(data).Verdict == "ham" })
		if code := try(data, "sender@example.net", harness.Stranger, r); code != 250 {
			t.Fatalf("second try: %d, want 250", code)
		}
		s.drain()
		s.one(r)
	})
	t.Run("beside somebody who gets it", func(t *testing.T) {
		r, data := to("delay", 4), compose(unsure, 4)
		if code := try(data, "sender@example.net", harness.Stranger, post, r); code != 250 {
			t.Fatalf("answer %d, want 250", code)
		}
		s.drain()
		s.one(post)
		s.none(r)
		s.heldOne(r)
	})
	t.Run("a bounce", func(t *testing.T) {
		r := to("delay", 5)
		if code := try(compose(unsure, 5), "", harness.Stranger, r); code != 250 {
			t.Fatalf("answer %d, want 250", code)
		}
		s.heldOne(r)
	})
}
