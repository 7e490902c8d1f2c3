package cull

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fanmill/store"
	"fanmill/training/corpus"
)

// letter is a stored message; the texts of two numbers are not alike.
func letter(to string, number int, day int) string {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "word%dx%d ", number, i)
	}
	return fmt.Sprintf("From list@example.org Mon Mar %2d 10:00:00 2026\nReceived: from x by %s; %d Mar 2026 10:00:00 +0000\n"+
		"From: list@example.org\nTo: %s\nMessage-ID: <%d.%s>\nSubject: =?utf-8?q?n=C2=BA?= %d\n\nDear %s,\n%s\n\n",
		day, to, day, to, number, to, number, strings.SplitN(to, "@", 2)[0], text.String())
}

// folder writes files below a new folder and returns it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func look(t *testing.T, o Options, inputs ...Input) *Survey {
	t.Helper()
	s, err := Look(t.Context(), inputs, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLook(t *testing.T) {
	dir := folder(t, map[string]string{
		"ham":   letter("anna@example.org", 1, 3) + letter("bert@example.net", 1, 4) + letter("anna@example.org", 2, 5),
		"spam":  letter("bert@example.net", 2, 6) + letter("anna@example.org", 3, 7) + "From x\nSubject: undated\n\n",
		"empty": "",
	})
	var problems, reads []string
	s := look(t, Options{
		Now:      time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC),
		Corpus:   corpus.Options{Problem: func(p corpus.Problem) { problems = append(problems, filepath.Base(p.Source)) }},
		Progress: func(n int, b int64) { reads = append(reads, fmt.Sprint(n)) },
	}, Input{dir + "/ham", store.Ham}, Input{dir + "/empty", store.Ham}, Input{dir + "/spam", store.Spam})

	var firsts []int
	for _, e := range s.Entries {
		firsts = append(firsts, e.First)
	}
	if fmt.Sprint(firsts) != "[0 0 2 2 4 5]" {
		t.Errorf("firsts %v: the mail to two recipients, and another with both labels", firsts)
	}
	if got := fmt.Sprint(s.Groups(), s.Mixed()); got != "[[0 1] [2 3]] [[2 3]]" {
		t.Errorf("groups %s", got)
	}
	e := s.Entries[1]
	if e.Source() != dir+"/ham#2" || e.MessageID() != "<1.bert@example.net>" || e.Subject() != "nº 1" || e.Same {
		t.Errorf("entry %q %q %q, same %v", e.Source(), e.MessageID(), e.Subject(), e.Same)
	}
	if strings.Join(problems, " ") != "empty" || strings.Join(reads, " ") != "1 2 3 4 5 6" {
		t.Errorf("problems %q, progress %q", problems, reads)
	}
	spam := s.Summaries()[2]
	day := func(d int) time.Time { return time.Date(2026, 3, d, 10, 0, 0, 0, time.UTC) }
	if spam.Class != "spam" || spam.Messages != 3 || spam.Near != 1 || spam.Undated != 1 || spam.Oldest != day(6) || spam.Newest != day(7) {
		t.Errorf("summary %+v", spam)
	}
	all, ham := s.Total(store.None), s.Total(store.Ham)
	if all.Messages != 6 || all.Unreadable != 1 || all.Near != 2 || ham.Messages != 3 || ham.Unreadable != 1 || ham.Largest < 0 {
		t.Errorf("all %+v\nham %+v", all, ham)
	}
	if none := s.Summaries()[1]; none.Largest != -1 || none.Unreadable != 1 {
		t.Errorf("empty %+v", none)
	}
}

func TestLookSame(t *testing.T) {
	one := letter("anna@example.org", 1, 3)
	moved := strings.NewReplacer("To: anna@", "Cc: bert@", "Message-ID: <1", "Message-ID: <2", "\n", "\r\n").Replace(one)
	dir := folder(t, map[string]string{"m": one + moved})
	s := look(t, Options{}, Input{Path: dir + "/m"})
	if len(s.Entries) != 2 || !s.Entries[1].Same || s.Entries[1].First != 0 || s.Total(store.None).Same != 1 {
		t.Errorf("entries %+v", s.Entries)
	}
}

