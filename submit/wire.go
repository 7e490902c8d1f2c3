package submit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	replyLimit   = 4 << 20         // bytes of all replies together
	quitWait     = 2 * time.Second // for the answer to QUIT, which changes nothing
	lastWordWait = 2 * time.Second // for a reply sent before the connection broke
)

// wire is a target that speaks SMTP or LMTP.
type wire struct {
	network, address string
	lmtp             bool
}

func (w wire) send(ctx context.Context, m *mail) Result {
	conn, err := (&net.Dialer{}).DialContext(ctx, w.network, w.address)
	if err != nil {
		return refuseAll(m.rcpts, &RcptError{Class: Temporary, Text: "connect", Err: err})
	}
	defer conn.Close()
	// The context's end breaks whatever read or write is waiting.
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now().Add(-time.Second)) })()
	t := &talk{
		conn: conn, lmtp: w.lmtp, ctx: ctx,
		r: textproto.NewReader(bufio.NewReader(io.LimitReader(conn, replyLimit))), w: bufio.NewWriterSize(conn, 32<<10),
	}
	r := t.transaction(m)
	t.quit()
	return r
}

// talk is one connection.
type talk struct {
	ctx  context.Context
	conn net.Conn
	lmtp bool
	r    *textproto.Reader
	w    *bufio.Writer
	ext  map[string]bool
	lost bool // the connection is of no use any more
}

// transaction hands over one message. Each step's failure is Temporary or as
// the answer says; only from the final dot on it is Unknown.
func (t *talk) transaction(m *mail) Result {
	if e := t.begin(m); e != nil {
		return refuseAll(m.rcpts, e)
	}
	var r Result
	var taken []string
	for i, a := range m.rcpts {
		e := t.command(2, "RCPT TO:<%s>", a)
		switch {
		case e == nil:
			taken = append(taken, a)
		case t.lost || e.Code == 421: // RFC 5321 section 3.8: the server closes
			r.Refused = append(r.Refused, refuseAll(append(taken, m.rcpts[i:]...), e).Refused...)
			return r
		default:
			e.Recipient = a
			r.Refused = append(r.Refused, *e)
		}
	}
	if len(taken) == 0 {
		return r
	}
	if e := t.command(3, "DATA"); e != nil {
		r.Refused = append(r.Refused, refuseAll(taken, e).Refused...)
		return r
	}
	if e := t.data(m.msg); e != nil {
		r.Refused = append(r.Refused, refuseAll(taken, e).Refused...)
		return r
	}
	t.answers(taken, &r)
	return r
}

// begin goes as far as MAIL.
func (t *talk) begin(m *mail) *RcptError {
	if e := t.reply(2, "greeting"); e != nil {
		return e
	}
	if e := t.hello(); e != nil {
		return e
	}
	line := "MAIL FROM:<%s>"
	if m.o.Body8Bit && t.ext["8BITMIME"] {
		line += " BODY=8BITMIME"
	}
	wide := needsUTF8(m)
	switch {
	case (wide || m.o.SMTPUTF8) && t.ext["SMTPUTF8"]:
		line += " SMTPUTF8"
	case wide: // RFC 6531 section 3.2: such an address must not be sent
		return &RcptError{Class: Permanent, Text: "an address is not ASCII and the next hop does not offer SMTPUTF8"}
	}
	return t.command(2, line, m.sender)
}

// needsUTF8 reports whether an address is UTF-8 beyond ASCII. Other 8-bit
// addresses were sent without the extension, and go on that way.
func needsUTF8(m *mail) bool {
	for _, a := range append([]string{m.sender}, m.rcpts...) {
		if utf8.ValidString(a) && utf8.RuneCountInString(a) < len(a) {
			return true
		}
	}
	return false
}

func (t *talk) hello() *RcptError {
	verb := "EHLO"
	if t.lmtp {
		verb = "LHLO"
	}
	own, err := os.Hostname()
	if err != nil || strings.ContainsAny(own, " <>\r\n") || own == "" {
		own = "localhost"
	}
	text, e := t.ask(2, "%s %s", verb, own)
	if e != nil && !t.lmtp && (e.Code == 500 || e.Code == 502) {
		return t.command(2, "HELO %s", own)
	}
	t.ext = map[string]bool{}
	for _, l := range strings.Split(text, "\n") {
		word, _, _ := strings.Cut(l, " ")
		t.ext[strings.ToUpper(word)] = true
	}
	return e
}

func (t *talk) command(class int, format string, args ...any) *RcptError {
	_, e := t.ask(class, format, args...)
	return e
}

