package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// Identity is who the client claims to be by XCLIENT; empty fields stay as the
// connection gives them.
type Identity struct {
	Addr  string // IP address
	Name  string // reverse name
	Helo  string
	Login string // SASL user name: makes the session an authenticated one
	Bound bool   // no XCLIENT, which Sendmail has not: connect from Addr, one of Isolated
}

// Mail is one message with its envelope. Data is sent with CRLF line ends
// whatever it has.
type Mail struct {
	From string
	To   []string
	Args string // ESMTP arguments of MAIL, such as "SMTPUTF8"
	Data []byte
	As   *Identity // nil: a client of the public Internet, see Stranger
}

// Stranger is the identity of a mail whose As is nil.
var Stranger = Identity{Addr: "203.0.113.7", Name: "mail.example.net", Helo: "mail.example.net"}

// Loopback is the identity of a client on this host.
var Loopback = Identity{}

// Reply is an SMTP reply.
type Reply struct {
	Code int
	Text string
}

func (r Reply) String() string { return fmt.Sprintf("%d %s", r.Code, r.Text) }

// OK reports whether the reply is a 2xx.
func (r Reply) OK() bool { return r.Code/100 == 2 }

// Temporary reports whether the reply is a 4xx.
func (r Reply) Temporary() bool { return r.Code/100 == 4 }

// Result is what the client saw: the replies to each RCPT and the reply that
// settled the message (to the final dot, or to the command that ended it).
type Result struct {
	Rcpt  []Reply
	Final Reply
}

// Client is one SMTP session. Not safe for concurrent use.
type Client struct {
	conn net.Conn
	text *textproto.Conn
	as   Identity
}

// Dial opens a session at addr as the given identity.
func Dial(ctx context.Context, addr string, as Identity) (*Client, error) {
	var d net.Dialer
	if as.Bound && as.Addr != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(as.Addr)}
	}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	c := &Client{conn: conn, text: textproto.NewConn(conn), as: as}
	if err := c.hello(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) hello() error {
	if err := c.expect("", 220); err != nil {
		return err
	}
	helo := c.as.Helo
	if helo == "" {
		helo = "client.invalid"
	}
	if err := c.expect("EHLO "+helo, 250); err != nil {
		return err
	}
	attrs := c.as.xclient()
	if attrs == "" {
		return nil
	}
	if err := c.expect("XCLIENT"+attrs, 220); err != nil {
		return err
	}
	return c.expect("EHLO "+helo, 250)
}

// xclient returns the attributes of the XCLIENT command, "" when there are none.
func (i Identity) xclient() string {
	if i.Bound {
		return ""
	}
	var b strings.Builder
	for _, a := range [][2]string{{"ADDR", i.Addr}, {"NAME", i.Name}, {"LOGIN", i.Login}} {
		if a[1] != "" {
			fmt.Fprintf(&b, " %s=%s", a[0], a[1])
		}
	}
	if i.Addr != "" && i.Name == "" {
		b.WriteString(" NAME=[UNAVAILABLE]")
	}
	return b.String()
}

// Cmd sends one command line and returns its reply; an error means that the
// connection broke.
func (c *Client) Cmd(line string) (Reply, error) {
	if err := c.conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return Reply{}, fmt.Errorf("send %q: %w", line, err)
	}
	if line != "" {
		if err := c.text.PrintfLine("%s", line); err != nil {
			return Reply{}, fmt.Errorf("send %q: %w", line, err)
		}
	}
	return c.reply(line)
}

func (c *Client) reply(to string) (Reply, error) {
	code, text, err := c.text.ReadResponse(0)
	var refused *textproto.Error
	if err != nil && !errors.As(err, &refused) {
		return Reply{}, fmt.Errorf("read the reply to %q: %w", to, err)
	}
	return Reply{code, text}, nil
}

func (c *Client) expect(line string, code int) error {
	r, err := c.Cmd(line)
	if err != nil {
		return err
	}
	if r.Code != code {
		return fmt.Errorf("the reply to %q is %v, want %d", line, r, code)
	}
	return nil
}

// Send carries m through one transaction of the session. An error means that the
// connection broke before there was an answer; refusals are in the Result.
func (c *Client) Send(m Mail) (Result, error) {
	var res Result
	ready, err := c.begin(m, &res)
	if err != nil || !ready {
		return res, err
	}
	if err := c.Write(m.Data); err != nil {
		return res, err
	}
	res.Final, err = c.Finish()
	return res, err
}

