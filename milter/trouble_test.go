package milter

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/spool"
	"fanmill/store"
	"fanmill/store/history"
)

// trapSpool is the real spool with a trap in front of Hold.
type trapSpool struct {
	*spool.Spool
	hold func(func() error) error
}

func (s *trapSpool) Hold(d *spool.Draft, m spool.Meta) error {
	return s.hold(func() error { return s.Spool.Hold(d, m) })
}

func TestPanicCostsOneMessage(t *testing.T) {
	r := newRig(t).start()
	other := r.mta()
	other.envelope(subject("score 0.01"))
	m := r.mta()
	if res := m.send(subject("panic")); res.code != 451 || res.text != "451 "+textFail {
		t.Errorf("answer %v", res)
	}
	if n := r.log.lines("level=ERROR", "panic=injected", "queue_id=4QUEUEID", "stack=", "trouble_test.go"); n != 0 {
		t.Errorf("stack names this file %d times", n) // the scorer's file is in it, not this one
	}
	if n := r.log.lines("level=ERROR", "panic=injected", "queue_id=4QUEUEID", "harness_test.go"); n != 1 {
		t.Errorf("%d log lines with stack and queue id, want 1", n)
	}
	if res := m.send(subject("score 1")); res.code != 550 {
		t.Errorf("next message of the same session: %v", res)
	}
	other.content(subject("score 0.01"))
	mods, act, err := other.s.BodyReadFrom(strings.NewReader("x"))
	if err != nil || act.Type != gomilter.ActionAccept || len(mods) != 1 {
		t.Errorf("message in progress in another session: %v, %v, %v", mods, act, err)
	}
	r.checkNothingLeft(t)
}

// brokenRecorder panics, also while a panic is being reported.
type brokenRecorder struct{ rows }

func (*brokenRecorder) Add(history.Record) { panic("recorder") }

func TestPanicWhileReporting(t *testing.T) {
	r := newRig(t)
	s := r.newSession()
	s.Recorder = &brokenRecorder{}
	if a, _ := play(s, "chmrlnbe"); a[0].outcome != policy.Fail {
		t.Errorf("answer %+v", a)
	}
}

func TestPanicInCallbacks(t *testing.T) {
	r := newRig(t)
	a := newAdapter(r.newSession().engine, gomilter.AllClientSupportedActionMasks, 0)
	for _, tt := range []struct {
		event string
		call  func() (*gomilter.Response, error)
		want  *gomilter.Response
	}{
		{"mail", func() (*gomilter.Response, error) { return a.MailFrom("s", "", nil) }, gomilter.RespContinue},
		{"rcpt", func() (*gomilter.Response, error) { return a.RcptTo("r", "", nil) }, gomilter.RespTempFail},
		{"data", func() (*gomilter.Response, error) { return a.Data(nil) }, gomilter.RespContinue},
		{"header", func() (*gomilter.Response, error) { return a.Header("n", "v", nil) }, gomilter.RespContinue},
		{"end of header", func() (*gomilter.Response, error) { return a.Headers(nil) }, gomilter.RespContinue},
		{"body", func() (*gomilter.Response, error) { return a.BodyChunk([]byte("x"), nil) }, gomilter.RespContinue},
		{"end of message", func() (*gomilter.Response, error) { return a.EndOfMessage(nil) }, gomilter.RespTempFail},
		{"abort", func() (*gomilter.Response, error) { return nil, a.Abort(nil) }, nil},
		{"cleanup", func() (*gomilter.Response, error) { a.Cleanup(nil); return nil, nil }, nil},
		{"new connection", func() (*gomilter.Response, error) { return nil, a.NewConnection(nil) }, nil},
	} {
		// A message without anything behind it, and a nil Modifier: all panic.
		a.session.msg = &message{recipients: []policy.Recipient{{Filtered: true}}, draft: new(spool.Draft), facts: facts{queueID: "Q1"}}
		resp, err := tt.call()
		if resp != tt.want || err != nil {
			t.Errorf("%s: %v, %v; want %v", tt.event, resp, err, tt.want)
		}
	}
	for _, event := range []string{"mail", "rcpt", "data", "header", "body"} {
		if r.log.lines("level=ERROR", "event="+event, "stack=") != 1 {
			t.Errorf("no log line for the panic in %s:\n%s", event, r.log)
		}
	}
}

