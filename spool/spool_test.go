package spool

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// open opens a spool as a process of its own would: two of them in one test
// share nothing but the directory.
func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(t testing.TB) *Spool {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "spool"), Options{})
}

func digestOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// meta is an envelope for a message with this body.
func meta(s *Spool, body string, to ...string) Meta {
	if len(to) == 0 {
		to = []string{"list@example.org"}
	}
	return Meta{
		ID: s.NewID(), Box: Unsure, Digest: digestOf(body), Verdict: "unsure", Score: 0.5, Time: time.Now(),
		Envelope: Envelope{
			Sender: "a@example.com", Recipients: to, ClientAddr: "192.0.2.7",
			ClientName: "mx.example.com", Helo: "helo.example.com", Macros: map[string]string{"i": "4F1"},
		},
		Subject: "hello", Clues: []Clue{{Text: "subject: hello", Prob: 0.7, Ham: 1, Spam: 3}},
	}
}

// draft writes a message into a new draft.
func draft(s *Spool, m Meta, body string) *Draft {
	d := s.NewDraft()
	w := NewMessageWriter(d, m.Envelope, m.Time, "mail.example.org", m.ID)
	w.Header([]byte("Subject"), []byte(" hello"))
	w.Header([]byte("X-Folded"), []byte("one\r\n\ttwo"))
	w.EndHeaders()
	w.Body([]byte(body))
	return d
}

const draftFields = "Subject: hello\r\nX-Folded:one\r\n\ttwo\r\n\r\n"

func hold(t testing.TB, s *Spool, m Meta, body string) string {
	t.Helper()
	if err := s.Hold(draft(s, m, body), m); err != nil {
		t.Fatalf("Hold: %v", err)
	}
	return m.ID
}

