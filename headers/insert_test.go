package headers

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

var mark = []Field{{"X-Fanmill-Status", "ham score=0.0000 id=a"}, {"X-Fanmill-Clues", "\"a\" 0.01;\n\t\"b\" 0.02"}}

const (
	markLF   = "X-Fanmill-Status: ham score=0.0000 id=a\nX-Fanmill-Clues: \"a\" 0.01;\n\t\"b\" 0.02\n"
	markCRLF = "X-Fanmill-Status: ham score=0.0000 id=a\r\nX-Fanmill-Clues: \"a\" 0.01;\r\n\t\"b\" 0.02\r\n"
)

func TestInsertTop(t *testing.T) {
	long := "Subject: " + strings.Repeat("x", 100_000) + "\n"
	tests := []struct{ name, in, want string }{
		{"LF", "Subject: a\n\nbody\n", markLF + "Subject: a\n\nbody\n"},
		{"CRLF", "Subject: a\r\n\r\nbody\n\rmixed\r\n", markCRLF + "Subject: a\r\n\r\nbody\n\rmixed\r\n"},
		{"From_ line", "From a@b Mon\nSubject: a\n\nb", "From a@b Mon\n" + markLF + "Subject: a\n\nb"},
		{"From_ line, CRLF", "From a@b Mon\r\nSubject: a\r\n\r\nb", "From a@b Mon\r\n" + markCRLF + "Subject: a\r\n\r\nb"},
		{"From_ line only", "From a@b Mon", "From a@b Mon\n" + markLF},
		{"forged, folded", "A: 1\nx-spam-FLAG: NO\n folded\n\ttoo\nB: 2\nX-Bogosity : Ham\n\nX-Spam-Flag: body\n", markLF + "A: 1\nB: 2\n\nX-Spam-Flag: body\n"},
		{"forged first", "X-Spam: a\n b\nB: 2\n\nx", markLF + "B: 2\n\nx"},
		{"forged last, no body", "A: 1\nX-Spam: a", markLF + "A: 1\n"},
		{"forged, long", "X-Spam-Report: " + strings.Repeat("y", 100_000) + "\n " + strings.Repeat("z", 50_000) + "\nA: 1\n\n", markLF + "A: 1\n\n"},
		{"kept, long", long + "\nb", markLF + long + "\nb"},
		{"empty header", "\nbody", markLF + "\nbody"},
		{"empty header, CRLF", "\r\nbody", markCRLF + "\r\nbody"},
		{"no header", "hello\nX-Spam: a\n", markLF + "\nhello\nX-Spam: a\n"},
		{"no header, blank first", " hello: x\nworld", markLF + "\n hello: x\nworld"},
		{"no header after From_", "From a\nhello\n", "From a\n" + markLF + "\nhello\n"},
		{"bad line in the header", "A: 1\nrubbish\nX-Spam: a\nB: 2\n\nb", markLF + "A: 1\nrubbish\nB: 2\n\nb"},
		{"empty message", "", markLF},
		{"NUL and 8-bit", "S: \x00\xff\n\n\x00\xff\r\r\n", markLF + "S: \x00\xff\n\n\x00\xff\r\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				var out strings.Builder
				if err := InsertTop(&out, mark, r); err != nil {
					t.Fatal(err)
				}
				if out.String() != tt.want {
					t.Errorf("got  %.300q\nwant %.300q", out.String(), tt.want)
				}
			}
		})
	}
}

type failWriter struct{ left int }

func (w *failWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.New("disk is full")
	}
	return len(p), nil
}

func TestInsertTopErrors(t *testing.T) {
	msg := "Subject: a\n\n" + strings.Repeat("line\n", 20_000)
	broken := errors.New("cable is cut")
	for _, n := range []int{0, 5, 11, 12, 5000, len(msg)} {
		r := io.MultiReader(strings.NewReader(msg[:n]), iotest.ErrReader(broken))
		if err := InsertTop(io.Discard, mark, r); !errors.Is(err, broken) || !strings.Contains(err.Error(), "read message") {
			t.Errorf("reader that fails after %d bytes: %v", n, err)
		}
		if err := InsertTop(&failWriter{left: n}, mark, strings.NewReader(msg)); err == nil || !strings.Contains(err.Error(), "write message: disk is full") {
			t.Errorf("writer that fails after %d bytes: %v", n, err)
		}
	}
}

// checkInsert states what InsertTop promises, by a second, simpler reading.
func checkInsert(t interface{ Fatalf(string, ...any) }, msg []byte) {
	var plain, marked bytes.Buffer
	if err := InsertTop(&plain, nil, bytes.NewReader(msg)); err != nil {
		t.Fatalf("InsertTop: %v", err)
	}
	if err := InsertTop(&marked, mark, bytes.NewReader(msg)); err != nil {
		t.Fatalf("InsertTop: %v", err)
	}
	body := bodyOf(msg)
	for _, out := range [][]byte{plain.Bytes(), marked.Bytes()} {
		if !bytes.HasSuffix(out, body) {
			t.Fatalf("body %q is not at the end of %q", body, out)
		}
	}
	if len(body) == len(msg) && !bytes.Equal(plain.Bytes(), msg) {
		t.Fatalf("message without header changed: %q to %q", msg, plain.Bytes())
	}
	var again bytes.Buffer
	if err := InsertTop(&again, nil, bytes.NewReader(marked.Bytes())); err != nil {
		t.Fatalf("InsertTop: %v", err)
	}
	if !bytes.HasSuffix(again.Bytes(), body) {
		t.Fatalf("body lost when stripped again: %q", again.Bytes())
	}
	if head := append([]byte("\n"), headOf(again.Bytes())...); bytes.Contains(head, []byte("\nX-Fanmill-Status:")) {
		t.Fatalf("our own field survived stripping: %q", again.Bytes())
	}
}

// bodyOf is what lies behind the first empty line, or all of a message (less
// its From_ line) that has no header.
func bodyOf(msg []byte) []byte {
	rest := msg
	if bytes.HasPrefix(rest, []byte("From ")) {
		i := bytes.IndexByte(rest, '\n') + 1
		if i == 0 {
			return nil
		}
		rest = rest[i:]
	}
	first, _, _ := bytes.Cut(rest, []byte("\n"))
	if string(first) != "" && string(first) != "\r" && fieldName(first) == nil {
		return rest
	}
	for len(rest) > 0 {
		l, after, found := bytes.Cut(rest, []byte("\n"))
		if found && (len(l) == 0 || string(l) == "\r") {
			return after
		}
		rest = after
	}
	return nil
}

func headOf(msg []byte) []byte { return msg[:len(msg)-len(bodyOf(msg))] }

func TestInsertTopProperties(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"From a@b Mon", "From: x", "X-Spam-Flag: YES", "X-Fanmill-Status: ham", " folded", "\tfolded", "Subject: \xff\x00", "rubbish", ":", ": x", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "X-Bogosity :a", "x",
	})
	rapid.Check(t, func(t *rapid.T) {
		checkInsert(t, []byte(strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")))
	})
}

func FuzzInsertTop(f *testing.F) {
	f.Add([]byte("From a\r\nX-Spam-Flag: YES\r\n x\r\nSubject: a\r\n\r\nbody\r\n"))
	f.Add([]byte("hello\n\nworld"))
	f.Add([]byte("X-Spam:\n\n"))
	f.Fuzz(func(t *testing.T, msg []byte) { checkInsert(t, msg) })
}
