package milter

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fanmill/spool"
)

// pipeListener hands out the server ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.once.Do(func() { close(l.done) }); return nil }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

// FuzzGuard sends any bytes, in pieces, to a whole server: guard, library,
// adapter, session. A panic in the library's goroutine ends the process, which
// the fuzzer reports; a server that hangs fails the test.
func FuzzGuard(f *testing.F) {
	f.Add(slices.Concat(
		optneg, packet('D', "Cj\x00mx.example.net\x00"), packet('C', "client.example.com\x004\x04\xd2192.0.2.7\x00"), packet('H', "client.example.com\x00"),
		packet('M', "<a@example.com>\x00SIZE=10\x00"), packet('R', "<b@example.net>\x00"), packet('T', ""), packet('L', "Subject\x00 hello\n\tworld\x00"),
		packet('N', ""), packet('B', strings.Repeat("body \x00\r\n", 9000)), packet('U', "VRFY x\x00"), packet('E', ""), packet('A', ""),
	), uint16(7))
	f.Add(slices.Concat(
		optneg, packet('M', "<>\x00"), packet('A', ""), packet('K', ""), packet('C', "localhost\x00U"), packet('C', "h\x00L\x00\x00/path\x00"),
		packet('C', "h\x006\x00\x19IPv6:2001:db8::1\x00"), packet('Q', ""),
	), uint16(512))
	for _, s := range []string{
		"\x00\x00\x00\x00", "\x00\x00\x00\x01Q", "\x1d\xcd\x65\x00B", "O",
	} {
		f.Add([]byte(s), uint16(1))
		f.Add(append(slices.Clone(optneg), s...), uint16(1))
	}
	for _, s := range [][]byte{packet('C', "h"), packet('C', "h\x00"), packet('M', "a"), packet('R', "a"), packet('L', "a\x00"), packet('D', "")} {
		f.Add(append(slices.Clone(optneg), s...), uint16(3))
	}
	r := newRig(f)
	ln := newPipeListener()
	r.Listen, r.Listeners = nil, []net.Listener{ln}
	r.spool = noHold{r.disk}
	r.start()
	f.Fuzz(func(t *testing.T, data []byte, piece uint16) {
		client, server := net.Pipe()
		ln.conns <- server
		go func() {
			defer client.Close()
			for p := range slices.Chunk(data, int(piece)+1) {
				if _, err := client.Write(p); err != nil {
					return
				}
			}
		}()
		client.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.Copy(io.Discard, client); err != nil && err != io.ErrClosedPipe {
			t.Fatalf("the server neither answered nor closed: %v", err)
		}
		eventually(t, "session ended", func() bool { return r.srv.Connections() == 0 })
	})
}

// noHold keeps fuzzing from filling the disk.
type noHold struct{ *spool.Spool }

func (s noHold) Hold(d *spool.Draft, _ spool.Meta) error { d.Discard(); return nil }
