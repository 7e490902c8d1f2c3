package guard

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// promptConn acknowledges at once what it reads. We answer nothing to most
// packets, so the kernel would wait 40 ms for a reply to put the acknowledgement
// on, while Postfix, which leaves Nagle's algorithm on, waits for it with the
// rest of the message: every message through a TCP socket would take 40 ms more.
type promptConn struct {
	net.Conn
	raw syscall.RawConn
}

// prompt wraps TCP connections and returns all others as they are.
func prompt(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	return &promptConn{Conn: conn, raw: raw}
}

// Read reads and acknowledges. The option wears off (tcp(7), TCP_QUICKACK), so it
// is set each time; without it all works, only slower.
func (c *promptConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		_ = c.raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	return n, err
}
