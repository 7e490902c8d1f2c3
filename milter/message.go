package milter

import (
	"cmp"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"fanmill/classify"
	"fanmill/headers"
	"fanmill/milter/delay"
	"fanmill/policy"
	"fanmill/spool"
)

var (
	errOrder  = errors.New("events out of order")
	errNoRcpt = errors.New("end of message without a recipient")
)

// message is one message on its way in. What it takes in goes straight on to
// the classifier and the spool draft; nothing of it is kept here.
type message struct {
	*engine
	rules *rules
	can   abilities
	id    string
	began time.Time
	ended time.Time // when its end came

	env        policy.Envelope
	args       string // ESMTP arguments of MAIL
	facts      facts
	recipients []policy.Recipient

	opened    bool // header or body has begun
	inBody    bool
	read      bool // some recipient is filtered: classify and draft
	size      int64
	forged    forged
	messageID string
	subject   *string         // value of the first Subject field, nil: there is none
	release   string          // token of our own release, or what pretends to be one
	content   *policy.Content // what rules see of the header
	field     []byte          // the field in hand
	hash      maphash.Hash    // of the body
	print     *delay.Print    // nil: it is not delayed in any case
	stream    *classify.Stream
	draft     *spool.Draft // nil in observe mode
	writer    *spool.MessageWriter
	drafting  bool  // a call of writer is running
	fault     error // first reason why this message cannot be scored

	phase atomic.Int32 // who may answer: see claim
}

// recipient asks the policy for one recipient's settings.
func (m *message) recipient(address string) policy.Recipient {
	return m.rules.Policy.Recipient(&m.env, address)
}

// open decides, when the envelope is complete, what is done with the content.
func (m *message) open() {
	if m.opened {
		return
	}
	m.opened = true
	m.read = slices.ContainsFunc(m.recipients, func(r policy.Recipient) bool { return r.Filtered || r.Open })
	if !m.read {
		return
	}
	m.content = m.rules.Policy.NewContent()
	m.loadScopes()
	m.hash.SetSeed(m.seed)
	m.stream = m.rules.streams.Get().(*classify.Stream)
	m.stream.Reset()
	m.stream.SetClient(m.env.Client)
	if m.rules.mayDelay() {
		m.print = delay.NewPrint()
	}
	if !m.rules.opts.Observe {
		m.draft = m.Spool.NewDraft()
		m.writer = spool.NewMessageWriter(m.draft, m.connection(), m.began, m.ownHost(), m.id)
	}
}

// settle asks the policy for the recipients' settings again, now that the header is
// known. Where it turns out that nobody's mail is filtered, the rest is let pass.
func (m *message) settle() {
	if !m.read {
		return
	}
	for i := range m.recipients {
		m.recipients[i] = m.rules.Policy.Settle(&m.env, m.content, m.recipients[i].Address)
	}
	if m.read = slices.ContainsFunc(m.recipients, func(r policy.Recipient) bool { return r.Filtered }); m.read {
		m.loadScopes()
		return
	}
	m.drop()
}

// loadScopes has the scopes of the recipients read while the message comes in.
func (m *message) loadScopes() {
	l, ok := m.Scorer.(Loader)
	if !ok {
		return
	}
	for _, r := range m.recipients {
		if r.Filtered && r.Scope != "" {
			l.Load(r.Scope)
		}
	}
}

func (m *message) ownHost() string { return cmp.Or(m.rules.OwnHost, m.facts.mta, "localhost") }

// header takes one field. Forged verdict fields go into neither draft nor
// classifier.
func (m *message) header(name, value string) {
	m.open()
	if m.inBody {
		m.spoil(errOrder)
		return
	}
	m.size += int64(len(name) + len(value) + len(":\r\n"))
	m.field = append(append(m.field[:0], name...), value...)
	n, v := m.field[:len(name)], m.field[len(name):]
	if m.read {
		m.content.Field(n, v) // also what another filter wrote
	}
	if m.forged.add(name) || !m.read {
		if m.release == "" && strings.EqualFold(name, headers.Release) {
			m.release = strings.TrimSpace(value)
		}
		return
	}
	switch {
	case m.messageID == "" && strings.EqualFold(name, "Message-Id"):
		m.messageID = value
	case m.subject == nil && strings.EqualFold(name, "Subject"):
		m.subject = &value
	}
	if m.print != nil {
		m.print.Field(n, v)
	}
	m.write(func(w *spool.MessageWriter) error { return w.Header(n, v) })
	if m.fault == nil {
		m.stream.Header(n, v)
	}
}

