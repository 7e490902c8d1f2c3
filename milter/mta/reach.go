package mta

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a milter may take to answer.
const patience = 5 * time.Second

// Reach tells whether the client reaches a milter and hears it answer as a milter
// does. Where the client's rights cannot be had, a unix socket is judged by mode
// bits, and no answer is waited for.
func (c *Client) Reach(ctx context.Context, m Milter) (How, error) {
	if m.Network == "" {
		return Tried, fmt.Errorf("%q is not an address of a milter", m.Spec)
	}
	if m.Network != "unix" { // ports are open to all users, in any root directory
		return Tried, Answers(ctx, m.Network, m.Address)
	}
	var conn net.Conn
	tried, err := c.Account.try(c.Root, func() (err error) {
		conn, err = dial(ctx, m.Network, m.Address)
		return err
	})
	if !tried {
		if err := c.Account.allowed(c.Root, m.Address, unix.W_OK); err != nil {
			return ByModeBits, err
		}
		return ByModeBits, c.trusts(m.Address)
	}
	if err != nil {
		return Tried, c.Account.blame(c.Root, m.Address, unix.W_OK, err)
	}
	if err := c.trusts(m.Address); err != nil {
		_ = conn.Close()
		return Tried, err
	}
	return Tried, greet(conn)
}

// Answers tells whether a milter answers at an address.
func Answers(ctx context.Context, network, address string) error {
	conn, err := dial(ctx, network, address)
	if err != nil {
		return err
	}
	return greet(conn)
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: patience}).DialContext(ctx, network, address)
}

// Packets of the milter protocol: length, command, data. The offer is that of an
// MTA of version 6 that can do everything.
var (
	offer = []byte("\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff")
	quit  = []byte("\x00\x00\x00\x01Q")
)

// greet begins a milter session as an MTA does, ends it and closes the connection.
func greet(conn net.Conn) error {
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("greet the milter: %w", err)
	}
	if _, err := conn.Write(offer); err != nil {
		return fmt.Errorf("greet the milter: %w", err)
	}
	head := make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return fmt.Errorf("wait for the milter's greeting: %w", err)
	}
	if n := binary.BigEndian.Uint32(head); n < 13 || n > 1<<16 || !bytes.HasSuffix(head, []byte("O")) {
		return fmt.Errorf("what listens there does not answer as a milter (it begins with %q)", head)
	}
	_, _ = conn.Write(quit) // it has answered; whether it hears the end does not matter
	return nil
}
