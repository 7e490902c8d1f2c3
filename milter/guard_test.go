package milter

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// packet builds a frame.
func packet(command byte, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(data)))
	return append(append(b, command), data...)
}

var optneg = packet('O', "\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff")

// TestMalformedPackets sends the 13 malformed packets of which 5 end a process
// on the bare library, to a real server, beside a session that must not notice.
func TestMalformedPackets(t *testing.T) {
	after := func(p ...[]byte) []byte { return slices.Concat(append([][]byte{optneg}, p...)...) }
	bad := map[string][]byte{
		"zero length before negotiation":  {0, 0, 0, 0},
		"zero length after negotiation":   after([]byte{0, 0, 0, 0}),
		"length of 500 MB":                after([]byte{0x1d, 0xcd, 0x65, 0, 'B'}),
		"length just over 1 MiB":          after([]byte{0, 0x10, 0, 1, 'B'}),
		"negotiation cut short":           packet('O', "\x00\x00\x00\x06"),
		"second negotiation":              after(optneg),
		"connect without NUL":             after(packet('C', "client.example.com")),
		"connect cut after the host name": after(packet('C', "client.example.com\x00")),
		"connect with a bad address":      after(packet('C', "h\x004\x00\x19not an address\x00")),
		"mail without NUL":                after(packet('M', "<a@example.com>")),
		"rcpt without NUL":                after(packet('M', "<a@b>\x00"), packet('R', "<a@b>")),
		"header with a NUL in its value":  after(packet('L', "Subject\x00a\x00b\x00")),
		"unknown command":                 after(packet('Z', "x")),
		"macro without command":           after(packet('D', "")),
		"no negotiation":                  packet('M', "<a@b>\x00"),
		"text":                            []byte("GET / HTTP/1.0\r\n\r\n"),
	}
	r := newRig(t).start()
	witness := r.mta()
	for name, data := range bad {
		t.Run(name, func(t *testing.T) {
			if err := untilClosed(t, r, data); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection was not closed: %v", err)
			}
		})
	}
	if res := witness.send(subject("score 0.01")); res.code != 250 {
		t.Errorf("other session: %v", res)
	}
}

// untilClosed sends data to the server and reads until it closes the connection, for ten
// seconds at most.
func untilClosed(t *testing.T, r *rig, data []byte) error {
	t.Helper()
	conn, err := net.Dial("unix", r.srv.Addr()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(data); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = io.Copy(io.Discard, conn)
	return err
}

func TestCutPacketEndsAtThePacketDeadline(t *testing.T) {
	r := newRig(t)
	r.PacketTimeout = 50 * time.Millisecond
	r.start()
	for name, data := range map[string][]byte{
		"nothing at all": nil, "half a length": optneg[:2], "half a packet": optneg[:9],
		"half a packet after negotiation": slices.Concat(optneg, packet('M', "<a@b>\x00")[:7]),
	} {
		if err := untilClosed(t, r, data); err != nil {
			t.Errorf("%s: the connection was not closed: %v", name, err)
		}
	}
	// A whole packet starts the long idle limit instead.
	m := r.mta()
	time.Sleep(4 * r.PacketTimeout)
	if res := m.send(subject("score 0.01")); res.code != 250 {
		t.Errorf("idle session: %v", res)
	}
}

func TestIdleLimit(t *testing.T) {
	r := newRig(t)
	r.IdleTimeout = 50 * time.Millisecond
	r.start()
	r.mta()
	eventually(t, "idle connection closed", func() bool { return r.srv.Connections() == 0 })
}

func TestConnectionCap(t *testing.T) {
	r := newRig(t)
	r.MaxConnections = 2
	r.start()
	a, b := r.mta(), r.mta()
	for range 3 {
		if m, err := dialMTA(t, r.srv.Addr()[0]); err == nil {
			t.Fatalf("third connection was served: %v", m)
		}
	}
	if n := r.log.lines("too many MTA connections"); n != 1 {
		t.Errorf("%d log lines about it, want 1", n)
	}
	a.s.Close()
	eventually(t, "room for another", func() bool { return r.srv.Connections() == 1 })
	if res := r.one(subject("score 0.01")); res.code != 250 {
		t.Errorf("after one left: %v", res)
	}
	if res := b.send(subject("score 0.01")); res.code != 250 {
		t.Errorf("earlier session: %v", res)
	}
}

// failingListener fails some times before it accepts.
type failingListener struct {
	net.Listener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return l.Listener.Accept()
}

func TestAcceptIsTriedAgain(t *testing.T) {
	r := newRig(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Listen = nil
	r.Listeners = []net.Listener{&failingListener{ln, []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED}}}
	r.start()
	if res := r.one(subject("score 0.01")); res.code != 250 {
		t.Errorf("answer %v", res)
	}
	if n := r.log.lines("accept failed"); n != 1 {
		t.Errorf("%d log lines about it, want 1", n)
	}
}

func TestAcceptGivesUpOnLastingErrors(t *testing.T) {
	r := newRig(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Listeners = []net.Listener{&failingListener{ln, []error{syscall.EBADF}}}
	r.start()
	select {
	case err := <-r.srv.Failed():
		if !errors.Is(err, syscall.EBADF) {
			t.Errorf("failed with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the lasting error was not reported")
	}
}

// TestIdleConnectionsAreCheap keeps 2,000 sessions open and measures heap and
// stacks of both their ends.
func TestIdleConnectionsAreCheap(t *testing.T) {
	const n, limit = 2000, 50 << 20
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil || lim.Cur < 2*n+200 {
		t.Fatalf("%d descriptors are needed, %d allowed (%v): ulimit -n %d", 2*n+200, lim.Cur, err, 2*n+200)
	}
	r := newRig(t)
	r.MaxConnections = n
	r.start()
	before := inUse()
	for range n {
		m := r.mta()
		if _, err := m.s.Mail("a@example.com", ""); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all connections", func() bool { return r.srv.Connections() == n })
	if used := inUse() - before; used > limit {
		t.Errorf("%d idle connections use %d bytes, want at most %d", n, used, limit)
	}
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
