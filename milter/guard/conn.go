package guard

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	idleBuffer  = 512            // what an idle connection keeps
	frameBuffer = 4 + 1 + 64<<10 // holds the largest chunk that MTAs send
	joinLimit   = 16 << 10       // modifications are sent at the latest when so many bytes are waiting
	keepReply   = 1 << 10        // reply buffers up to this size are kept
	replyHead   = 5              // length and code: how the library begins every packet
	modifyCodes = "+-bhmiqe2"    // replies that another one follows (SMFIR_*)
	progress    = byte('p')      // SMFIR_PROGRESS
)

var frameBuffers = sync.Pool{New: func() any { b := make([]byte, frameBuffer); return &b }}

// checkedConn hands the library whole, checked frames. Reads and writes belong to
// the goroutine of the connection; only closing comes from elsewhere.
type checkedConn struct {
	net.Conn
	guard *Guard

	small  [idleBuffer]byte
	buf    []byte // small, a pooled buffer, or a larger one for one frame
	pooled *[]byte
	r, w   int    // buf[r:w] has been read from the MTA and not handed on
	ready  []byte // rest of the checked frame that is being handed on

	negotiated bool // the first frame has come
	begun      bool // the deadline of a frame that has begun is running
	content    bool // header or body are coming: worth a large buffer

	out     []byte // replies that wait for the one that ends them
	missing int    // bytes missing in the reply that is being written
	kind    byte   // its code
	asked   bool   // end of message has been handed on, the answer has not come

	mu     sync.Mutex
	busy   bool // a message is in progress
	closed bool
}

// Read hands on bytes of checked frames only.
func (c *checkedConn) Read(p []byte) (int, error) {
	if len(c.ready) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// SetReadDeadline does nothing: the library would limit the wait for each
// packet, but a packet that has begun and the idle time between two packets
// need different limits. The guard sets them.
func (c *checkedConn) SetReadDeadline(time.Time) error { return nil }

// next makes the next frame ready. A frame that fails the check ends this
// connection and no other.
func (c *checkedConn) next() error {
	for {
		length, err := c.frame()
		if err != nil {
			c.guard.Logger.Warn("bad packet, closing this MTA connection", "peer", c.peer(), "err", err)
			return io.EOF
		}
		if length > 0 {
			c.ready = c.buf[c.r : c.r+length]
			c.r += length
			c.negotiated, c.begun = true, false
			return c.note(c.ready[4])
		}
		if err := c.fill(); err != nil {
			return err
		}
	}
}

// frame returns the length of the whole, checked frame at the head of the
// buffer, 0 when it is not complete.
func (c *checkedConn) frame() (int, error) {
	have := c.buf[c.r:c.w]
	if len(have) < 4 {
		return 0, nil
	}
	n := binary.BigEndian.Uint32(have)
	if n < 1 || n > maxFrame {
		return 0, fmt.Errorf("length %d is not between 1 and %d", n, maxFrame)
	}
	length := 4 + int(n)
	if len(have) < length {
		return 0, nil
	}
	if (have[4] == cmdNegotiate) == c.negotiated {
		return 0, fmt.Errorf("command %q: %w", have[4], errNegotiation)
	}
	return length, checkFrame(have[4:length])
}

// fill reads once from the MTA.
func (c *checkedConn) fill() error {
	c.makeRoom()
	limit := c.guard.Idle
	partial := c.w > c.r
	if partial || !c.negotiated {
		limit = c.guard.Packet
	}
	if !partial || !c.begun {
		_ = c.Conn.SetReadDeadline(time.Now().Add(limit)) // fails on a closed connection, as Read will
		c.begun = partial
	}
	n, err := c.Conn.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// makeRoom sees to it that fill has somewhere to read to, in a buffer that suits
// the phase. A frame gets more room only as its bytes arrive, so a length field
// alone costs nothing.
func (c *checkedConn) makeRoom() {
	if c.r == c.w {
		c.r, c.w = 0, 0
		switch {
		case c.content && c.pooled == nil:
			c.pooled = frameBuffers.Get().(*[]byte)
			c.buf = *c.pooled
		case c.content:
			c.buf = *c.pooled
		default:
			c.buf = c.small[:]
			c.releaseBuffer()
		}
		return
	}
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	}
	if c.w == len(c.buf) {
		larger := make([]byte, 2*len(c.buf))
		copy(larger, c.buf)
		c.buf = larger
	}
}

func (c *checkedConn) releaseBuffer() {
	if c.pooled != nil {
		frameBuffers.Put(c.pooled)
		c.pooled = nil
	}
}

// note follows the conversation far enough to know whether a message is in
// progress. It refuses a new message while the server drains.
func (c *checkedConn) note(command byte) error {
	switch command {
	case cmdMail:
		c.content = false
		if !c.begin() {
			return io.EOF
		}
	case cmdData, cmdHeader, cmdEndOfHeader, cmdBody:
		c.content = true
	case cmdEndOfMessage:
		c.content, c.asked = false, true
	case cmdAbort, cmdQuitNew, cmdQuit:
		c.content = false
		c.end()
	}
	return nil
}

func (c *checkedConn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guard.draining.Load() {
		return false
	}
	c.busy = true
	return true
}

// end marks the connection as being between messages; a draining server has no
// more use for it.
func (c *checkedConn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if c.guard.draining.Load() {
		_ = c.Conn.Close()
	}
}

func (c *checkedConn) closeIfIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		_ = c.Conn.Close()
	}
}

// Write joins what the library writes in pieces: head and data of a packet, and
// the modifications with the answer that ends them.
func (c *checkedConn) Write(p []byte) (int, error) {
	if c.missing == 0 {
		if len(p) < replyHead {
			return 0, fmt.Errorf("milter reply begins with %d bytes, want %d", len(p), replyHead)
		}
		c.missing = 4 + int(binary.BigEndian.Uint32(p))
		c.kind = p[4]
	}
	c.out = append(c.out, p...)
	c.missing -= len(p)
	if c.missing > 0 || (isModification(c.kind) && len(c.out) < joinLimit) {
		return len(p), nil
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *checkedConn) flush() error {
	_, err := c.Conn.Write(c.out)
	if c.out = c.out[:0]; cap(c.out) > keepReply {
		c.out = nil
	}
	if c.asked && c.kind != progress && !isModification(c.kind) {
		c.asked = false
		c.end()
	}
	return err
}

func isModification(code byte) bool {
	for i := range len(modifyCodes) {
		if modifyCodes[i] == code {
			return true
		}
	}
	return false
}

// Close is called by the library when it is done with the connection.
func (c *checkedConn) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.guard.forget(c)
	return c.Conn.Close()
}

func (c *checkedConn) peer() string {
	if a := c.RemoteAddr(); a != nil && a.String() != "" && a.String() != "@" {
		return a.String()
	}
	return "local"
}
