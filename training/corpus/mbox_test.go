package corpus

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// readMbox splits text and fails the test on anything but messages.
func readMbox(t interface {
	Helper()
	Fatalf(string, ...any)
}, src io.Reader, max int,
) []string {
	t.Helper()
	s := splitter{max: max}
	s.reset(src)
	var messages []string
	if len(s.start()) == 0 {
		return nil
	}
	for {
		raw, err := s.mboxNext()
		if errors.Is(err, io.EOF) {
			return messages
		}
		if err != nil {
			t.Fatalf("read message %d: %v", len(messages)+1, err)
		}
		messages = append(messages, string(raw))
	}
}

func TestMboxSplitting(t *testing.T) {
	for _, c := range []struct {
		name, mbox string
		want       []string
	}{
		{"one", "From a\nA: 1\n\nx\n\n", []string{"From a\nA: 1\n\nx\n"}},
		{"no empty line at the end", "From a\nA: 1\n\nx\n", []string{"From a\nA: 1\n\nx\n"}},
		{"no line end at the end", "From a\nA: 1\n\nx", []string{"From a\nA: 1\n\nx"}},
		{"two", "From a\nA: 1\n\nx\n\nFrom b\nB: 1\n\ny\n\n", []string{"From a\nA: 1\n\nx\n", "From b\nB: 1\n\ny\n"}},
		{"empty lines first", "\n\r\nFrom a\n\nx\n\nFrom b\n", []string{"From a\n\nx\n", "From b\n"}},
		{"CRLF", "From a\r\n\r\nx\r\n\r\nFrom b\r\n\r\ny\r\n\r\n", []string{"From a\r\n\r\nx\r\n", "From b\r\n\r\ny\r\n"}},
		{"one empty line is taken, not two", "From a\n\nx\n\n\nFrom b\n\ny\n\n\n", []string{"From a\n\nx\n\n", "From b\n\ny\n\n"}},
		{"From in a line", "From a\n\nx\nFrom here on\n\nand >From\n From\n", []string{"From a\n\nx\nFrom here on\n\nand >From\n From\n"}},
		{"quoted, once and twice", "From a\n\n>From x\n\n>>From y\n\n", []string{"From a\n\n>From x\n\n>>From y\n"}},
		{"nothing but From_ lines", "From a\n\nFrom b\n\nFrom c\n", []string{"From a\n", "From b\n", "From c\n"}},
		{"From without a blank", "From a\n\nx\n\nFrom\tb\n\nFromage\n", []string{"From a\n\nx\n\nFrom\tb\n\nFromage\n"}},
		{"white space is not an empty line", "From a\n\nx\n \nFrom b\n", []string{"From a\n\nx\n \nFrom b\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, src := range map[string]io.Reader{
				"whole":        strings.NewReader(c.mbox),
				"byte by byte": iotest.OneByteReader(strings.NewReader(c.mbox)),
			} {
				got := readMbox(t, src, 1<<20)
				if strings.Join(got, "|") != strings.Join(c.want, "|") || len(got) != len(c.want) {
					t.Errorf("%s: got %q, want %q", name, got, c.want)
				}
			}
		})
	}
}

func TestMboxTooLarge(t *testing.T) {
	big := "From big\nA: 1\n\n" + strings.Repeat("0123456789\n", 100_000) // 1.1 MB
	s := splitter{max: 1000}
	s.reset(strings.NewReader("From a\n\nx\n\n" + big + "\nFrom b\n\ny\n\n" + big))
	s.start()
	var got []string
	for {
		raw, err := s.mboxNext()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, ErrTooLarge) {
			raw = []byte("too large")
		}
		got = append(got, string(raw))
	}
	want := []string{"From a\n\nx\n", "too large", "From b\n\ny\n", "too large"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %.200q, want %q", got, want)
	}
	if len(s.buf) > firstBuffer {
		t.Errorf("the buffer grew to %d bytes for messages of at most %d", len(s.buf), s.max)
	}
}

func TestMboxSourceFails(t *testing.T) {
	broken := errors.New("disk on fire")
	s := splitter{max: 1000}
	s.reset(io.MultiReader(strings.NewReader("From a\n\nx\n\nFrom b\n\nhalf"), iotest.ErrReader(broken)))
	s.start()
	if raw, err := s.mboxNext(); err != nil || string(raw) != "From a\n\nx\n" {
		t.Fatalf("first message: %q, %v", raw, err)
	}
	if raw, err := s.mboxNext(); !errors.Is(err, broken) || raw != nil {
		t.Fatalf("a message that was cut short: %q, %v", raw, err)
	}
}