func TestPanicInTheMiddleIsAnsweredAtTheEnd(t *testing.T) {
	r := newRig(t)
	s := r.newSession()
	play(s, "chmrl")
	s.msg.stream = nil // the next field panics in the classifier
	a := &adapter{engine: s.engine, session: s, blank: true}
	if resp, err := a.Header("X", " y", nil); resp != gomilter.RespContinue || err != nil {
		t.Errorf("header: %v, %v", resp, err)
	}
	answers, _ := play(s, "nbe")
	if answers[0].outcome != policy.Fail {
		t.Errorf("outcome %v", answers[0].outcome)
	}
	r.checkNothingLeft(t)
}

func TestFailedTwiceIsLetThrough(t *testing.T) {
	for _, kind := range []string{"panic", "error"} {
		t.Run(kind, func(t *testing.T) {
			r := newRig(t).start()
			x := subject(kind).with("X-Fanmill-Status", " ham")
			for i := range 2 {
				if res := r.one(x); res.code != 451 {
					t.Fatalf("try %d: %v", i+1, res)
				}
			}
			if res := r.one(func() mail { y := x; y.body += "other"; return y }()); res.code != 451 {
				t.Errorf("another message with the same Message-ID: %v", res)
			}
			res := r.one(x)
			if res.code != 250 || res.discarded {
				t.Errorf("third try: %v", res)
			}
			checkStatus(t, res, "unscored")
			copies := r.heldIn(spool.Copy)
			if len(copies) != 1 || !strings.Contains(r.message(copies[0].ID), "Subject: "+kind) {
				t.Errorf("copies %+v", copies)
			}
			if r.rows.count("accept/failed-twice") != 1 {
				t.Errorf("counted %v", r.rows.counts)
			}
			r.checkNothingLeft(t)
		})
	}
}

func TestFailedTwiceIsLetThroughEvenWithoutCopy(t *testing.T) {
	for name, hold := range map[string]func(func() error) error{
		"disk full": func(func() error) error { return spool.ErrFull },
		"panic":     func(func() error) error { panic("injected") },
	} {
		r := newRig(t)
		r.spool = &trapSpool{r.disk, hold}
		r.start()
		for range 2 {
			r.one(subject("panic"))
		}
		if res := r.one(subject("panic")); res.code != 250 || res.discarded {
			t.Errorf("%s: %v", name, res)
		}
		if r.log.lines("level=ERROR", "no copy of a message") != 1 {
			t.Errorf("%s: log\n%s", name, r.log)
		}
	}
}

func TestFailuresAreForgottenAndBounded(t *testing.T) {
	now := time.Now()
	f := newFailures(func() time.Time { return now })
	f.add(1)
	f.add(1)
	if !f.often(1) || f.often(2) {
		t.Error("two failures are not remembered")
	}
	now = now.Add(failureMemory + time.Second)
	if f.often(1) {
		t.Error("still remembered after a day")
	}
	for k := range uint64(maxFailures + 100) {
		now = now.Add(time.Millisecond)
		f.add(k)
	}
	if len(f.of) != maxFailures {
		t.Errorf("%d entries, want %d", len(f.of), maxFailures)
	}
	f.add(maxFailures + 99)
	if !f.often(maxFailures + 99) {
		t.Error("the newest entry is gone")
	}
}

func TestHoldFails(t *testing.T) {
	for name, hold := range map[string]func(func() error) error{
		"full":  func(func() error) error { return spool.ErrFull },
		"EIO":   func(func() error) error { return errors.New("input/output error") },
		"panic": func(func() error) error { panic("injected") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.policy.Unfiltered = []string{"person@example.net"}
			r.spool = &trapSpool{r.disk, hold}
			r.start()
			for _, to := range [][]string{{"one@example.net"}, {"one@example.net", "person@example.net"}} {
				if res := r.one(subject("score 0.5").rcpt(to...)); res.code != 451 {
					t.Errorf("to %v: %v", to, res)
				}
			}
			if res := r.one(subject("score 0.01")); res.code != 250 {
				t.Errorf("ham: %v", res)
			}
			if n := len(r.heldIn(spool.Unsure)); n != 0 {
				t.Errorf("%d held", n)
			}
		})
	}
}

