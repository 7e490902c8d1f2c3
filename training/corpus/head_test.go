package corpus

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestHead(t *testing.T) {
	for _, c := range []struct{ name, raw, from, fields, body string }{
		{"plain", "A: 1\nB:2\n\ntext\n", "", "A=1|B=2", "text\n"},
		{"mbox", "From x y\nA: 1\n\ntext", "From x y", "A=1", "text"},
		{"quoted From_ line", ">From x y\nA: 1\n\n", "From x y", "A=1", ""},
		{"CRLF", "From x\r\nA: 1\r\n\ttwo\r\n\r\ntext\r\n", "From x", "A=1\r\n\ttwo", "text\r\n"},
		{"blank before the colon", "A : 1\n\nx", "", "A=1", "x"},
		{"no empty line", "A: 1\nno field\nB: 2\n", "", "A=1", "no field\nB: 2\n"},
		{"no end", "A: 1", "", "A=1", ""},
		{"continuation without a field", " x\nA: 1\n", "", "", " x\nA: 1\n"},
		{"control character in a name", "A\x01: 1\n\n", "", "", "A\x01: 1\n\n"},
		{"no name", ": 1\n", "", "", ": 1\n"},
		{"nothing", "", "", "", ""},
	} {
		var h Head
		h.Read([]byte(c.raw))
		var fields []string
		for _, f := range h.Fields {
			fields = append(fields, string(f.Name)+"="+strings.TrimLeft(string(f.Value), " "))
		}
		if string(h.From) != c.from || strings.Join(fields, "|") != c.fields || string(h.Body) != c.body {
			t.Errorf("%s: from %q fields %q body %q", c.name, h.From, fields, h.Body)
		}
	}
}

func TestHeadGet(t *testing.T) {
	var h Head
	h.Read([]byte("Subject: one \nSUBJECT: two\n\n"))
	if h.Get("subject") != "one" || h.Get("To") != "" {
		t.Errorf("got %q and %q", h.Get("subject"), h.Get("To"))
	}
	h.Read([]byte("To: x\n\n"))
	if h.Get("subject") != "" {
		t.Error("a field of the message before")
	}
}

func TestArrived(t *testing.T) {
	const (
		received = "Received: from a by b; Tue, 3 Mar 2026 10:00:00 +0100\nReceived: by a; Mon, 2 Mar 2026 10:00:00 +0000\n"
		date     = "Date: Sun, 1 Mar 2026 10:00:00 +0000\n"
	)
	for _, c := range []struct{ name, raw, want string }{
		{"the newest Received field first", "From x Sat Feb 28 10:00:00 2026\n" + received + date, "2026-03-03 09:00:00"},
		{"then the From_ line", "From x Sat Feb 28 10:00:00 2026\n" + date, "2026-02-28 10:00:00"},
		{"with a day of one digit", "From x Sun Mar  8 10:00:00 2026 +0100\n" + date, "2026-03-08 10:00:00"},
		{"with blanks in the sender", "From x y z Sun Mar  8 10:00:00 2026\n" + date, "2026-03-08 10:00:00"},
		{"then the Date field", "From x yesterday\n" + date, "2026-03-01 10:00:00"},
		{"broken Received", "Received: by a; soon\n" + date, "2026-03-01 10:00:00"},
		{"from the future", "Received: by a; Tue, 3 Mar 2037 10:00:00 +0100\n" + date, "2026-03-01 10:00:00"},
		{"a clock never set", "From x Thu Jan  1 00:00:00 1970\n" + date, "2026-03-01 10:00:00"},
		{"a long one", "Received: by a; " + strings.Repeat("(", maxDate) + "\n" + date, "2026-03-01 10:00:00"},
		{"nothing", "Subject: x\n", "0001-01-01 00:00:00"},
	} {
		var h Head
		h.Read([]byte(c.raw + "\ntext\n"))
		got := h.Arrived(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)).UTC().Format(time.DateTime)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Whatever comes, nothing is lost and nothing panics.
func TestHeadOfAnything(t *testing.T) {
	piece := rapid.SampledFrom([]string{"\n", "\r\n", "From ", ">", ":", "Date:", "Received: ;", " ", "\t", "a", "\x00", "Mon Jan  2 10:00:00 2026"})
	rapid.Check(t, func(t *rapid.T) {
		raw := strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")
		var h Head
		h.Read([]byte(raw))
		h.Arrived(time.Now())
		if !strings.HasSuffix(raw, string(h.Body)) {
			t.Fatalf("body %q of %q", h.Body, raw)
		}
	})
}
