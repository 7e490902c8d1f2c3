package spool

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestReleaseAndTombstone(t *testing.T) {
	s := fresh(t)
	other := open(t, s.dir, Options{}) // another process: a daemon beside the command
	m := meta(s, "x")
	id := hold(t, s, m, "x")
	wantSeen(t, other, m, Held, id)
	if err := s.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s, m, Releasing, id)
	wantSeen(t, other, m, Releasing, id)
	if st, err := other.Stage(id); st != StageReleasing || err != nil {
		t.Errorf("Stage = %q, %v", st, err)
	}
	if err := s.EndRelease(id, true); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s, m, Decided, id)
	wantSeen(t, other, m, Decided, id)
	for _, sp := range []*Spool{s, other, open(t, s.dir, Options{})} {
		if _, err := sp.Get(id); !errors.Is(err, ErrNotHeld) {
			t.Errorf("Get after the release: %v", err)
		}
		wantSeen(t, sp, m, Decided, id)
	}
	if left := append(files(t, s.box(Unsure)), files(t, s.tmp())...); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	for name, err := range map[string]error{"begin": s.BeginRelease(id), "end": s.EndRelease(id, true), "discard": s.Discard(id)} {
		if err == nil {
			t.Errorf("%s after the release: no error", name)
		}
	}
}

func TestReleaseRefusedGoesBackToHeld(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	id := hold(t, s, m, "x")
	for range 2 {
		if err := s.BeginRelease(id); err != nil {
			t.Fatal(err)
		}
		if err := s.EndRelease(id, false); err != nil {
			t.Fatal(err)
		}
		wantSeen(t, s, m, Held, id)
	}
	if st, err := s.Stage(id); st != StageHeld || err != nil {
		t.Errorf("Stage = %q, %v", st, err)
	}
}

// TestReleasingMatches checks which transactions are taken for our own release.
func TestReleasingMatches(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x", "a@example.org", "b@Example.ORG", "c@example.org")
	id := hold(t, s, m, "x")
	if err := s.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		digest, sender string
		to             []string
		want           State
	}{
		"all":               {m.Digest, "a@example.com", []string{"c@example.org", "b@example.org", "a@example.org"}, Releasing},
		"one":               {m.Digest, "a@example.com", []string{"b@example.org"}, Releasing},
		"rewritten sender":  {m.Digest, "srs0=x@example.net", []string{"a@EXAMPLE.org"}, Releasing},
		"one more":          {m.Digest, "a@example.com", []string{"a@example.org", "d@example.org"}, Unknown},
		"nobody":            {m.Digest, "a@example.com", nil, Unknown},
		"another message":   {digestOf("y"), "a@example.com", []string{"a@example.org"}, Unknown},
		"no digest":         {"", "a@example.com", []string{"a@example.org"}, Unknown},
		"local part's case": {m.Digest, "a@example.com", []string{"A@example.org"}, Unknown},
	} {
		if got, _ := s.Seen(tc.digest, tc.sender, tc.to); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestHeldMatchesTheWholeEnvelope(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x", "a@example.org", "b@example.org")
	id := hold(t, s, m, "x")
	for name, tc := range map[string]struct {
		sender string
		to     []string
		want   State
	}{
		"order and case": {"a@EXAMPLE.com", []string{"b@example.org", "a@example.ORG"}, Held},
		"another sender": {"b@example.com", m.Envelope.Recipients, Unknown},
		"fewer":          {m.Envelope.Sender, []string{"a@example.org"}, Unknown},
		"more":           {m.Envelope.Sender, []string{"a@example.org", "b@example.org", "c@example.org"}, Unknown},
	} {
		got, gotID := s.Seen(m.Digest, tc.sender, tc.to)
		if got != tc.want || got == Held && gotID != id {
			t.Errorf("%s: %d %q, want %d", name, got, gotID, tc.want)
		}
	}
}

func TestPartOfTheRecipientsAccepted(t *testing.T) {
	for name, tc := range map[string]struct {
		doubt bool
		stage Stage
	}{"the rest refused": {false, StageHeld}, "the rest unknown": {true, StageInDoubt}} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			m := meta(s, "x", "a@example.org", "b@example.org", "c@example.org")
			id := hold(t, s, m, "x")
			if err := s.BeginRelease(id); err != nil {
				t.Fatal(err)
			}
			if err := s.FinishRelease(id, Handover{Accepted: []string{"b@example.org"}, Doubt: tc.doubt}); err != nil {
				t.Fatal(err)
			}
			again := open(t, s.dir, Options{})
			got, err := again.Get(id)
			if want := []string{"a@example.org", "c@example.org"}; err != nil || !slices.Equal(got.Envelope.Recipients, want) {
				t.Fatalf("remaining: %v, %v", got.Envelope.Recipients, err)
			}
			if st, err := again.Stage(id); st != tc.stage || err != nil {
				t.Errorf("Stage = %q, %v", st, err)
			}
			wantSeen(t, again, m, Held, id) // the client's retry still has all three
			if err := again.ForceRelease(id); err != nil {
				t.Fatal(err)
			}
			if got, _ := s.Seen(m.Digest, "", []string{"b@example.org"}); got != Unknown {
				t.Errorf("the served recipient: %d", got)
			}
			if got, _ := s.Seen(m.Digest, "", []string{"a@example.org"}); got != Releasing {
				t.Errorf("a waiting recipient: %d", got)
			}
			if err := again.FinishRelease(id, Handover{Accepted: got.Envelope.Recipients}); err != nil {
				t.Fatal(err)
			}
			wantSeen(t, s, m, Decided, id)
		})
	}
}

