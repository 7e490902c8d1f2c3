package guard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
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
func testGuard(log io.Writer) *Guard {
	return New(Options{MaxConnections: 10, Idle: time.Minute, Packet: time.Minute, Logger: slog.New(slog.NewTextHandler(log, nil))})
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
