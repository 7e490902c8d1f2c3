package milter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// packet builds a frame.
func packet(command byte, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(data)))
	return append(append(b, command), data...)
}

var optneg = packet('O', "\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff")

// conversation is every kind of packet, well formed.
func conversation() [][]byte {
	return [][]byte{
		optneg,
		packet('D', "Cj\x00mx.example.net\x00{daemon_name}\x00smtpd\x00"),
		packet('C', "client.example.com\x004\x04\xd2192.0.2.7\x00"),
		packet('D', "H"),
		packet('H', "client.example.com\x00"),
		packet('M', "<a@example.com>\x00SIZE=10\x00BODY=8BITMIME\x00"),
		packet('R', "<b@example.net>\x00NOTIFY=NEVER\x00"),
		packet('T', ""),
		packet('L', "Subject\x00 hello\n\tworld\x00"),
		packet('L', "X-Empty\x00\x00"),
		packet('N', ""),
		packet('B', strings.Repeat("body \x00\r\n", 9000)),
		packet('B', ""),
		packet('U', "VRFY x\x00"),
		packet('E', ""),
		packet('A', ""),
		packet('M', "<>\x00"),
		packet('A', ""),
		packet('K', ""),
		packet('C', "localhost\x00U"),
		packet('C', "h\x00L\x00\x00/path\x00"),
		packet('C', "h\x006\x00\x19IPv6:2001:db8::1\x00"),
		packet('B', strings.Repeat("x", 1<<20-1)),
		packet('Q', ""),
	}
}

func TestCheckFrame(t *testing.T) {
	for _, f := range conversation() {
		if err := checkFrame(f[4:]); err != nil {
			t.Errorf("good frame %.40q: %v", f[4:], err)
		}
	}
	for _, f := range []string{
		"O", "O\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff", "D", "DCj", "DCj\x00mx",
		"C", "Chost", "Chost\x00", "Chost\x004", "Chost\x004\x00", "Chost\x004\x00\x19", "Chost\x004\x00\x19192.0.2.7", "Chost\x00X\x00\x19a\x00", "Chost\x004\x00\x19::1\x00", "Chost\x006\x00\x19IPv6:x\x00", "Chost\x00L\x00\x00",
		"H", "Hname", "M", "M<a@b>", "M<a@b>\x00SIZE", "R", "R<a@b>", "L", "L\x00", "LSubject\x00", "LSubject\x00x", "LSubject\x00a\x00b\x00", "U", "Ux",
		"Ebody", "\x00", "Z", "\xff",
	} {
		if err := checkFrame([]byte(f)); err == nil {
			t.Errorf("bad frame %q passed", f)
		}
	}
}

// testGuard is a guard with limits that no test meets by chance.
func testGuard(log io.Writer) *guard {
	return newGuard(guardOptions{MaxConnections: 10, Idle: time.Minute, Packet: time.Minute, Logger: slog.New(slog.NewTextHandler(log, nil))})
}

// readAll reads what the guard lets through, as the library reads it.
func readAll(c net.Conn) ([]byte, error) {
	var all []byte
	for {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return all, err
		}
		data := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(c, data); err != nil {
			return all, err
		}
		all = append(append(all, head[:]...), data...)
	}
}

// feed writes data in pieces through a guard and returns what comes out.
func feed(t interface{ Fatalf(string, ...any) }, data []byte, cut func(left int) int) []byte {
	client, server := net.Pipe()
	c := testGuard(io.Discard).admit(server)
	go func() {
		for len(data) > 0 {
			n := min(max(cut(len(data)), 1), len(data))
			if _, err := client.Write(data[:n]); err != nil {
				break
			}
			data = data[n:]
		}
		client.Close()
	}()
	out, err := readAll(c)
	if !errors.Is(err, io.EOF) {
		t.Fatalf("read through guard: %v", err)
	}
	c.Close()
	client.Close()
	return out
}

func TestGoodConversationPassesUnchangedInAnyPieces(t *testing.T) {
	whole := slices.Concat(conversation()...)
	for _, n := range []int{1, 2, 3, 5, 511, 512, 513, 4096, 65540, 65541, len(whole)} {
		data := whole
		if n < 5 {
			data = slices.Concat(conversation()[:11]...)
		}
		if out := feed(t, data, func(int) int { return n }); !bytes.Equal(out, data) {
			t.Errorf("pieces of %d: %d bytes came through of %d", n, len(out), len(data))
		}
	}
	good := conversation()
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(rapid.SampledFrom(good[1:22]), 0, 30).Draw(t, "frames")
		data := append(slices.Clone(optneg), slices.Concat(frames...)...)
		sizes := rapid.SliceOfN(rapid.IntRange(1, 3000), 1, 50).Draw(t, "sizes")
		i := 0
		out := feed(t, data, func(int) int { i++; return sizes[i%len(sizes)] })
		if !bytes.Equal(out, data) {
			t.Fatalf("%d bytes came through of %d", len(out), len(data))
		}
	})
}

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

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes [][]byte
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes = append(c.writes, bytes.Clone(p))
	return len(p), nil
}

func TestRepliesAreJoined(t *testing.T) {
	inner := &countingConn{}
	c := testGuard(io.Discard).admit(inner)
	put := func(code byte, data string) {
		t.Helper()
		p := packet(code, data)
		for _, part := range [][]byte{p[:5], p[5:]} {
			if len(part) == 0 {
				continue
			}
			if n, err := c.Write(part); n != len(part) || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
	}
	put('m', "\x00\x00\x00\x01X-Spam-Flag\x00\x00")
	put('i', "\x00\x00\x00\x00X-Fanmill-Status\x00 ham\x00")
	put('p', "")
	put('a', "")
	put('y', "550 5.7.1 no\x00")
	if len(inner.writes) != 3 || !bytes.HasSuffix(inner.writes[0], packet('p', "")) || !bytes.Equal(inner.writes[1], packet('a', "")) {
		t.Errorf("writes %q", inner.writes)
	}
	for range 3000 {
		put('m', "\x00\x00\x00\x01X-Spam-Flag\x00\x00")
	}
	if len(c.out) > joinLimit {
		t.Errorf("%d bytes of replies are waiting", len(c.out))
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