func TestInDoubt(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	id := hold(t, s, m, "x")
	if err := s.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishRelease(id, Handover{Doubt: true}); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s, m, Releasing, id) // the next hop's queue may hold it
	if st, err := s.Stage(id); st != StageInDoubt || err != nil {
		t.Errorf("Stage = %q, %v", st, err)
	}
	if err := s.BeginRelease(id); !errors.Is(err, ErrInDoubt) {
		t.Errorf("BeginRelease: %v, want ErrInDoubt", err)
	}
	if err := s.ForceRelease(id); err != nil {
		t.Errorf("ForceRelease: %v", err)
	}
	if err := s.EndRelease(id, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Discard(id); err != nil {
		t.Errorf("Discard: %v", err)
	}
	wantSeen(t, s, m, Decided, id)
}

// TestQueuedReleaseIsNotDropped: a release through a command that queues first
// meets our milter after it has ended.
func TestQueuedReleaseIsNotDropped(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x", "a@example.org", "b@example.org")
	id := hold(t, s, m, "x")
	if err := s.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	if err := s.FinishRelease(id, Handover{Accepted: m.Envelope.Recipients, Queued: true}); err != nil {
		t.Fatal(err)
	}
	for _, sp := range []*Spool{s, open(t, s.dir, Options{})} {
		wantSeen(t, sp, m, Releasing, id)
		if got, _ := sp.Seen(m.Digest, "", []string{"b@example.org"}); got != Releasing {
			t.Errorf("part of it: %d", got)
		}
		if list, err := sp.List(Unsure); err != nil || len(list) != 0 {
			t.Errorf("List = %v, %v", list, err)
		}
	}
}

func TestDiscard(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	id := hold(t, s, m, "x")
	if err := s.Discard(id); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s, m, Decided, id)
	if err := s.Discard(id); !errors.Is(err, ErrNotHeld) {
		t.Errorf("twice: %v", err)
	}
	m.ID = s.NewID() // the late retry whose recipients were split: dropped, not held again
	if err := s.Hold(draft(s, m, "x"), m); err != nil {
		t.Errorf("hold after the decision: %v", err)
	}
	if left := append(files(t, s.box(Unsure)), files(t, s.tmp())...); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestNotHeldTwice(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	id := hold(t, s, m, "x")
	m.ID = s.NewID()
	other := open(t, s.dir, Options{})
	if err := other.Hold(draft(other, m, "x"), m); err != nil {
		t.Errorf("second hold: %v", err)
	}
	list, err := s.List(Unsure)
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Errorf("List = %v, %v", list, err)
	}
}

func TestCopiesAreNoHeldMessages(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	m.Box = Copy
	id := hold(t, s, m, "x")
	wantSeen(t, s, m, Unknown, "")
	if err := s.BeginRelease(id); !errors.Is(err, ErrIsCopy) {
		t.Errorf("BeginRelease: %v", err)
	}
	m.ID = s.NewID()
	hold(t, s, m, "x")
	if err := s.Discard(id); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, open(t, s.dir, Options{}), m, Unknown, "")
	if list, err := s.List(Copy); err != nil || len(list) != 1 || list[0].ID != m.ID {
		t.Errorf("List = %v, %v", list, err)
	}
}