// TestRealDiskFull makes the spool's free-space floor unreachable.
func TestRealDiskFull(t *testing.T) {
	r := newRig(t)
	full, err := spool.Open(r.dir+"/full", spool.Options{MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	r.spool = full
	r.start()
	if res := r.one(subject("score 0.5")); res.code != 451 {
		t.Errorf("unsure: %v", res)
	}
	if res := r.one(subject("score 1")); res.code != 550 {
		t.Errorf("spam: %v", res)
	}
}

func TestDeadlineInScoring(t *testing.T) {
	for onError, code := range map[policy.Outcome]int{policy.Fail: 451, policy.Accept: 250} {
		t.Run(onError.String(), func(t *testing.T) {
			r := newRig(t)
			r.policy.OnError, r.Deadline = onError, 30*time.Millisecond
			r.start()
			res := r.one(subject("wait score 0.5"))
			if res.code != code || res.discarded {
				t.Errorf("answer %v, want %d", res, code)
			}
			checkStatus(t, res, map[bool]string{true: "unscored"}[code == 250])
			close(r.script.release) // the worker goes on, and may not hold any more
			r.srv.engine.workers.Wait()
			if n := len(r.heldIn(spool.Unsure)); n != 0 {
				t.Errorf("%d held after the answer was given", n)
			}
			if n := r.log.lines("msg=message"); n != 1 {
				t.Errorf("%d log lines for the message, want 1", n)
			}
			r.checkNothingLeft(t)
		})
	}
}

// TestDeadlineInHold: the hold is under way when the deadline passes. Only 451
// is right, whatever on_error says, and the retry is answered as held.
func TestDeadlineInHold(t *testing.T) {
	for _, onError := range []policy.Outcome{policy.Fail, policy.Accept} {
		t.Run(onError.String(), func(t *testing.T) {
			r := newRig(t)
			entered, release := make(chan bool, 1), make(chan bool)
			var once sync.Once
			r.spool = &trapSpool{r.disk, func(hold func() error) error {
				once.Do(func() { entered <- true; <-release })
				return hold()
			}}
			r.policy.OnError, r.Deadline = onError, 500*time.Millisecond
			r.start()
			if res := r.one(subject("score 0.5")); res.code != 451 {
				t.Errorf("answer %v, want 451", res)
			}
			<-entered
			close(release)
			r.srv.engine.workers.Wait()
			if res := r.one(subject("score 0.5")); res.code != 250 || !res.discarded {
				t.Errorf("retry: %v", res)
			}
			if n := len(r.heldIn(spool.Unsure)); n != 1 {
				t.Errorf("%d held, want 1", n)
			}
			if r.rows.count("discard/seen-before") != 1 || r.rows.count("hold/default") != 1 {
				t.Errorf("counted %v", r.rows.counts)
			}
		})
	}
}

func TestProgressWhileWaiting(t *testing.T) {
	r := newRig(t)
	r.ProgressEvery = 10 * time.Millisecond
	r.start()
	done := make(chan result)
	m := r.mta(gomilter.WithReadTimeout(500 * time.Millisecond)) // an MTA that loses patience soon
	go func() { done <- m.send(subject("wait score 0.01")) }()
	<-r.script.entered
	time.Sleep(1200 * time.Millisecond)
	close(r.script.release)
	if res := <-done; res.code != 250 {
		t.Errorf("answer %v", res)
	}
}

func TestSeenAgain(t *testing.T) {
	r := newRig(t).start()
	x := subject("score 0.5").with("X-Fanmill-Status", " ham").rcpt("one@example.net", "two@example.net")
	for i := range 3 {
		if res := r.one(x); !res.discarded {
			t.Fatalf("delivery %d: %v", i, res)
		}
	}
	held := r.heldIn(spool.Unsure)
	if len(held) != 1 {
		t.Fatalf("%d held, want 1", len(held))
	}
	if res := r.one(x.rcpt("three@example.net")); !res.discarded || len(r.heldIn(spool.Unsure)) != 2 {
		t.Errorf("the same to others: %v, %d held, want it held again", res, len(r.heldIn(spool.Unsure)))
	}
	id := held[0].ID
	if err := r.disk.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	res := r.one(x)
	if res.code != 250 || res.discarded || res.inserted != 0 || len(res.get("X-Fanmill-Status")) != 0 {
		t.Errorf("own release: %v, fields %q; want it to pass unscored and stripped", res, res.headers)
	}
	token, err := r.disk.ReleaseToken(id)
	if err != nil {
		t.Fatal(err)
	}
	changed := x.with("X-Fanmill-Release", " "+token).with("X-Added", " by the MTA")
	res = r.one(changed)
	if res.code != 250 || res.discarded || res.inserted != 0 || len(res.get("X-Fanmill-Release")) != 0 || len(res.get("X-Fanmill-Status")) != 0 {
		t.Errorf("own release that the MTA changed: %v, fields %q; want it to pass unscored and stripped", res, res.headers)
	}
	if res = r.one(changed.rcpt("one@example.net", "three@example.net")); !res.discarded {
		t.Errorf("its token with another recipient: %v, want it held", res)
	}
	if err := r.disk.EndRelease(id, true); err != nil {
		t.Fatal(err)
	}
	if res := r.one(x); !res.discarded {
		t.Errorf("late retry: %v, want it dropped", res)
	}
	for key, want := range map[string]int64{"hold/default": 3, "discard/seen-before": 3, "accept/release": 2} {
		if got := r.rows.count(key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
	if r.log.lines("seen_as="+id) != 5 {
		t.Errorf("log lines with the id: %d, want 5", r.log.lines("seen_as="+id))
	}
}

// TestSplitRetry: one recipient got the message, the other's copy was held, and
// the client did not hear the answer.
func TestSplitRetry(t *testing.T) {
	r := newRig(t)
	r.policy.Unfiltered = []string{"person@example.net"}
	r.start()
	x := subject("score 0.5").rcpt("one@example.net", "person@example.net")
	for range 2 {
		if res := r.one(x); res.code != 250 || len(res.to) != 1 {
			t.Fatalf("answer %v", res)
		}
	}
	if n := len(r.heldIn(spool.Unsure)); n != 1 {
		t.Errorf("%d held, want 1", n)
	}
}

// TestSplitRetryJudgedOtherwise: as TestSplitRetry, but what was learned since
// makes the message good: who has a held copy, or had one, gets no second one.
func TestSplitRetryJudgedOtherwise(t *testing.T) {
	r := newRig(t)
	r.policy.Unfiltered = []string{"person@example.net"}
	scorer := &changingScorer{p: 0.5}
	r.scorer = scorer
	r.start()
	x := subject("x").rcpt("one@example.net", "person@example.net")
	want := func(when string) {
		t.Helper()
		if res := r.one(x); res.code != 250 || res.discarded || !slices.Equal(res.to, []string{"person@example.net"}) {
			t.Errorf("%s: answer %v, delivered to %v, want the person alone", when, res, res.to)
		}
	}
	want("at first")
	scorer.p = 0.01
	want("held")
	id := r.heldIn(spool.Unsure)[0].ID
	if err := errors.Join(r.disk.BeginRelease(id), r.disk.EndRelease(id, true)); err != nil {
		t.Fatal(err)
	}
	want("released")
	if res := r.one(x.rcpt("two@example.net", "one@example.net")); !slices.Equal(res.to, []string{"two@example.net"}) {
		t.Errorf("with somebody else: delivered to %v", res.to)
	}
}

// changingScorer gives every message the same score.
type changingScorer struct{ p float64 }

func (s *changingScorer) Score(*classify.Message, string) (classify.Score, store.Labels, error) {
	return classify.Score{P: s.p}, enough, nil
}

func TestAbortAtEveryStage(t *testing.T) {
	stages := []func(*mta, mail){
		func(*mta, mail) {},
		func(m *mta, x mail) { m.s.Mail(x.from, "") },
		func(m *mta, x mail) { m.envelope(x) },
		func(m *mta, x mail) { m.envelope(x); m.s.DataStart() },
		func(m *mta, x mail) { m.envelope(x); m.s.DataStart(); m.s.HeaderField("Subject", " x", nil) },
		func(m *mta, x mail) { m.envelope(x); m.content(x) },
		func(m *mta, x mail) { m.envelope(x); m.content(x); m.s.BodyChunk([]byte(strings.Repeat("x", 60_000))) },
	}
	r := newRig(t)
	var err error
	if r.disk, err = spool.Open(r.dir+"/spool", spool.Options{MemLimit: 1}); err != nil { // every draft is a file
		t.Fatal(err)
	}
	defer r.disk.Close()
	r.spool = r.disk
	r.start()
	for i, stage := range stages {
		m := r.mta()
		stage(m, subject("score 0.5"))
		if err := m.s.Abort(nil); err != nil {
			t.Fatal(err)
		}
		if res := m.send(subject("score 0.01")); res.code != 250 || res.inserted != 1 {
			t.Errorf("stage %d, next message: %v", i, res)
		}
		gone := r.mta()
		stage(gone, subject("score 0.5"))
		gone.s.Close() // and one that hangs up there
	}
	eventually(t, "sessions ended", func() bool { return r.srv.Connections() == len(stages) })
	r.checkNothingLeft(t)
	if n := len(r.heldIn(spool.Unsure)); n != 0 {
		t.Errorf("%d held", n)
	}
}