func TestLookRefuses(t *testing.T) {
	for _, near := range []float64{0.5, 1.1} {
		if _, err := Look(t.Context(), nil, Options{Near: near}); err == nil || !strings.Contains(err.Error(), "between 0.8 and 1") {
			t.Errorf("near %g: %v", near, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Look(ctx, []Input{{Path: "."}}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWithin(t *testing.T) {
	s := &Survey{Inputs: []Input{{"h", store.Ham}, {"s", store.Spam}}}
	for i := range 10 { // 0 to 7 ham, 8 and 9 spam; ham 3 has no date
		s.Entries = append(s.Entries, Entry{Arrived: int64(100 - i), Size: int64(i), Input: i / 8})
	}
	s.Entries[3].Arrived = 0
	for _, c := range []struct {
		name   string
		limits Limits
		want   string
		left   Left
	}{
		{"nothing", Limits{}, "0123456789", Left{}},
		{"old", Limits{Since: 95}, "01245", Left{Old: 5}},
		{"large", Limits{Largest: 4}, "01234", Left{Large: 5}},
		{"newest", Limits{Newest: 1}, "08", Left{Surplus: 8}},
		{"newest, the undated goes first", Limits{Newest: 7}, "012456789", Left{Surplus: 1}},
		{"balance", Limits{Balance: 2}, "012489", Left{Unbalanced: 4}},
		{"all", Limits{Since: 92, Largest: 8, Newest: 5, Balance: 4}, "01248", Left{Old: 2, Large: 0, Surplus: 2, Unbalanced: 1}},
	} {
		choice, left, err := s.Within(c.limits)
		got := ""
		for i, chosen := range choice {
			if chosen {
				got += fmt.Sprint(i)
			}
		}
		if got != c.want || left != c.left || err != nil || choice.Len() != len(got) {
			t.Errorf("%s: %s, left out %+v, %v; want %s, %+v", c.name, got, left, err, c.want, c.left)
		}
	}
	if _, _, err := s.Within(Limits{Since: 93, Balance: 1}); !errors.Is(err, ErrOneClass) {
		t.Errorf("nothing to balance with: %v", err)
	}
}

// Of the same second the later in the mailbox is the newer.
func TestWithinSameSecond(t *testing.T) {
	s := &Survey{Inputs: []Input{{}}, Entries: make([]Entry, 3)}
	if c, _, _ := s.Within(Limits{Newest: 2}); !slices.Equal(c, Choice{false, true, true}) {
		t.Errorf("got %v", c)
	}
}

// write writes a choice to two mailboxes and returns their subjects' numbers.
func write(t *testing.T, s *Survey, c Choice) (ham, spam string, err error) {
	t.Helper()
	dir := t.TempDir()
	boxes := map[store.Class]*corpus.Mbox{}
	for _, class := range []store.Class{store.Ham, store.Spam} {
		box, err := corpus.CreateMbox(t.Context(), filepath.Join(dir, class.String()), false, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer box.Discard()
		boxes[class] = box
	}
	if err = s.Write(t.Context(), c, Options{}, func(in Input) *corpus.Mbox { return boxes[in.Class] }); err != nil {
		return "", "", err
	}
	read := func(class store.Class) (got string) {
		if err := boxes[class].Commit(); err != nil {
			t.Fatal(err)
		}
		err := corpus.Walk(t.Context(), []string{boxes[class].Path()}, corpus.Options{}, func(item corpus.Item) error {
			var h corpus.Head
			h.Read(item.Raw)
			got += h.Get("Message-ID")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	return read(store.Ham), read(store.Spam), nil
}

func TestWrite(t *testing.T) {
	dir := folder(t, map[string]string{
		"ham":  letter("a", 1, 3) + letter("b", 1, 4) + letter("a", 2, 5),
		"ham2": letter("a", 1, 3), // the same bytes, and not chosen
		"spam": letter("a", 4, 3) + letter("b", 4, 3) + letter("a", 5, 3),
	})
	s := look(t, Options{}, Input{dir + "/ham", store.Ham}, Input{dir + "/ham2", store.Ham}, Input{dir + "/spam", store.Spam})
	ham, spam, err := write(t, s, s.Firsts())
	if ham != "<1.a><2.a>" || spam != "<4.a><5.a>" || err != nil {
		t.Errorf("wrote %s and %s, %v", ham, spam, err)
	}
	// a mailbox that grew at either end is no harm
	grown := letter("x", 8, 3) + letter("a", 1, 3) + letter("b", 1, 4) + letter("a", 2, 5) + letter("x", 9, 3)
	if err := os.WriteFile(dir+"/ham", []byte(grown), 0o600); err != nil {
		t.Fatal(err)
	}
	if ham, _, err := write(t, s, s.Firsts()); ham != "<1.a><2.a>" || err != nil {
		t.Errorf("grown: wrote %s, %v", ham, err)
	}
	if err := os.WriteFile(dir+"/ham", []byte(letter("a", 2, 5)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = write(t, s, s.Firsts())
	if !errors.Is(err, ErrChanged) || !strings.HasPrefix(err.Error(), "1 of 4 messages") {
		t.Errorf("a message is gone: %v", err)
	}
}

func TestRereadable(t *testing.T) {
	dir := folder(t, map[string]string{"file": "x"})
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{dir: nil, dir + "/file": nil, dir + "/missing": nil, "-": ErrTwice, pipe: ErrTwice} {
		if err := Rereadable([]Input{{Path: path}}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}