// begin sends MAIL, RCPT and DATA; ready when the server waits for the text.
func (c *Client) begin(m Mail, res *Result) (ready bool, err error) {
	line := "MAIL FROM:<" + m.From + ">"
	if m.Args != "" {
		line += " " + m.Args
	}
	if res.Final, err = c.Cmd(line); err != nil || !res.Final.OK() {
		return false, err
	}
	taken := 0
	for _, to := range m.To {
		if res.Final, err = c.Cmd("RCPT TO:<" + to + ">"); err != nil {
			return false, err
		}
		res.Rcpt = append(res.Rcpt, res.Final)
		if res.Final.OK() {
			taken++
		}
	}
	if taken == 0 {
		return false, c.reset()
	}
	if res.Final, err = c.Cmd("DATA"); err != nil {
		return false, err
	}
	if res.Final.Code != 354 {
		return false, c.reset()
	}
	return true, nil
}

// Begin sends MAIL, RCPT and DATA of m and returns when the server waits for the
// text: Write and Finish go on.
func (c *Client) Begin(m Mail) error {
	var res Result
	ready, err := c.begin(m, &res)
	if err == nil && !ready {
		err = fmt.Errorf("begin a transaction: %v", res.Final)
	}
	return err
}

// Write sends text in the DATA phase: CRLF line ends, dots stuffed. Each call
// starts at the beginning of a line.
func (c *Client) Write(data []byte) error {
	if err := c.conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return fmt.Errorf("send the message: %w", err)
	}
	if err := stuff(c.text.W, CRLF(data)); err != nil {
		return fmt.Errorf("send the message: %w", err)
	}
	return nil
}

// stuff writes data (CRLF line ends) with leading dots doubled.
func stuff(w *bufio.Writer, data []byte) error {
	for len(data) > 0 {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line = data[:i+1]
		}
		data = data[len(line):]
		if line[0] == '.' {
			if err := w.WriteByte('.'); err != nil {
				return err
			}
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// Finish sends the final dot and returns the reply to it.
func (c *Client) Finish() (Reply, error) { return c.Cmd(".") }

func (c *Client) reset() error {
	_, err := c.Cmd("RSET")
	return err
}

// Close ends the session with QUIT.
func (c *Client) Close() error {
	_, _ = c.Cmd("QUIT")
	return c.conn.Close()
}

// Break closes the connection without a word.
func (c *Client) Break() error { return c.conn.Close() }

// CRLF returns data with CRLF line ends and, when it lacks one, a last line end.
func CRLF(data []byte) []byte {
	data = LF(data)
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data[:len(data):len(data)], '\n')
	}
	return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
}

// LF returns data with LF line ends.
func LF(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) }

// Send delivers one mail in a session of its own.
func Send(ctx context.Context, addr string, m Mail) (Result, error) {
	as := Stranger
	if m.As != nil {
		as = *m.As
	}
	c, err := Dial(ctx, addr, as)
	if err != nil {
		return Result{}, err
	}
	defer c.Close()
	return c.Send(m)
}

// SendUntilSettled sends m again and again, as a sending MTA does with a mail
// that got a 4xx or no answer, until it was taken or refused for good or ctx
// ends. It returns the last result and how often it tried.
func SendUntilSettled(ctx context.Context, addr string, m Mail, pause time.Duration) (Result, int, error) {
	for tries := 1; ; tries++ {
		res, err := Send(ctx, addr, m)
		if err == nil && !res.Final.Temporary() {
			return res, tries, nil
		}
		select {
		case <-ctx.Done():
			return res, tries, errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// Body returns what follows the first empty line of a message.
func Body(data []byte) []byte {
	data = LF(data)
	if bytes.HasPrefix(data, []byte("\n")) {
		return data[1:]
	}
	if i := bytes.Index(data, []byte("\n\n")); i >= 0 {
		return data[i+2:]
	}
	return nil
}

// Fields returns the values of the header fields called name (any case), top
// first, unfolded as they stand.
func Fields(data []byte, name string) []string {
	var values []string
	in := false
	r := bufio.NewReader(bytes.NewReader(LF(data)))
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			return values
		}
		switch n, v, found := strings.Cut(line, ":"); {
		case line[0] == ' ' || line[0] == '\t':
			if in {
				values[len(values)-1] += "\n" + line
			}
		case found && strings.EqualFold(strings.TrimRight(n, " \t"), name):
			in, values = true, append(values, strings.TrimPrefix(v, " "))
		default:
			in = false
		}
		if errors.Is(err, io.EOF) {
			return values
		}
	}
}
