package canon

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestAppendValue(t *testing.T) {
	for value, want := range map[string]string{
		" a\r\n\tb  c \r\n": "a b c", "": "", " \t ": "", "a\x00b": "a b", "a": "a",
	} {
		if got := AppendValue([]byte("x: "), []byte(value)); string(got) != "x: "+want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
}

func TestDropped(t *testing.T) {
	for name, want := range map[string]bool{
		"return-path": true, "x-spam-status": true, "x-fanmill-score": true, "status": true,
		"subject": false, "x-mailer": false, "x-": false, "": false, "spam": false,
	} {
		if got := Dropped([]byte(name)); got != want {
			t.Errorf("%q dropped: %v", name, got)
		}
	}
}

// stages writes down what it takes.
type stages struct {
	bytes.Buffer
	body []byte
}

func (s *stages) Header(name, value []byte) { fmt.Fprintf(s, "%s|%s;", name, value) }
func (s *stages) EndHeaders()               {}
func (s *stages) Body(b []byte)             { s.body = append(s.body, b...) }

func TestFeeder(t *testing.T) {
	for _, c := range []struct{ raw, fields, body string }{
		{"A: 1\nB : 2\n 3\n\nbody\n", "A| 1\n;B| 2\n 3\n;", "body\n"},
		{"From x@y z\r\nA: 1\r\n\r\nbody", "A| 1\r\n;", "body"},
		{">From x@y z\nA: 1\n\n", "A| 1\n;", ""},
		{"A: 1\nno field\nB: 2\n", "A| 1\n;", "no field\nB: 2\n"},
		{"A: 1", "A| 1;", ""},
		{"\nA: 1\n", "", "A: 1\n"},
		{"", "", ""},
	} {
		var f Feeder
		var fed, read stages
		f.Feed(&fed, []byte(c.raw))
		if fed.String() != c.fields || string(fed.body) != c.body {
			t.Errorf("%q: fields %q, body %q", c.raw, fed.String(), fed.body)
		}
		if err := f.Read(&read, iotest.OneByteReader(strings.NewReader(c.raw))); err != nil || read.String() != c.fields || string(read.body) != c.body {
			t.Errorf("%q read: fields %q, body %q, %v", c.raw, read.String(), read.body, err)
		}
	}
	var f Feeder
	if err := f.Read(&stages{}, iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("A: 1\n")))); err == nil {
		t.Error("an error of the reader is lost")
	}
}

// body joins lines again.
type body struct{ bytes.Buffer }

func (w *body) Line(b []byte, _, end bool) {
	w.Write(b)
	if end {
		w.WriteByte('\n')
	}
}
func (w *body) WholeLines(b []byte) { w.Write(b) }
func (w *body) BlankLines(n int)    { w.Write(bytes.Repeat([]byte{'\n'}, n)) }

func linesOf(chunks ...[]byte) string {
	var l Lines
	var w body
	l.Reset(&w)
	for _, b := range chunks {
		l.Write(b)
	}
	l.Close()
	return w.String()
}

func TestLines(t *testing.T) {
	for raw, want := range map[string]string{
		"a\r\nb\n":            "a\nb\n",
		"a\n\n\n":             "a\n",
		"\n\r\na":             "\n\na\n",
		">From b\n>>From c\n": "From b\nFrom c\n",
		"a >From b\n> From\n": "a >From b\n> From\n",
		"a\rb\r\r\n":          "ab\n",
		"":                    "",
	} {
		if got := linesOf([]byte(raw)); got != want {
			t.Errorf("%q becomes %q, want %q", raw, got, want)
		}
	}
}

// FuzzLines cuts any bytes anywhere: the lines are the same, hold no CR, and are the
// same again when read again, unless quoting was undone.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\n\n>From c\n\n"), uint8(3))
	f.Add(bytes.Repeat([]byte("long "), 2000), uint8(200))
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		whole := linesOf(raw)
		if cut := linesOf(slices.Collect(slices.Chunk(raw, 1+int(size)))...); cut != whole {
			t.Fatalf("cut into %d bytes: %q, whole: %q", 1+int(size), cut, whole)
		}
		if strings.Contains(whole, "\r") || strings.HasSuffix(whole, "\n\n") {
			t.Fatalf("%q", whole)
		}
		if again := linesOf([]byte(whole)); again != whole && !strings.Contains(whole, "From ") {
			t.Fatalf("%q becomes %q", whole, again)
		}
	})
}
