package daemon_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daemon/daemontest"
	"fanmill/control"
	"fanmill/spool"
)

// hop is a next hop that speaks just enough SMTP (RFC 5321). The first silent
// messages are lost sight of: it hangs up after their final dot.
type hop struct {
	net.Listener
	silent int
	taken  chan string
}

func newHop(t *testing.T, silent int) *hop {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hop{ln, silent, make(chan string, 10)}
	go h.serve()
	t.Cleanup(func() { _ = ln.Close() })
	return h
}

func (h *hop) serve() {
	for {
		c, err := h.Accept()
		if err != nil {
			return
		}
		h.session(c)
		_ = c.Close()
	}
}

func (h *hop) session(c net.Conn) {
	r := bufio.NewReader(c)
	_, _ = io.WriteString(c, "220 hop\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		reply := "250 ok"
		switch verb, _, _ := strings.Cut(strings.TrimSpace(strings.ToUpper(line)), " "); verb {
		case "DATA":
			_, _ = io.WriteString(c, "354 go on\r\n")
			if !h.data(r) {
				return
			}
		case "QUIT":
			reply = "221 bye"
		}
		if _, err := fmt.Fprintf(c, "%s\r\n", reply); err != nil {
			return
		}
	}
}

// data reads a message; false: hang up without an answer.
func (h *hop) data(r *bufio.Reader) bool {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(line)
	}
	h.taken <- b.String()
	h.silent--
	return h.silent < 0
}

// TestReleaseInDoubt loses sight of a release: the message is not sent again
// unless somebody says so.
func TestReleaseInDoubt(t *testing.T) {
	dir := daemontest.ShortDir(t)
	next := newHop(t, 1)
	toml := strings.Replace(daemontest.Filter, `unsure = "tag"`, `unsure = "hold"`, 1) + fmt.Sprintf("[submit]\nto = \"smtp:%s\"\n", next.Addr())
	a, _ := daemontest.Start(t, dir, toml)
	got, err := daemontest.DeliverWinner(a)
	if err != nil || got.Action != "discard" {
		t.Fatalf("the milter answers %q (%v), want it held", got, err)
	}
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	held, err := c.List(t.Context(), control.Filter{})
	if err != nil || len(held) != 1 {
		t.Fatalf("held: %+v, %v", held, err)
	}
	q := control.Decision{ID: held[0].ID, Action: "ham"}
	_, err = c.Decide(t.Context(), q)
	if !errors.Is(err, control.ErrNextHop) || len(cli.Hints(err)) == 0 || !strings.Contains(cli.Hints(err)[0], "--again") {
		t.Errorf("a release without an answer: %v, %q", err, cli.Hints(err))
	}
	first := <-next.taken
	if _, err = c.Decide(t.Context(), q); !errors.Is(err, spool.ErrInDoubt) || cli.CodeOf(err) != cli.ExitTempFail {
		t.Errorf("the same again: %v (exit %d)", err, cli.CodeOf(err))
	}
	if h, err := c.Show(t.Context(), q.ID); err != nil || h.State != "in doubt" {
		t.Errorf("it is shown as %q (%v)", h.State, err)
	}
	q.Again = true
	d, err := c.Decide(t.Context(), q)
	if err != nil || !d.Gone || len(d.Released) != 1 || d.Learned != "seen before" {
		t.Errorf("sent again: %+v, %v", d, err)
	}
	if second := <-next.taken; second != first || !strings.HasSuffix(second, "\r\nhttp://claim.example.net/win\r\n") {
		t.Errorf("the next hop got %q and %q", first, second)
	}
	if _, err := c.Decide(t.Context(), q); !errors.Is(err, spool.ErrNotHeld) {
		t.Errorf("and once more: %v", err)
	}
}