func TestClaim(t *testing.T) {
	s := fresh(t)
	other := open(t, s.dir, Options{})
	id := hold(t, s, meta(s, "x"), "x")
	unlock, err := s.Claim(id, "anna\x1b[2J")
	if err != nil {
		t.Fatal(err)
	}
	for name, sp := range map[string]*Spool{"same process": s, "another process": other} {
		_, err := sp.Claim(id, "bert")
		if !errors.Is(err, ErrClaimed) || !strings.Contains(err.Error(), `"anna\x1b[2J"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := other.BeginRelease(id); !errors.Is(err, ErrClaimed) {
		t.Errorf("release by another: %v", err)
	}
	if err := s.BeginRelease(id); err != nil {
		t.Fatalf("release by the claimant: %v", err)
	}
	if err := s.BeginRelease(id); !errors.Is(err, ErrClaimed) {
		t.Errorf("a second release at the same time: %v", err)
	}
	if err := other.Discard(id); !errors.Is(err, ErrClaimed) {
		t.Errorf("discard while it is being released: %v", err)
	}
	if err := s.Discard(id); !errors.Is(err, ErrClaimed) {
		t.Errorf("discard by the same process while it is being released: %v", err)
	}
	if err := s.EndRelease(id, false); err != nil {
		t.Fatal(err)
	}
	open(t, s.dir, Options{}) // a start does not sweep a claim in use
	if _, err := other.Claim(id, "bert"); !errors.Is(err, ErrClaimed) {
		t.Errorf("after another start: %v", err)
	}
	unlock()
	unlock()
	unlock, err = other.Claim(id, "bert")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := s.Discard(id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(id, "anna"); !errors.Is(err, ErrNotHeld) {
		t.Errorf("claim of a decided message: %v", err)
	}
	if left := files(t, s.tmp()); len(left) != 0 {
		t.Errorf("tmp has %v", left)
	}
}

func TestFilesTakenOutByHand(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	id := hold(t, s, m, "x")
	if err := os.Remove(s.path(Unsure, id, ".msg")); err != nil { // the moderators' old way
		t.Fatal(err)
	}
	wantSeen(t, s, m, Unknown, "")
	if list, err := s.List(Unsure); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v", list, err)
	}
	if err := s.BeginRelease(id); !errors.Is(err, ErrNotHeld) {
		t.Errorf("BeginRelease: %v", err)
	}
	open(t, s.dir, Options{})
	if left := files(t, s.box(Unsure)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	m.ID = s.NewID()
	hold(t, s, m, "x")
	wantSeen(t, s, m, Held, m.ID)
}

// TestReleaseToken: a release is known by its token however its digest changed,
// as long as it may be on its way and for its own recipients.
func TestReleaseToken(t *testing.T) {
	s := fresh(t)
	other := open(t, s.dir, Options{})
	m := meta(s, "x", "a@example.org", "b@example.org")
	id := hold(t, s, m, "x")
	if _, err := s.ReleaseToken(id); !errors.Is(err, ErrNotBegun) {
		t.Errorf("token before the release: %v", err)
	}
	if err := s.BeginRelease(id); err != nil {
		t.Fatal(err)
	}
	token, err := s.ReleaseToken(id)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		token string
		to    []string
		want  bool
	}{
		"all":           {token, []string{"b@example.org", "a@example.org"}, true},
		"one":           {token, []string{"b@EXAMPLE.org"}, true},
		"somebody else": {token, []string{"a@example.org", "d@example.org"}, false},
		"nobody":        {token, nil, false},
		"id alone":      {id, []string{"a@example.org"}, false},
		"forged":        {id + "-x", []string{"a@example.org"}, false},
		"none":          {"", []string{"a@example.org"}, false},
	} {
		if got, ok := other.SeenRelease(tc.token, "changed on its way", tc.to); ok != tc.want || ok && got != id {
			t.Errorf("%s: %q, %v, want %v", name, got, ok, tc.want)
		}
	}
	if err := s.FinishRelease(id, Handover{Accepted: []string{"a@example.org"}, Doubt: true}); err != nil {
		t.Fatal(err)
	}
	if _, ok := other.SeenRelease(token, "", []string{"b@example.org"}); !ok {
		t.Error("in doubt: not known")
	}
	if err := s.ForceRelease(id); err != nil {
		t.Fatal(err)
	}
	if again, err := s.ReleaseToken(id); again != token || err != nil {
		t.Errorf("second release has token %q, %v; an earlier copy may be on its way with %q", again, err, token)
	}
	if err := s.EndRelease(id, true); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		digest string
		to     []string
		want   bool
	}{
		"another message":          {"changed on its way", []string{"b@example.org"}, false},
		"the same, from a queue":   {m.Digest, []string{"b@example.org"}, true},
		"the same, for another":    {m.Digest, []string{"d@example.org"}, false},
		"the same, to all it went": {m.Digest, []string{"a@example.org", "b@example.org"}, true},
	} {
		if _, ok := other.SeenRelease(token, tc.digest, tc.to); ok != tc.want {
			t.Errorf("released, %s comes back: passes %v, want %v", name, ok, tc.want)
		}
	}
}

// TestSeenPart: who had a copy held is known in a larger transaction too, also
// after the decision, and not in one that failed or of another sender.
func TestSeenPart(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x", "a@example.org", "b@example.org")
	id := hold(t, s, m, "x")
	all := []string{"d@example.org", "B@example.org", "b@EXAMPLE.org", "a@example.org"}
	want := func(when, sender string, want ...string) {
		t.Helper()
		if got := s.SeenPart(m.Digest, sender, all); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	want("held", m.Envelope.Sender, all[2:]...)
	want("another sender", "z@example.com")
	if err := errors.Join(s.BeginRelease(id), s.EndRelease(id, true)); err != nil {
		t.Fatal(err)
	}
	want("released", m.Envelope.Sender, all[2:]...)
	if got := s.SeenPart("", m.Envelope.Sender, all); got != nil {
		t.Errorf("without a digest: %q", got)
	}
}
