package spool

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-mbox"
)

// randomBody is full of what is hard: lines that look like separators, CRs that
// stand alone, NULs, 8-bit bytes, no final line end. It has no bare LF.
func randomBody(r *rand.Rand) []byte {
	pieces := []string{
		"From ", ">From ", ">>>From x", "From", "Fro", ">", ">>", "F", "from ", " From ", "\r\n", "\r\n", "\r\n",
		"\r", "\r\r\n", "\x00", "\xff\xfe", "\xc3\xbc", ".", "..", "text and text", "\r\n.\r\n", "\r\n\r\n", strings.Repeat(">", 100),
	}
	var b []byte
	for range r.IntN(60) {
		b = append(b, pieces[r.IntN(len(pieces))]...)
	}
	if r.IntN(20) == 0 {
		b = append(b, bytes.Repeat([]byte(">"), 200_000)...)
	}
	return b
}

// TestReleaseIsByteExact holds random messages in random pieces and compares
// what a release yields.
func TestReleaseIsByteExact(t *testing.T) {
	s := fresh(t)
	s.o.MemLimit = 2000
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range 200 {
		body := randomBody(r)
		m := meta(s, string(body))
		m.Digest = ""
		d := s.NewDraft()
		w := NewMessageWriter(d, m.Envelope, m.Time, "own", m.ID)
		w.Header([]byte("From x"), []byte(" a name that looks like a separator"))
		w.Header([]byte("A"), []byte("\xe9 b\n c\r\n\td"))
		w.EndHeaders()
		for rest := body; len(rest) > 0; {
			n := 1 + r.IntN(min(len(rest), 1+r.IntN(50_000)))
			if err := w.Body(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := s.Hold(d, m); err != nil {
			t.Fatal(err)
		}
		want := "From x: a name that looks like a separator\r\nA:\xe9 b\r\n c\r\n\td\r\n\r\n" + string(body)
		if got := released(t, s, m.ID); got != want {
			t.Fatalf("seed %d, message %d: got %.300q, want %.300q", seed, i, got, want)
		}
	}
}

func TestHeaderValuesCannotEndTheHeader(t *testing.T) {
	var b bytes.Buffer
	w := NewMessageWriter(&b, Envelope{}, time.Now(), "own", "0000000000000000")
	b.Reset()
	w.Header([]byte("A\nB"), []byte(" x\n\nFrom y\r\n\r\nbody\n"))
	w.EndHeaders()
	w.Close()
	_, fields, _ := strings.Cut(b.String(), "0000\n")
	if want := "A?B: x\n\t\n\tFrom y\n\t\n\tbody\n\n"; fields != want && b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// mailbox holds messages, and returns their bodies and a file that the shell
// made of them as moderators do.
func mailbox(t *testing.T) (bodies []string, box string) {
	t.Helper()
	s := fresh(t)
	bodies = []string{
		"plain\r\n", "", "no line end", "\r\n\r\n", "From me\r\nFrom \r\nFrom", ">From a\r\n>>From b\r\n",
		"ends empty\r\n\r\n", "8 bit \xfc and NUL \x00\r\n", "a\r\n\r\nFrom b Mon Jan  1 00:00:00 2001\r\nSubject: no\r\n\r\nx\r\n",
	}
	for _, b := range bodies {
		hold(t, s, meta(s, b), b)
		time.Sleep(2 * time.Millisecond) // ids sort by the millisecond
	}
	box = t.TempDir() + "/u.mbox"
	sh := exec.Command("sh", "-c", `cd "$1" && for m in *.msg; do cat $m >> "$2"; echo "" >> "$2"; done`, "sh", s.box(Unsure), box)
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bodies, box
}

func TestShellLoopMakesAMailbox(t *testing.T) {
	bodies, box := mailbox(t)
	f, err := os.Open(box)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := mbox.NewReader(f)
	for i, body := range bodies {
		msg, err := r.NextMessage()
		if err != nil {
			t.Fatalf("message %d of %d: %v", i, len(bodies), err)
		}
		raw, err := io.ReadAll(msg)
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(string(raw), "\r\n\r\n")
		want := strings.ReplaceAll(body, ">>From b", ">>>From b") // go-mbox takes '>' from ">From " only,
		want = strings.ReplaceAll(want, ">From a", ">>From a")    // which is the older mboxo
		if strings.TrimRight(got, "\r\n") != strings.TrimRight(want, "\r\n") {
			t.Errorf("message %d: %q, want %q", i, got, want)
		}
	}
	if _, err := r.NextMessage(); err != io.EOF {
		t.Errorf("after the last message: %v", err)
	}
}

// TestMailboxIsStrict reads the same file by the strict rule: a separator is a
// "From " line at the beginning or behind an empty line.
func TestMailboxIsStrict(t *testing.T) {
	bodies, box := mailbox(t)
	raw, err := os.ReadFile(box)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split("\n"+string(raw), "\n\nFrom ")
	if strings.Count("\n"+string(raw), "\nFrom ") != len(bodies) || len(parts) != len(bodies) {
		t.Fatalf("%d separators behind an empty line, %d messages", len(parts), len(bodies))
	}
}

func TestMessageWriterReturnsTheFirstError(t *testing.T) {
	w := NewMessageWriter(failing{}, Envelope{}, time.Now(), "own", "0000000000000000")
	if err := w.Header([]byte("A"), []byte(" b")); err != io.ErrClosedPipe {
		t.Errorf("Header: %v", err)
	}
	if err := w.Body([]byte("x")); err != io.ErrClosedPipe {
		t.Errorf("Body: %v", err)
	}
	if err := w.Close(); err != io.ErrClosedPipe {
		t.Errorf("Close: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// FuzzRoundTrip checks that what the reader takes back is what the writer got.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("From a\r\n>From b\r\r\n\r"), uint8(3))
	f.Add([]byte(">>>"), uint8(1))
	f.Add([]byte("F\rFrom \r\nFro"), uint8(2))
	f.Fuzz(func(t *testing.T, body []byte, step uint8) {
		var b bytes.Buffer
		w := NewMessageWriter(&b, Envelope{}, time.Now(), "own", "0000000000000000")
		w.EndHeaders()
		for rest := body; len(rest) > 0; {
			n := min(len(rest), 1+int(step))
			w.Body(rest[:n])
			rest = rest[n:]
		}
		w.Close()
		name := t.TempDir() + "/m"
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := openMessage(name, false)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want := "\r\n" + crlf(string(body))
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// crlf turns every bare LF into CRLF, as a release does.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}
