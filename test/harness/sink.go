package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Delivery is one message the sink took (or, with After not SinkOK, only read).
type Delivery struct {
	Sender     string
	Recipients []string
	Data       []byte // byte for byte, CRLF line ends
	Time       time.Time
}

// SinkMode is what the sink does with a message.
type SinkMode uint8

// The modes. In every mode but SinkOK the message does not count as delivered,
// except in SinkDrop: it was taken, only the answer never left.
const (
	SinkOK       SinkMode = iota // takes it: 250
	SinkTempfail                 // 451 after the final dot
	SinkReject                   // 550 after the final dot
	SinkDrop                     // takes it, then closes the connection without an answer
)

// Sink is an SMTP server on loopback that keeps what it is given.
type Sink struct {
	Addr string

	mu      sync.Mutex
	mode    SinkMode
	gate    func(Delivery) // see Hook
	got     []Delivery
	tries   int
	server  *smtp.Server
	stopped chan struct{}
}

// StartSink starts a sink on a free port.
func StartSink() (*Sink, error) {
	s := &Sink{}
	return s, s.listen("127.0.0.1:0")
}

func (s *Sink) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("start the sink: %w", err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &sinkSession{sink: s, conn: c}, nil
	}))
	srv.Domain = "sink.invalid"
	srv.MaxLineLength = 256 << 20
	srv.MaxRecipients = 1000
	srv.EnableSMTPUTF8 = true
	srv.ErrorLog = log.New(io.Discard, "", 0)
	s.Addr, s.server, s.stopped = l.Addr().String(), srv, make(chan struct{})
	go func(done chan struct{}) { _ = srv.Serve(l); close(done) }(s.stopped)
	return nil
}

// Down stops listening and closes all connections; what was delivered is kept.
func (s *Sink) Down() error {
	err := s.server.Close()
	<-s.stopped
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop the sink: %w", err)
	}
	return nil
}

// Up listens again on the same port after Down.
func (s *Sink) Up() error { return s.listen(s.Addr) }

// SetMode changes what happens to messages from now on.
func (s *Sink) SetMode(m SinkMode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = m
}

// Hook sets a function called with every message after it was recorded and
// before the answer is sent; it may block. nil takes it away.
func (s *Sink) Hook(f func(Delivery)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = f
}

// Deliveries returns what was taken so far, oldest first.
func (s *Sink) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery(nil), s.got...)
}

// Tries is how many messages were read to the final dot, taken or not.
func (s *Sink) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// ByRecipient maps every recipient to the messages taken for it.
func (s *Sink) ByRecipient() map[string][]Delivery {
	m := make(map[string][]Delivery)
	for _, d := range s.Deliveries() {
		for _, r := range d.Recipients {
			m[r] = append(m[r], d)
		}
	}
	return m
}

// take records d as the mode says and returns the answer.
func (s *Sink) take(d Delivery) (SinkMode, error) {
	s.mu.Lock()
	mode, gate := s.mode, s.gate
	s.tries++
	if mode == SinkOK || mode == SinkDrop {
		s.got = append(s.got, d)
	}
	s.mu.Unlock()
	if gate != nil {
		gate(d)
	}
	switch mode {
	case SinkTempfail:
		return mode, &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now"}
	case SinkReject:
		return mode, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not here"}
	}
	return mode, nil
}

// sinkSession is one SMTP session at the sink.
type sinkSession struct {
	sink *Sink
	conn *smtp.Conn
	d    Delivery
}

func (x *sinkSession) Reset()        { x.d = Delivery{} }
func (x *sinkSession) Logout() error { return nil }

func (x *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	x.d = Delivery{Sender: from}
	return nil
}

func (x *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.d.Recipients = append(x.d.Recipients, to)
	return nil
}

func (x *sinkSession) Data(r io.Reader) error {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	x.d.Data, x.d.Time = b.Bytes(), time.Now()
	mode, err := x.sink.take(x.d)
	if mode == SinkDrop {
		_ = x.conn.Conn().Close()
	}
	return err
}

func portOf(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return port
}
