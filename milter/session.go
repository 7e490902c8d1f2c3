package milter

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fanmill/classify"
	"fanmill/policy"
)

// engine is what all sessions of a server share.
type engine struct {
	Parts
	rules    atomic.Pointer[rules]
	failures *failures
	seed     maphash.Seed
	now      func() time.Time
	stopped  context.Context // ends when the server stops waiting for messages
	workers  sync.WaitGroup
}

func newEngine(stopped context.Context, p Parts, s Settings) *engine {
	e := &engine{Parts: p, failures: newFailures(time.Now), seed: maphash.MakeSeed(), now: time.Now, stopped: stopped}
	e.rules.Store(newRules(s))
	return e
}

// abilities are what the MTA lets us do to a message.
type abilities struct {
	insert, change, deleteRecipient, quarantine bool
}

// facts are the MTA's macros that matter; each is "" when not given.
type facts struct {
	mta      string // {j}, the MTA's own name
	daemon   string // {daemon_name}
	authType string // {auth_type}
	login    string // {auth_authen}
	queueID  string // {i}
}

// session is one SMTP session as the MTA reports it. Events come in any order,
// whatever the protocol says; see the table in the package comment. It belongs
// to one goroutine.
type session struct {
	*engine
	can    abilities
	client classify.Client
	local  bool
	msg    *message // in progress, or nil
}

func (e *engine) newSession(can abilities) *session { return &session{engine: e, can: can} }

// connect begins a new SMTP session. host is the client's name as the MTA
// verified it; family is "tcp4", "tcp6", "unix" or "unknown".
func (s *session) connect(host, family, addr string, port uint16) {
	s.abort()
	s.client, s.local = classify.Client{}, false
	if a, err := netip.ParseAddr(addr); err == nil {
		s.client.Addr = a.Unmap()
	}
	s.client.Name = verifiedName(host)
	// Postfix invents a connection from port 0 of the loopback address for mail
	// submitted by sendmail(1).
	s.local = family == "unix" || (port == 0 && s.client.Addr.IsLoopback())
}

// verifiedName leaves out what the MTAs write for a client without a verified
// name: "unknown", an address in brackets, or a name that "may be forged".
func verifiedName(host string) string {
	if host == "unknown" || strings.ContainsAny(host, "[]() ") {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func (s *session) helo(name string) { s.client.Helo = name }

// mail begins a message, dropping one that was in progress.
func (s *session) mail(sender, args string, f facts) {
	s.abort()
	r := s.rules.Load()
	m := &message{
		engine: s.engine, rules: r, can: s.can,
		id: s.Spool.NewID(), began: s.now(), args: args, facts: f,
		env: policy.Envelope{Client: s.client, Authenticated: f.login, Local: s.local, Sender: sender},
	}
	s.msg = m
}

// maxRecipients bounds what one message may ask us to remember; MTAs stop at
// about a thousand.
const maxRecipients = 10_000

// refusal is the answer to one recipient; "" takes it.
type refusal string

const (
	refuseNone     refusal = ""
	refusePolicy   refusal = "4.5.3 Other filter settings apply to this recipient, please send to it separately"
	refuseTooMany  refusal = "4.5.3 Too many recipients"
	refuseNoSender refusal = "4.5.1 No sender was given"
)

// code is the SMTP reply code of a refusal.
func (r refusal) code() uint16 {
	if strings.HasPrefix(string(r), "5.") {
		return 550
	}
	return 452
}

// rcpt adds a recipient. It refuses for now only, but where the sender is blocked for it.
func (s *session) rcpt(address string) refusal {
	m := s.msg
	switch {
	case m == nil:
		return refuseNoSender
	case m.opened:
		m.spoil(errOrder)
		return refuseNoSender
	case len(m.recipients) >= maxRecipients:
		return refuseTooMany
	}
	r := m.recipient(address)
	if r.Refused && !m.rules.opts.Observe {
		return m.refuse(&r)
	}
	if m.apart() && len(m.recipients) > 0 && !policy.SamePolicy(m.recipients[0], r) {
		return refusePolicy
	}
	m.recipients = append(m.recipients, r)
	return refuseNone
}

// apart reports whether recipients with other settings are to come in a message
// of their own. A site that only observes, or was not taught enough, delays
// nothing.
func (m *message) apart() bool {
	o := m.rules.opts
	if !o.OnePolicy || o.Observe || m.env.Local {
		return false
	}
	t, ok := m.Scorer.(Trainee)
	if !ok {
		return true
	}
	taught := t.Taught()
	return m.rules.Policy.Trained(taught.Ham, taught.Spam)
}

// data tells the queue id, which Postfix has from here on.
func (s *session) data(queueID string) {
	if s.msg != nil && queueID != "" {
		s.msg.facts.queueID = queueID
	}
}

// header takes one field; value is what stood behind the colon.
func (s *session) header(name, value string) {
	if s.msg != nil {
		s.msg.header(name, value)
	}
}

func (s *session) endHeaders() {
	if s.msg != nil {
		s.msg.endHeaders()
	}
}

func (s *session) body(chunk []byte) {
	if s.msg != nil {
		s.msg.body(chunk)
	}
}

// spoil notes that the message in progress cannot be trusted any more; it will
// be answered at its end.
func (s *session) spoil(err error) {
	if s.msg != nil {
		s.msg.spoil(err)
	}
}

// end answers the message. progress is called now and then while that takes
// time; its error means that the MTA is gone, and changes nothing: the work is
// done, and a retry finds it.
func (s *session) end(queueID string, progress func() error) answer {
	s.data(queueID)
	m := s.msg
	s.msg = nil
	if m == nil {
		return answer{outcome: policy.Fail, text: textFail}
	}
	return m.answer(progress)
}

// abort drops the message in progress; client and helo stay.
func (s *session) abort() {
	if s.msg != nil {
		s.msg.drop()
		s.msg = nil
	}
}

// queueID returns the queue id of the message in progress for a log line.
func (s *session) queueID() string {
	if s.msg == nil {
		return ""
	}
	return s.msg.facts.queueID
}

// panicError is a panic that was recovered.
type panicError struct {
	event string
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic in %s: %v", p.event, p.value) }