func (m *message) endHeaders() {
	m.open()
	if m.inBody {
		return
	}
	m.inBody = true
	m.size += int64(len("\r\n"))
	if m.settle(); !m.read {
		return
	}
	m.write((*spool.MessageWriter).EndHeaders)
	if m.fault == nil {
		m.stream.EndHeaders()
	}
}

func (m *message) body(chunk []byte) {
	m.endHeaders()
	m.size += int64(len(chunk))
	if !m.read {
		return
	}
	_, _ = m.hash.Write(chunk) // never fails
	if m.print != nil {
		m.print.Body(chunk)
	}
	m.write(func(w *spool.MessageWriter) error { return w.Body(chunk) })
	if m.fault == nil {
		m.stream.Body(chunk)
	}
}

// write calls the draft's writer, if there is one. The draft remembers the first
// error until it is to be held. A panic leaves drafting set: then the draft
// lacks something and must not be held.
func (m *message) write(f func(*spool.MessageWriter) error) {
	if m.writer == nil {
		return
	}
	m.drafting = true
	_ = f(m.writer)
	m.drafting = false
}

// spoil notes the first reason why this message cannot be scored.
func (m *message) spoil(err error) {
	if m.fault == nil {
		m.fault = err
	}
	if m.drafting {
		m.dropDraft()
	}
}

// drop lets go of everything.
func (m *message) drop() {
	m.dropDraft()
	m.releaseStream()
}

func (m *message) dropDraft() {
	if m.draft != nil {
		m.draft.Discard()
		m.draft, m.writer = nil, nil
	}
}

// releaseStream gives the stream back; one that was spoiled is left to the
// garbage collector.
func (m *message) releaseStream() {
	if m.stream != nil && m.fault == nil {
		m.rules.streams.Put(m.stream)
	}
	m.stream = nil
}

// key identifies the message across retries, also if it cannot be read: by
// envelope, Message-ID and body. It says nothing outside this process.
func (m *message) key() uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	put := func(s string) {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	put(m.env.Sender)
	for _, r := range slices.Sorted(slices.Values(m.addresses())) {
		put(r)
	}
	put(m.messageID)
	maphash.WriteComparable(&h, m.hash.Sum64())
	return h.Sum64()
}

// addresses returns all recipients.
func (m *message) addresses() []string {
	list := make([]string, len(m.recipients))
	for i, r := range m.recipients {
		list[i] = r.Address
	}
	return list
}

// connection is the part of the envelope that stands in the held message.
func (m *message) connection() spool.Envelope {
	e := spool.Envelope{Sender: m.env.Sender, ClientName: m.env.Client.Name, Helo: m.env.Client.Helo}
	if m.env.Client.Addr.IsValid() {
		e.ClientAddr = m.env.Client.Addr.String()
	}
	return e
}

// envelope is what the spool keeps for a faithful release.
func (m *message) envelope(recipients []string) spool.Envelope {
	e := m.connection()
	e.Recipients, e.QueueID, e.MailArgs, e.Macros = recipients, m.facts.queueID, m.args, map[string]string{}
	for name, value := range map[string]string{
		"j": m.facts.mta, "{daemon_name}": m.facts.daemon, "{auth_type}": m.facts.authType,
		"{auth_authen}": m.facts.login, "i": m.facts.queueID,
	} {
		if value != "" {
			e.Macros[name] = value
		}
	}
	return e
}

// Phases of a message at its end. Whoever takes it out of working answers: the
// worker with what it found out, or the watch with what the deadline demands.
const (
	working int32 = iota
	answering
	expired
)

// claim takes the right to answer for phase p; false: somebody else has it.
func (m *message) claim(p int32) bool { return m.phase.CompareAndSwap(working, p) }