func TestReaderWithoutProgress(t *testing.T) {
	s := splitter{max: 1000}
	s.reset(idle{})
	if s.start(); !errors.Is(s.err, io.ErrNoProgress) {
		t.Errorf("got %v, want io.ErrNoProgress", s.err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

var (
	toQuote  = regexp.MustCompile(`(?m)^(>*From )`)
	isQuoted = regexp.MustCompile(`(?m)^>(>*From )`)
)

// writeMboxrd writes messages as an mboxrd; each must end in a line end.
func writeMboxrd(messages []string) string {
	var mbox strings.Builder
	for _, m := range messages {
		mbox.WriteString("From writer@example.org Thu Jan  1 00:00:00 2026\n")
		mbox.WriteString(toQuote.ReplaceAllString(m, ">$1"))
		mbox.WriteString("\n")
	}
	return mbox.String()
}

// unquoted undoes what writeMboxrd did to one message.
func unquoted(raw string) string {
	_, m, _ := strings.Cut(raw, "\n")
	return isQuoted.ReplaceAllString(m, "$1")
}

func checkRoundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, messages []string, cut int,
) {
	t.Helper()
	for i := range messages {
		if !strings.HasSuffix(messages[i], "\n") {
			messages[i] += "\n"
		}
	}
	mbox := writeMboxrd(messages)
	cut = min(cut, len(mbox))
	src := io.MultiReader(strings.NewReader(mbox[:cut]), iotest.HalfReader(strings.NewReader(mbox[cut:])))
	got := readMbox(t, src, 1<<24)
	if len(got) != len(messages) {
		t.Fatalf("%d messages, want %d, in %q", len(got), len(messages), mbox)
	}
	for i := range got {
		if unquoted(got[i]) != messages[i] {
			t.Fatalf("message %d: %q, want %q", i, unquoted(got[i]), messages[i])
		}
	}
}

func TestMboxrdRoundTrip(t *testing.T) {
	piece := rapid.SampledFrom([]string{"\n", "\r\n", "From ", ">From ", ">>", "a", ": ", "\r", "\n\nFrom x\n", "Ü", "\x00"})
	rapid.Check(t, func(t *rapid.T) {
		var messages []string
		for range rapid.IntRange(0, 5).Draw(t, "messages") {
			messages = append(messages, strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), ""))
		}
		checkRoundTrip(t, messages, rapid.IntRange(0, 100).Draw(t, "cut"))
	})
}

// FuzzMbox takes the input apart in two ways: as messages, divided at 0xFF, to
// be written as an mboxrd and read again; and as an mbox of unknown making,
// where two of them one after the other hold the messages of both.
func FuzzMbox(f *testing.F) {
	f.Add([]byte("A: 1\n\nFrom x\n\xff>From y\n\n\n\xff\r\n"), 5)
	f.Add([]byte("From a\n\nx\n\nFrom b\r\n\r\nFrom c"), 9)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		var messages []string
		for _, m := range bytes.Split(data, []byte{0xff}) {
			messages = append(messages, string(m))
		}
		checkRoundTrip(t, messages, max(cut, 0))
		checkConcatenation(t, string(data))
	})
}

func checkConcatenation(t *testing.T, mbox string) {
	t.Helper()
	mbox = strings.TrimLeft(mbox, "\r\n")
	if !strings.HasPrefix(mbox, "From ") {
		mbox = "From " + mbox
	}
	if emptyLine([]byte(mbox)) == 0 {
		mbox += "\n\n"
	}
	once := readMbox(t, strings.NewReader(mbox), 1<<24)
	twice := readMbox(t, strings.NewReader(mbox+mbox), 1<<24)
	if want := strings.Join(append(once, once...), "|"); strings.Join(twice, "|") != want {
		t.Fatalf("twice %q gives %q, want %q", mbox, twice, want)
	}
	total := 0
	for _, m := range once {
		total += len(m)
		if !strings.HasPrefix(m, "From ") {
			t.Fatalf("message %q does not begin with its From_ line", m)
		}
	}
	if lost := len(mbox) - total; lost > 2*len(once) {
		t.Fatalf("%d bytes of %q are in no message", lost, mbox)
	}
}