func released(t testing.TB, s *Spool, id string) string {
	t.Helper()
	r, err := s.MessageReader(id)
	if err != nil {
		t.Fatalf("MessageReader: %v", err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read message: %v", err)
	}
	return string(raw)
}

func wantSeen(t testing.TB, s *Spool, m Meta, want State, id string) {
	t.Helper()
	got, gotID := s.Seen(m.Digest, m.Envelope.Sender, m.Envelope.Recipients)
	if got != want || gotID != id {
		t.Errorf("Seen = %d %q, want %d %q", got, gotID, want, id)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestHoldAndFindAgain(t *testing.T) {
	s := fresh(t)
	m := meta(s, "body\r\n")
	m.Envelope.MailArgs = "SMTPUTF8"
	wantSeen(t, s, m, Unknown, "")
	id := hold(t, s, m, "body\r\n")
	wantSeen(t, s, m, Held, id)

	list, err := s.List(Unsure)
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %v, %v", list, err)
	}
	got := list[0]
	if got.ID != id || got.Box != Unsure || got.Digest != m.Digest || got.Score != 0.5 ||
		got.Envelope.MailArgs != "SMTPUTF8" || got.Envelope.Macros["i"] != "4F1" || len(got.Clues) != 1 || !got.Time.Equal(m.Time) {
		t.Errorf("List gives %+v", got)
	}
	if want := draftFields + "body\r\n"; released(t, s, id) != want {
		t.Errorf("release gives %q, want %q", released(t, s, id), want)
	}
	for _, b := range []Box{Spam, Copy} {
		if list, err := s.List(b); err != nil || len(list) != 0 {
			t.Errorf("List(%s) = %v, %v", b, list, err)
		}
	}
	if left := files(t, s.tmp()); len(left) != 0 {
		t.Errorf("tmp has %v", left)
	}
}

// What an older version held is read as it was: without log-odds, places and an
// explanation. What this one holds keeps them to the last digit.
func TestOlderEnvelopeIsRead(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	old := hold(t, s, m, "x\r\n")
	raw, err := os.ReadFile(s.path(Unsure, old, ".json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"explanation", "log_odds", "place"} {
		if strings.Contains(string(raw), key) {
			t.Errorf("%s stands in the file without a value: %s", key, raw)
		}
	}
	if got, err := s.Get(old); err != nil || got.Explanation != nil || got.LogOdds != 0 || got.Clues[0] != m.Clues[0] {
		t.Errorf("%+v, %v", got, err)
	}
	m = meta(s, "y")
	m.LogOdds, m.Clues[0].Place = 1./3, "header field subject"
	m.Explanation = &Explanation{Counts: 0.1, Thin: -1e-17, HamCounted: 1 << 31, Pieces: []Piece{{Text: "text: \u202e\x1b", Sum: -1 << 60, Share: 2. / 3}}}
	if got, err := s.Get(hold(t, s, m, "y\r\n")); err != nil || got.LogOdds != m.LogOdds || !reflect.DeepEqual(got.Explanation, m.Explanation) || got.Clues[0] != m.Clues[0] {
		t.Errorf("%+v, %v, want %+v", got, err, m)
	}
}

func TestMessageFileFormat(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x")
	m.Time = time.Date(2026, 11, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	id := hold(t, s, m, "From me\r\n>From you\r\nend")
	r, err := s.OpenMessage(id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	want := "From a@example.com Mon Nov  2 02:04:05 2026\n" +
		"Return-Path: <a@example.com>\n" +
		"Received: from helo.example.com (mx.example.com [192.0.2.7])\n" +
		"\tby mail.example.org (fanmill) id " + id + "; Mon, 02 Nov 2026 02:04:05 +0000\n" +
		"Subject: hello\nX-Folded:one\n\ttwo\n\n>From me\n>>From you\nend\n"
	if string(raw) != want {
		t.Errorf("ID.msg is\n%s\nwant\n%s", raw, want)
	}
}

func TestHostileEnvelopeStaysOnItsLines(t *testing.T) {
	for name, tc := range map[string]struct {
		e    Envelope
		want string
	}{
		"null sender, nothing known": {Envelope{}, "From MAILER-DAEMON DATE\nReturn-Path: <>\nReceived: from unknown (unknown)\n\tby"},
		"line ends and brackets": {
			Envelope{Sender: "a b\r\nX: y@z>", Helo: "x (y [6.6.6.6])\n\tby q; ", ClientName: "n\x00m", ClientAddr: "203.0.113.9"},
			"From a?b??X:?y@z? DATE\nReturn-Path: <a?b??X:?y@z?>\nReceived: from x??y??6.6.6.6????by?q?? (n?m [203.0.113.9])\n\tby",
		},
		"IPv6":            {Envelope{Helo: "[IPv6:2001:db8::1]", ClientAddr: "2001:db8::1"}, "From MAILER-DAEMON DATE\nReturn-Path: <>\nReceived: from [IPv6:2001:db8::1] (unknown [IPv6:2001:db8::1])\n\tby"},
		"mapped IPv4":     {Envelope{ClientAddr: "::ffff:192.0.2.1"}, "From MAILER-DAEMON DATE\nReturn-Path: <>\nReceived: from unknown (unknown [192.0.2.1])\n\tby"},
		"not an address":  {Envelope{ClientAddr: "1.2.3.4]) (evil"}, "From MAILER-DAEMON DATE\nReturn-Path: <>\nReceived: from unknown (unknown)\n\tby"},
		"endless address": {Envelope{Sender: strings.Repeat("x", 9999)}, "From " + strings.Repeat("x", 512) + " DATE"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			NewMessageWriter(&b, tc.e, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "own", "0000000000000000").Close()
			want := strings.ReplaceAll(tc.want, "DATE", "Thu Jan  1 00:00:00 2026")
			if !strings.HasPrefix(b.String(), want) {
				t.Errorf("got\n%q, want\n%q", b.String(), want)
			}
			if n := strings.Count(b.String(), "\n"); n != 4 {
				t.Errorf("%d lines before the fields, want 4", n)
			}
		})
	}
}

func TestModes(t *testing.T) {
	s := fresh(t)
	id := hold(t, s, meta(s, "x"), "x")
	unlock, err := s.Claim(id, "me")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for name, want := range map[string]os.FileMode{
		".": 0o770 | os.ModeSetgid | os.ModeDir, "tmp": 0o770 | os.ModeSetgid | os.ModeDir,
		"unsure": 0o770 | os.ModeSetgid | os.ModeDir, "spam": 0o770 | os.ModeSetgid | os.ModeDir,
		"copy": 0o770 | os.ModeSetgid | os.ModeDir, "journal": 0o660, "lock": 0o660,
		"unsure/" + id + ".msg": 0o640, "unsure/" + id + ".json": 0o640, "tmp/" + id + ".claim": 0o660,
	} {
		fi, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			t.Error(err)
		} else if fi.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, fi.Mode(), want)
		}
	}
}

func TestNewID(t *testing.T) {
	s := fresh(t)
	seen := map[string]bool{}
	last := ""
	for range 1000 {
		id := s.NewID()
		if err := checkID(id); err != nil {
			t.Fatal(err)
		}
		if seen[id] || id[:idTimeLen] < last {
			t.Fatalf("id %s comes twice or out of time", id)
		}
		seen[id], last = true, id[:idTimeLen]
	}
}

func TestBadIDsReachNoPath(t *testing.T) {
	s := fresh(t)
	for _, id := range []string{"", "../../etc/passwd", "../unsure/aaaaaa", "ABCDEFGHIJKLMNOP", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa/", "aaaaaaaaaaaaaaaaa"} {
		_, get := s.Get(id)
		_, msg := s.OpenMessage(id)
		_, reader := s.MessageReader(id)
		_, claim := s.Claim(id, "me")
		m := meta(s, "x")
		m.ID = id
		for i, err := range []error{get, msg, reader, claim, s.BeginRelease(id), s.Discard(id), s.Hold(draft(s, m, "x"), m)} {
			if !errors.Is(err, ErrBadID) {
				t.Errorf("id %q, call %d: %v", id, i, err)
			}
		}
	}
}

func TestHoldRefusesWhatCannotBeReleased(t *testing.T) {
	s := fresh(t)
	none := meta(s, "x")
	none.Envelope.Recipients = nil
	box := meta(s, "x")
	box.Box = "../../tmp"
	twice := meta(s, "one")
	hold(t, s, twice, "one")
	twice.Digest = digestOf("two")
	for name, m := range map[string]Meta{"no recipients": none, "box": box, "id in use": twice} {
		if err := s.Hold(draft(s, m, "x"), m); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := released(t, s, twice.ID); got != draftFields+"one" {
		t.Errorf("the first message was changed: %q", got)
	}
}

func TestDraftFromMemoryToFile(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s"), Options{MemLimit: 1000})
	m := meta(s, "big")
	d := draft(s, m, strings.Repeat("x", 500))
	if got := files(t, s.tmp()); len(got) != 0 {
		t.Errorf("a small draft made %v", got)
	}
	d.Write(bytes.Repeat([]byte("y"), 600))
	if got := files(t, s.tmp()); len(got) != 1 {
		t.Errorf("a large draft made %v", got)
	}
	d.Discard()
	d.Discard()
	if got := files(t, s.tmp()); len(got) != 0 {
		t.Errorf("after Discard there is %v", got)
	}
	if _, err := d.Write([]byte("z")); err == nil {
		t.Error("Write after Discard: no error")
	}
	if err := s.Hold(d, m); err == nil {
		t.Error("Hold after Discard: no error")
	}
	body := strings.Repeat("From z\r\n", 5000)
	id := hold(t, s, m, body)
	if released(t, s, id) != draftFields+body {
		t.Error("a message from a file draft differs")
	}
}

func TestSweepKeepsLivingDrafts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	daemon := open(t, dir, Options{MemLimit: 10})
	m := meta(daemon, "alive")
	d := draft(daemon, m, "alive\r\n")
	dead := filepath.Join(dir, "tmp", "draft-dead")
	if err := os.WriteFile(dead, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	other := open(t, dir, Options{})
	if exists(dead) {
		t.Error("a dead draft was not swept")
	}
	if got := files(t, other.tmp()); len(got) != 1 {
		t.Errorf("tmp has %v, want the living draft", got)
	}
	if err := daemon.Hold(d, m); err != nil {
		t.Fatalf("Hold of a draft that lived through another's start: %v", err)
	}
	wantSeen(t, other, m, Held, m.ID)
}

func TestMinFree(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s"), Options{MinFree: 1 << 60, MemLimit: 100})
	m := meta(s, "x")
	if err := s.Hold(draft(s, m, "x"), m); !errors.Is(err, ErrFull) {
		t.Errorf("small message: %v, want ErrFull", err)
	}
	d := draft(s, m, strings.Repeat("x", 1000))
	if _, err := d.Write([]byte("more")); !errors.Is(err, ErrFull) {
		t.Errorf("large draft: %v, want ErrFull", err)
	}
	if err := s.Hold(d, m); !errors.Is(err, ErrFull) {
		t.Errorf("large message: %v, want ErrFull", err)
	}
	wantSeen(t, s, m, Unknown, "")
	if n, err := s.Free(); err != nil || n <= 0 {
		t.Errorf("Free = %d, %v", n, err)
	}
}

func TestAddressesThatAreNotUTF8(t *testing.T) {
	s := fresh(t)
	m := meta(s, "x", "j\xf6rg@example.org", "b@example.org")
	m.Envelope.Sender = "\xe4@example.com"
	id := hold(t, s, m, "x")
	got, err := open(t, s.dir, Options{}).Get(id)
	if err != nil || got.Envelope.Sender != m.Envelope.Sender || !slices.Equal(got.Envelope.Recipients, m.Envelope.Recipients) {
		t.Errorf("Get gives %q, %v", got.Envelope, err)
	}
	wantSeen(t, s, m, Held, id)
}

func TestDamagedFilesAreNamed(t *testing.T) {
	s := fresh(t)
	good := hold(t, s, meta(s, "good"), "good")
	bad := hold(t, s, meta(s, "bad"), "bad")
	cut := hold(t, s, meta(s, "cut"), "cut")
	if err := os.WriteFile(s.path(Unsure, bad, ".json"), []byte("{"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.path(Unsure, cut, ".msg"), 30); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(bad); err == nil || !strings.Contains(err.Error(), bad+".json") {
		t.Errorf("Get: %v", err)
	}
	if _, err := s.MessageReader(cut); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("MessageReader: %v", err)
	}
	list, err := s.List(Unsure)
	if err != nil || len(list) != 2 || list[0].ID != good && list[1].ID != good {
		t.Errorf("List = %v, %v", list, err)
	}
	open(t, s.dir, Options{})
	if !exists(s.path(Unsure, bad, ".msg")) {
		t.Error("a message with a damaged envelope was removed")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), filepath.Join(t.TempDir(), "a", "b")} {
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), filepath.Base(dir)) {
			t.Errorf("Open(%s): %v", dir, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	errs := make(chan error)
	const workers, each = 4, 15
	for w := range workers {
		s := open(t, dir, Options{})
		go func() {
			for i := range each {
				body := fmt.Sprintf("%d %d\r\n", w, i)
				m := meta(s, body)
				errs <- s.Hold(draft(s, m, body), m)
			}
		}()
	}
	for range workers * each {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s := open(t, dir, Options{})
	list, err := s.List(Unsure)
	if err != nil || len(list) != workers*each {
		t.Fatalf("%d held, %v", len(list), err)
	}
	for _, m := range list {
		wantSeen(t, s, m, Held, m.ID)
	}
}
