// Package submit hands a message on: over SMTP (RFC 5321), LMTP (RFC 2033) or
// through a sendmail command. It says of every recipient whether the next hop
// took the message, refused it for now or for good, or whether that is not
// known, since what a caller may do next differs for each.
//
// Targets:
//
//	smtp:HOST:PORT
//	lmtp:HOST:PORT
//	lmtp:unix:/PATH
//	sendmail:/PATH
//
// Connections are plain: the next hop is the site's own MTA, on this host or
// next to it. 8BITMIME (RFC 6152) and SMTPUTF8 (RFC 6531) are used when needed
// and offered. A next hop without 8BITMIME gets 8-bit mail as it is, because
// recoding it would break signatures.
//
// The message goes out byte for byte: only dots are stuffed, a bare LF becomes
// CRLF (RFC 5321 section 2.3.8) and a missing final CRLF is added. This is why
// the client is written on net/textproto and not go-smtp's: the DotWriter behind
// that one turns CR CR LF into CR CR CR LF.
//
// A Sender is immutable and safe for concurrent use; each Send has a connection
// or a process of its own.
package submit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// Class is how final an answer is.
type Class uint8

// The classes.
const (
	Temporary Class = iota // not taken; may be taken later
	Permanent              // not taken, and would not be later
	Unknown                // lost sight of after the final dot: perhaps taken
)

// String returns the class as a word.
func (c Class) String() string {
	switch c {
	case Permanent:
		return "permanent"
	case Unknown:
		return "unknown"
	}
	return "temporary"
}

// defaultTimeout limits a Send whose context has no deadline: RFC 5321 section
// 4.5.3.2.6 gives the answer to the final dot ten minutes.
const defaultTimeout = 10 * time.Minute

// Options are properties of one message.
type Options struct {
	SMTPUTF8 bool // the client asked for it (MAIL argument)
	Body8Bit bool // the message has 8-bit bytes
}

// RcptError is why one recipient was not served.
type RcptError struct {
	Recipient string
	Class     Class
	Code      int    // SMTP reply code or exit status; 0 when there was none
	Text      string // what the next hop said; hostile: escape it
	Err       error  // cause, when it was not an answer
}

// Error implements error.
func (e *RcptError) Error() string {
	switch {
	case e.Code != 0:
		return fmt.Sprintf("%s failure, code %d: %.500q", e.Class, e.Code, e.Text)
	case e.Err != nil && e.Text != "":
		return fmt.Sprintf("%s failure, %s: %v", e.Class, e.Text, e.Err)
	}
	return fmt.Sprintf("%s failure, %s", e.Class, e.Text)
}

// Unwrap returns the cause.
func (e *RcptError) Unwrap() error { return e.Err }

// Result tells of every recipient what became of it: each is in one of the two
// lists, also when Send returns an error.
type Result struct {
	Accepted []string
	Refused  []RcptError
	Queued   bool // accepted by a command that queues first: the MTA's filters see the message later
}

// ClassOf returns the class of an error that Send returned.
func ClassOf(err error) Class {
	var e *RcptError
	if errors.As(err, &e) {
		return e.Class
	}
	return Temporary
}

// Sender hands messages to one target.
type Sender struct {
	target string
	send   func(ctx context.Context, m *mail) Result
}

// mail is one message to be handed on.
type mail struct {
	sender string
	rcpts  []string
	o      Options
	msg    io.Reader
}

// New checks a target and returns a Sender for it. It does not connect.
func New(target string) (*Sender, error) {
	kind, rest, _ := strings.Cut(target, ":")
	s := &Sender{target: target}
	switch {
	case kind == "sendmail":
		if !filepath.IsAbs(rest) {
			return nil, fmt.Errorf("target %.200q: sendmail needs the full path of the command, such as sendmail:/usr/sbin/sendmail", target)
		}
		s.send = command(rest).send
		return s, nil
	case kind == "lmtp" && strings.HasPrefix(rest, "unix:/"):
		s.send = wire{network: "unix", address: strings.TrimPrefix(rest, "unix:"), lmtp: true}.send
		return s, nil
	case kind != "smtp" && kind != "lmtp":
		return nil, fmt.Errorf("target %.200q: want smtp:HOST:PORT, lmtp:HOST:PORT, lmtp:unix:/PATH or sendmail:/PATH", target)
	}
	host, port, err := net.SplitHostPort(rest)
	if err == nil {
		_, err = net.LookupPort("tcp", port) // a number, or a name of /etc/services
	}
	if err != nil || host == "" || port == "" {
		return nil, fmt.Errorf("target %.200q: want a host and a port, such as %s:127.0.0.1:25", target, kind)
	}
	s.send = wire{network: "tcp", address: rest, lmtp: kind == "lmtp"}.send
	return s, nil
}

// String returns the target.
func (s *Sender) String() string { return s.target }

// Send hands the message on for all recipients; sender "" is the null sender.
// msg gives the fields, the empty line and the body with CRLF. When msg fails
// the next hop gets no complete message.
//
// The error is nil when at least one recipient was accepted; else it is a
// *RcptError, the least final of the refusals (Unknown before Temporary before
// Permanent). ctx ends the attempt; it has a limit of ten minutes of its own.
func (s *Sender) Send(ctx context.Context, sender string, rcpts []string, o Options, msg io.Reader) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	m := &mail{sender: sender, rcpts: rcpts, o: o, msg: msg}
	if len(rcpts) == 0 {
		return Result{}, fmt.Errorf("hand on to %s: %w", s.target, &RcptError{Class: Permanent, Text: "no recipients"})
	}
	r := refuseAll(rcpts, check(m))
	if len(r.Refused) == 0 {
		r = s.send(ctx, m)
	}
	if len(r.Accepted) > 0 {
		return r, nil
	}
	return r, fmt.Errorf("hand on to %s: %w", s.target, worst(r.Refused))
}

// check refuses addresses that could end their command.
func check(m *mail) *RcptError {
	for _, a := range append([]string{m.sender}, m.rcpts...) {
		if !sendable(a) {
			return &RcptError{Class: Permanent, Text: fmt.Sprintf("address %.200q cannot be sent", a)}
		}
	}
	for _, a := range m.rcpts {
		if a == "" {
			return &RcptError{Class: Permanent, Text: "a recipient is empty"}
		}
	}
	return nil
}

// sendable reports whether an address stays within the angle brackets of its
// command: no control characters, and blanks and brackets only in a quoted
// string that ends (RFC 5321 section 4.1.2).
func sendable(a string) bool {
	quoted, escaped := false, false
	for i := range len(a) {
		c := a[i]
		switch {
		case c < ' ' || c == 0x7f:
			return false
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '<' || c == '>' || c == ' '):
			return false
		}
	}
	return !quoted
}

// refuseAll gives every recipient the same error; none when e is nil.
func refuseAll(rcpts []string, e *RcptError) Result {
	var r Result
	if e != nil {
		for _, a := range rcpts {
			one := *e
			one.Recipient = a
			r.Refused = append(r.Refused, one)
		}
	}
	return r
}

// worst returns the refusal that forbids most: after Unknown nothing may be
// repeated unasked, after Temporary it may.
func worst(refused []RcptError) *RcptError {
	w := &refused[0]
	rank := map[Class]int{Permanent: 0, Temporary: 1, Unknown: 2}
	for i := range refused {
		if rank[refused[i].Class] > rank[w.Class] {
			w = &refused[i]
		}
	}
	return w
}
