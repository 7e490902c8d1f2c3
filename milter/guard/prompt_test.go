package guard

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// A connection on which we have answered waits with its acknowledgements unless
// told otherwise after each read.
func TestTCPIsAcknowledgedAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := New(Options{MaxConnections: 1})
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := g.Listen(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	under := conn.(*checkedConn).Conn
	b := make([]byte, 64)
	for range 20 {
		if _, err := client.Write([]byte("packet")); err != nil {
			t.Fatal(err)
		}
		if _, err := under.Read(b); err != nil {
			t.Fatal(err)
		}
		if on, err := quickAck(under); err != nil || !on {
			t.Fatalf("acknowledgements wait: %v %v", on, err)
		}
		if _, err := under.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Read(b); err != nil {
			t.Fatal(err)
		}
	}
}

// quickAck reads the option from whatever kind of TCP connection this is.
func quickAck(conn net.Conn) (bool, error) {
	if p, ok := conn.(*promptConn); ok {
		conn = p.Conn
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false, err
	}
	var v int
	var gerr error
	err = raw.Control(func(fd uintptr) { v, gerr = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK) })
	return v == 1, errors.Join(err, gerr)
}
