package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func journalOf(t *testing.T, s *Spool) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func scrawl(t *testing.T, s *Spool, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, "journal"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestTornLine(t *testing.T) {
	s := fresh(t)
	a, b := meta(s, "a"), meta(s, "b")
	hold(t, s, a, "a")
	scrawl(t, s, `{"time":"2026-01-01T00:00:00Z","op":"disc`) // its writer was killed
	wantSeen(t, s, a, Held, a.ID)
	other := open(t, s.dir, Options{})
	wantSeen(t, other, a, Held, a.ID)
	scrawl(t, s, `{"time":"2026-01-01T00:00:0`)
	hold(t, s, b, "b")
	wantSeen(t, other, b, Held, b.ID)
	wantSeen(t, s, b, Held, b.ID)
	if n := bytes.Count(journalOf(t, s), []byte("\n")); n != 2 || bytes.Contains(journalOf(t, s), []byte(`disc`)) {
		t.Errorf("journal was not repaired:\n%s", journalOf(t, s))
	}
}

func TestForeignLinesDoNotStopIt(t *testing.T) {
	s := fresh(t)
	a, b := meta(s, "a"), meta(s, "b")
	hold(t, s, a, "a")
	scrawl(t, s, "\x00\x00\n{}\nnull\n[1]\n"+`{"op":"held","id":"../../../../etc"}`+"\n")
	hold(t, s, b, "b")
	for _, sp := range []*Spool{s, open(t, s.dir, Options{})} {
		wantSeen(t, sp, a, Held, a.ID)
		wantSeen(t, sp, b, Held, b.ID)
	}
}

func TestCompactionIsFollowed(t *testing.T) {
	s := fresh(t)
	other := open(t, s.dir, Options{})
	var keep []Meta
	for _, body := range []string{"held", "doubt", "discarded", "released", "part"} {
		m := meta(s, body, "a@example.org", "b@example.org")
		hold(t, s, m, body)
		keep = append(keep, m)
	}
	steps := []error{
		s.BeginRelease(keep[1].ID), s.FinishRelease(keep[1].ID, Handover{Doubt: true}),
		s.Discard(keep[2].ID),
		s.BeginRelease(keep[3].ID), s.EndRelease(keep[3].ID, true),
		s.BeginRelease(keep[4].ID), s.FinishRelease(keep[4].ID, Handover{Accepted: []string{"a@example.org"}}),
	}
	for i, err := range steps {
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	busy := meta(s, "busy")
	hold(t, s, busy, "busy")
	for range compactSlack {
		if err := s.BeginRelease(busy.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.EndRelease(busy.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	if n := bytes.Count(journalOf(t, s), []byte("\n")); n > compactSlack+20 {
		t.Errorf("journal has %d lines for %d messages", n, len(keep)+1)
	}
	for _, sp := range []*Spool{s, other, open(t, s.dir, Options{})} {
		for i, want := range []State{Held, Releasing, Decided, Decided, Held} {
			wantSeen(t, sp, keep[i], want, keep[i].ID)
		}
		if m, err := sp.Get(keep[4].ID); err != nil || len(m.Envelope.Recipients) != 1 {
			t.Errorf("part: %v, %v", m.Envelope.Recipients, err)
		}
	}
}

func TestLostJournal(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	hold(t, s, m, "x")
	if err := os.Remove(filepath.Join(s.dir, "journal")); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s, m, Held, m.ID) // a running process knows it still
	again := open(t, s.dir, Options{})
	wantSeen(t, again, m, Held, m.ID) // a new one by ID.json
	if err := again.BeginRelease(m.ID); err != nil {
		t.Error(err)
	}
	wantSeen(t, s, m, Releasing, m.ID)
}

func TestMessagesFromABackup(t *testing.T) {
	s, backup := fresh(t), fresh(t)
	a, b := meta(s, "a"), meta(s, "b")
	for _, m := range []Meta{a, b} {
		hold(t, backup, m, "x")
		for _, ext := range []string{".json", ".msg"} {
			if err := os.Rename(backup.path(Unsure, m.ID, ext), s.path(Unsure, m.ID, ext)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.BeginRelease(a.ID); err != nil {
		t.Errorf("release: %v", err)
	}
	if err := s.Discard(b.ID); err != nil {
		t.Errorf("discard: %v", err)
	}
	wantSeen(t, s, b, Decided, b.ID)
}

func TestTombstonesExpire(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	s := open(t, dir, Options{TombstoneAge: 50 * time.Millisecond})
	gone, kept := meta(s, "x"), meta(s, "y")
	hold(t, s, gone, "x")
	hold(t, s, kept, "y")
	if err := s.Discard(gone.ID); err != nil {
		t.Fatal(err)
	}
	time.Sleep(60 * time.Millisecond)
	wantSeen(t, s, gone, Unknown, "")
	wantSeen(t, s, kept, Held, kept.ID)
	s.j.renew = true
	hold(t, s, meta(s, "z"), "z")
	if bytes.Contains(journalOf(t, s), []byte(gone.ID)) {
		t.Error("the journal still has an old tombstone")
	}
	if !bytes.Contains(journalOf(t, s), []byte(kept.ID)) {
		t.Error("the journal lost a held message")
	}
}

func TestJournalKeepsNoAddresses(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x", "secret@example.org")
	hold(t, s, m, "x")
	if raw := string(journalOf(t, s)); strings.Contains(raw, "secret") || strings.Contains(raw, "a@example.com") {
		t.Errorf("journal: %s", raw)
	}
}

// TestRemovalCutOff: killed between the journal and the removal of the files.
func TestRemovalCutOff(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	hold(t, s, m, "x")
	l, _ := s.j.get(m.ID)
	l.Op = opReleased
	if err := s.locked(func() error { return s.append(l) }); err != nil {
		t.Fatal(err)
	}
	wantSeen(t, s, m, Decided, m.ID)
	if list, err := s.List(Unsure); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v", list, err)
	}
	open(t, s.dir, Options{})
	if left := files(t, s.box(Unsure)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestCutJournalIsReadAnew: a write that failed was taken back, and the journal
// grew again past where a follower had read.
func TestCutJournalIsReadAnew(t *testing.T) {
	s := fresh(t)
	a, b, c := meta(s, "a"), meta(s, "b"), meta(s, "c", strings.Repeat("long", 50)+"@example.org", "other@example.org")
	hold(t, s, a, "a")
	end := int64(len(journalOf(t, s)))
	follower := open(t, s.dir, Options{})
	hold(t, s, b, "b")
	wantSeen(t, follower, b, Held, b.ID)
	if err := os.Truncate(filepath.Join(s.dir, "journal"), end); err != nil {
		t.Fatal(err)
	}
	hold(t, s, c, "c")
	for _, m := range []Meta{a, c} {
		wantSeen(t, follower, m, Held, m.ID)
		wantSeen(t, s, m, Held, m.ID)
	}
}
