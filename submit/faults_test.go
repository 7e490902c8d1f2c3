package submit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// script is a server that says its lines, one for each command; "" closes the
// connection, "-" says nothing for ever.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	done := make(chan struct{})
	t.Cleanup(func() { close(hang); l.Close(); <-done })
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		play(r, c, lines, hang)
		c.(*net.TCPConn).CloseWrite() // a reset could overtake what was said
		io.Copy(io.Discard, r)
	}()
	return l.Addr().String()
}

func play(r *bufio.Reader, w io.Writer, lines []string, hang chan struct{}) {
	for i, l := range lines {
		if i > 0 && !listen(r, strings.HasPrefix(lines[i-1], "354")) {
			return
		}
		switch l {
		case "":
			return
		case "-":
			<-hang
			return
		}
		io.WriteString(w, l+"\r\n")
	}
}

// listen reads one command, or a message.
func listen(r *bufio.Reader, data bool) bool {
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if !data || l == ".\r\n" {
			return true
		}
	}
}

func TestConnectionFaults(t *testing.T) {
	ok := []string{"220 hi", "250 hi", "250 ok", "250 ok", "250 ok", "354 go on"}
	upTo := func(n int, more ...string) []string { return append(append([]string{}, ok[:n]...), more...) }
	for name, tc := range map[string]struct {
		kind  string
		lines []string
		class []Class // of the two recipients; 99 is accepted
	}{
		"no service":                      {"smtp", []string{"554 no"}, []Class{Permanent, Permanent}},
		"busy":                            {"smtp", []string{"421 busy"}, []Class{Temporary, Temporary}},
		"not SMTP":                        {"smtp", []string{"HTTP/1.0 400 Bad Request"}, []Class{Temporary, Temporary}},
		"closes at once":                  {"smtp", []string{""}, []Class{Temporary, Temporary}},
		"closes at EHLO":                  {"smtp", upTo(1, ""), []Class{Temporary, Temporary}},
		"knows only HELO":                 {"smtp", []string{"220 hi", "502 what", "250 hi", "250 ok", "250 ok", "250 ok", "354 go on", "250 ok"}, []Class{99, 99}},
		"sender refused":                  {"smtp", upTo(2, "550 no"), []Class{Permanent, Permanent}},
		"closes at the second recipient":  {"smtp", upTo(4, ""), []Class{Temporary, Temporary}},
		"421 at the second recipient":     {"smtp", upTo(4, "421 going down"), []Class{Temporary, Temporary}},
		"DATA refused":                    {"smtp", upTo(5, "554 no"), []Class{Permanent, Permanent}},
		"DATA deferred":                   {"smtp", upTo(5, "451 later"), []Class{Temporary, Temporary}},
		"250 to DATA":                     {"smtp", upTo(5, "250 what"), []Class{Temporary, Temporary}},
		"closes after the dot":            {"smtp", upTo(6, ""), []Class{Unknown, Unknown}},
		"nonsense after the dot":          {"smtp", upTo(6, "ok"), []Class{Unknown, Unknown}},
		"354 after the dot":               {"smtp", upTo(6, "354 more"), []Class{Unknown, Unknown}},
		"421 after the dot":               {"smtp", upTo(6, "421 going down"), []Class{Temporary, Temporary}},
		"hangs after the dot":             {"smtp", upTo(6, "-"), []Class{Unknown, Unknown}},
		"hangs at the greeting":           {"smtp", []string{"-"}, []Class{Temporary, Temporary}},
		"hangs at a recipient":            {"smtp", upTo(3, "-"), []Class{Temporary, Temporary}},
		"several lines":                   {"smtp", []string{"220-hi\r\n220 there", "250-hi\r\n250-SIZE\r\n250 8BITMIME", "250 ok", "250 ok", "251 will forward", "354 go on", "250-2.0.0\r\n250 ok", "221 bye"}, []Class{99, 99}},
		"LMTP: closes between the two":    {"lmtp", upTo(6, "250 ok"), []Class{99, Unknown}},
		"LMTP: closes after one refusal":  {"lmtp", upTo(6, "550 no"), []Class{Permanent, Unknown}},
		"LMTP: closes after the dot":      {"lmtp", upTo(6, ""), []Class{Unknown, Unknown}},
		"LMTP: nonsense between the two":  {"lmtp", upTo(6, "250 ok\r\nwhat"), []Class{99, Unknown}},
		"LMTP: does not understand LHLO":  {"lmtp", upTo(1, "500 what"), []Class{Permanent, Permanent}},
		"LMTP: both accepted in one read": {"lmtp", upTo(6, "250 ok\r\n250 ok"), []Class{99, 99}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := New(tc.kind + ":" + script(t, tc.lines...))
			if err != nil {
				t.Fatal(err)
			}
			hangs := strings.HasPrefix(name, "hangs")
			limit := 30 * time.Second
			if hangs {
				limit = 2 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			to := []string{"a@example.org", "b@example.org"}
			r, err := s.Send(ctx, "", to, Options{}, strings.NewReader(message))
			got := map[string]Class{}
			for _, a := range r.Accepted {
				got[a] = 99
			}
			for _, e := range r.Refused {
				got[e.Recipient] = e.Class
			}
			if want := map[string]Class{to[0]: tc.class[0], to[1]: tc.class[1]}; !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v; %v", got, want, err)
			}
			if hangs && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v does not name the deadline", err)
			}
		})
	}
}

// TestEarlyRefusal: the server answers in the middle of a large message and
// closes; what it said counts.
func TestEarlyRefusal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		for _, line := range []string{"220 hi", "250 hi", "250 ok", "250 ok", "354 go on"} {
			io.WriteString(c, line+"\r\n")
			r.ReadString('\n')
		}
		io.WriteString(c, "552 too large\r\n")
		c.(*net.TCPConn).CloseWrite()
		io.CopyN(io.Discard, r, 1<<20)
	}()
	r, err := send(t, "smtp:"+l.Addr().String(), Options{}, strings.NewReader(strings.Repeat("x\r\n", 8<<20)), "a@example.org")
	if err == nil || len(r.Refused) != 1 || r.Refused[0].Class == Unknown {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, target := range []string{"smtp:" + l.Addr().String(), "lmtp:unix:" + filepath.Join(t.TempDir(), "none")} {
		if _, err := send(t, target, Options{}, strings.NewReader(message), "a@example.org"); err == nil || ClassOf(err) != Temporary || !strings.Contains(err.Error(), target) {
			t.Errorf("%s: %v", target, err)
		}
	}
}