// ask sends a command and reads the reply, whose first digit should be class.
func (t *talk) ask(class int, format string, args ...any) (string, *RcptError) {
	fmt.Fprintf(t.w, format+"\r\n", args...)
	verb, _, _ := strings.Cut(format, " ")
	if verb == "%s" {
		verb = fmt.Sprint(args[0])
	}
	if err := t.w.Flush(); err != nil {
		return "", t.broken("send "+verb, err)
	}
	return t.read(class, verb)
}

func (t *talk) reply(class int, what string) *RcptError {
	_, e := t.read(class, what)
	return e
}

// read reads a reply of one or more lines (RFC 5321 section 4.2.1).
func (t *talk) read(class int, what string) (string, *RcptError) {
	code, text, err := t.r.ReadResponse(class)
	var answer *textproto.Error
	switch {
	case err == nil:
		return text, nil
	case !errors.As(err, &answer) || code < 200 || code > 599:
		return "", t.broken("read answer to "+what, err)
	case code >= 500:
		return "", &RcptError{Class: Permanent, Code: code, Text: text}
	case code >= 400:
		return "", &RcptError{Class: Temporary, Code: code, Text: text}
	}
	t.lost = true
	return "", &RcptError{Class: Temporary, Code: code, Text: "unexpected answer to " + what + ": " + text}
}

// broken is the error of a connection that is of no use any more.
func (t *talk) broken(what string, err error) *RcptError {
	t.lost = true
	if ctxErr := t.ctx.Err(); ctxErr != nil {
		err = fmt.Errorf("%w (%w)", ctxErr, err)
	}
	return &RcptError{Class: Temporary, Text: what, Err: err}
}

// data sends the message, the final dot included.
func (t *talk) data(msg io.Reader) *RcptError {
	d := &dots{w: t.w, bol: true}
	if _, err := io.Copy(d, readOnly{msg}); err != nil {
		return t.cut(d, err)
	}
	d.end()
	if err := t.w.Flush(); err != nil {
		return t.cut(d, err)
	}
	// From here on the next hop may have the message, whatever we see of it.
	if _, err := io.WriteString(t.conn, ".\r\n"); err != nil {
		e := t.broken("send final dot", err)
		e.Class = Unknown
		return e
	}
	return nil
}

// readOnly hides WriterTo, so that read errors and write errors stay apart.
type readOnly struct{ io.Reader }

// cut ends a transfer before the final dot. A server that refuses early may
// have said why before it closed.
func (t *talk) cut(d *dots, err error) *RcptError {
	if d.err == nil { // it was the message that could not be read
		t.lost = true
		return &RcptError{Class: Temporary, Text: "read message", Err: err}
	}
	e := t.broken("send message", err)
	if t.ctx.Err() == nil {
		t.conn.SetReadDeadline(time.Now().Add(lastWordWait))
		if _, word := t.read(2, "message"); word != nil && word.Code >= 400 {
			return word
		}
	}
	return e
}

// answers reads what the next hop says to the message: one reply, in LMTP one
// for each recipient it took (RFC 2033 section 4.2).
func (t *talk) answers(taken []string, r *Result) {
	var e *RcptError
	for i, a := range taken {
		if i == 0 || t.lmtp && !t.lost {
			if e = t.reply(2, "message"); e != nil && (e.Code < 400) {
				e.Class = Unknown
				t.lost = true
			}
		}
		if e == nil {
			r.Accepted = append(r.Accepted, a)
			continue
		}
		one := *e
		one.Recipient = a
		r.Refused = append(r.Refused, one)
	}
}

// quit is polite; nothing depends on it.
func (t *talk) quit() {
	if t.lost || t.ctx.Err() != nil {
		return
	}
	t.conn.SetDeadline(time.Now().Add(quitWait))
	_ = t.command(2, "QUIT")
}

// dots stuffs dots (RFC 5321 section 4.5.2) and turns a bare LF into CRLF.
type dots struct {
	w   *bufio.Writer
	bol bool // at the beginning of a line
	cr  bool // behind a CR
	err error
}

func (d *dots) Write(p []byte) (int, error) {
	for _, c := range p {
		if c == '.' && d.bol {
			d.put('.')
		}
		if c == '\n' && !d.cr {
			d.put('\r')
		}
		d.put(c)
		d.bol, d.cr = c == '\n', c == '\r'
	}
	if d.err != nil {
		return 0, d.err
	}
	return len(p), nil
}

func (d *dots) put(c byte) {
	if err := d.w.WriteByte(c); err != nil && d.err == nil {
		d.err = err
	}
}

// end ends the last line. A CR that ends the message is not half a line end.
func (d *dots) end() {
	if !d.bol {
		d.put('\r')
		d.put('\n')
	}
}
