package submit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// program writes a shell script that stands in for sendmail: it keeps its
// arguments and what it is given, then does what the test wants.
func program(t *testing.T, do string) (dir, target string) {
	t.Helper()
	dir = t.TempDir()
	name := filepath.Join(dir, "sendmail")
	text := "#!/bin/sh\ncd '" + dir + "'\nfor a; do printf '%s\\n' \"$a\"; done > args\n" + do + "\n"
	if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, "sendmail:" + name
}

const takeAll = "(cat > part && mv part whole) 2>&1"

func content(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestCommandTakesTheMessage(t *testing.T) {
	dir, target := program(t, takeAll)
	body := "A: b\r\n\r\n.\r\nCR \r and CRs \r\r\n\x00\xff\r\n" + strings.Repeat("x", 32<<10-1) + "\r\n" + strings.Repeat("y", 100_000) + "\rno end"
	r, err := send(t, target, Options{}, strings.NewReader(body), "-oQ/tmp@example.org", "b@example.org")
	if err != nil || len(r.Accepted) != 2 || !r.Queued {
		t.Fatalf("%+v, %v", r, err)
	}
	if got, want := content(t, filepath.Join(dir, "args")), "-oi\n-f\na@example.com\n--\n-oQ/tmp@example.org\nb@example.org\n"; got != want {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if got := content(t, filepath.Join(dir, "whole")); got != strings.ReplaceAll(body, "\r\n", "\n") {
		t.Errorf("message %.200q", got)
	}
}

// TestLineEndsAtPieceBorders moves a CRLF over the border of the buffer.
func TestLineEndsAtPieceBorders(t *testing.T) {
	for n := 32<<10 - 4; n < 32<<10+4; n++ {
		for _, end := range []string{"\r\n", "\r", "\rx", "\r\r\n", "\n"} {
			msg := strings.Repeat("x", n) + end
			var out bytes.Buffer
			if f := feed(&out, strings.NewReader(msg)); f != (fed{}) {
				t.Fatalf("%+v", f)
			}
			if want := strings.ReplaceAll(msg, "\r\n", "\n"); out.String() != want {
				t.Errorf("length %d, end %q: got end %q", n, end, out.String()[n-1:])
			}
		}
	}
}

func TestCommandNullSender(t *testing.T) {
	dir, target := program(t, takeAll)
	s, err := New(target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), "", []string{"b@example.org"}, Options{}, strings.NewReader(message)); err != nil {
		t.Fatal(err)
	}
	if got := content(t, filepath.Join(dir, "args")); !strings.HasPrefix(got, "-oi\n-f\n<>\n--\n") {
		t.Errorf("arguments %q", got)
	}
}

func TestCommandFails(t *testing.T) {
	for do, tc := range map[string]struct {
		class Class
		code  int
		text  string
	}{
		"cat > /dev/null; exit 75":                          {Temporary, 75, ""},
		"cat > /dev/null; echo 'no such user' >&2; exit 67": {Permanent, 67, "no such user"},
		"exit 64":                     {Permanent, 64, ""},
		"cat > /dev/null; exit 1":     {Temporary, 1, ""},
		"cat > /dev/null; kill -9 $$": {Unknown, 0, "killed"},
		"cat > /dev/null; yes aaaaaaaa | head -c 100000; exit 73": {Temporary, 73, "aaaaaaaa"},
	} {
		_, target := program(t, do)
		r, err := send(t, target, Options{}, strings.NewReader(message), "a@example.org", "b@example.org")
		if err == nil || len(r.Refused) != 2 || ClassOf(err) != tc.class || r.Refused[0].Code != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v", do, err)
		}
		if len(r.Refused[0].Text) > 2000 {
			t.Errorf("%s: %d bytes of text", do, len(r.Refused[0].Text))
		}
	}
}

func TestCommandThatDoesNotRead(t *testing.T) {
	_, target := program(t, "exit 0")
	large := strings.NewReader(strings.Repeat("x\r\n", 1<<20))
	if _, err := send(t, target, Options{}, large, "a@example.org"); err == nil || ClassOf(err) != Unknown {
		t.Errorf("%v", err)
	}
}

func TestCommandIsNotThere(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		if _, err := send(t, "sendmail:"+name, Options{}, strings.NewReader(message), "a@example.org"); err == nil || ClassOf(err) != Temporary {
			t.Errorf("%v", err)
		}
	}
}

func TestCommandHangs(t *testing.T) {
	for size, class := range map[int]Class{
		1 << 10: Unknown,   // fits into the pipe: it may have the message
		1 << 20: Temporary, // does not: it cannot have all of it
	} {
		_, target := program(t, "exec sleep 60")
		s, err := New(target)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err = s.Send(ctx, "", []string{"a@example.org"}, Options{}, strings.NewReader(strings.Repeat("x\r\n", size)))
		if ClassOf(err) != class || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d lines: %v", size, err)
		}
	}
}

// TestCommandGetsNoHalfMessage: when the message cannot be read, the command
// must not see an end of input.
func TestCommandGetsNoHalfMessage(t *testing.T) {
	dir, target := program(t, takeAll)
	broken := io.MultiReader(strings.NewReader(strings.Repeat("x\r\n", 50_000)), iotest.ErrReader(errors.New("disk on fire")))
	_, err := send(t, target, Options{}, broken, "a@example.org")
	if err == nil || ClassOf(err) != Temporary || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "whole")); err == nil {
		t.Error("the command took half a message for a whole one")
	}
}
