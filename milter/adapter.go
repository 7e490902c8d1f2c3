package milter

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	gomilter "github.com/d--j/go-milter"

	"fanmill/policy"
)

// The library reports through a package variable. It is set once, here, before
// any server can run; what matters is logged by the guard and the adapter.
func init() {
	gomilter.LogWarning = func(format string, v ...any) {
		slog.Default().Debug("go-milter: " + clean(fmt.Sprintf(format, v...)))
	}
}

// The library's words for what we want of the MTA.
const (
	wantProtocol = gomilter.OptNoConnReply | gomilter.OptNoHeloReply | gomilter.OptNoMailReply | gomilter.OptNoDataReply |
		gomilter.OptNoHeaderReply | gomilter.OptNoEOHReply | gomilter.OptNoBodyReply | gomilter.OptNoUnknown |
		gomilter.OptHeaderLeadingSpace
	insertActions = gomilter.OptAddHeader | gomilter.OptChangeHeader
)

// macroRequests names the macros that are used, at the first stage at which one
// of the MTAs knows them.
var macroRequests = map[gomilter.MacroStage][]gomilter.MacroName{
	gomilter.StageConnect: {gomilter.MacroMTAFQDN, gomilter.MacroDaemonName},
	gomilter.StageMail:    {gomilter.MacroQueueId, gomilter.MacroAuthType, gomilter.MacroAuthAuthen},
	gomilter.StageData:    {gomilter.MacroQueueId},
	gomilter.StageEOM:     {gomilter.MacroQueueId},
}

// negotiator agrees with an MTA on what to use, and does without what the MTA
// does not offer.
type negotiator struct {
	engine *engine
	warned sync.Map // of gomilter.OptAction
}

// wantActions are the modifications that any settings may need: those may change
// while the connection lasts.
const wantActions = insertActions | gomilter.OptSetMacros | gomilter.OptRemoveRcpt | gomilter.OptQuarantine

// needs reports whether the settings in force now may use an action.
func (n *negotiator) needs(action gomilter.OptAction) bool {
	switch r := n.engine.rules.Load(); action {
	case gomilter.OptRemoveRcpt:
		return r.mayDelete()
	case gomilter.OptQuarantine:
		return r.mayQuarantine()
	}
	return true
}

// negotiate is the library's callback.
func (n *negotiator) negotiate(mtaVersion, _ uint32, offered, _ gomilter.OptAction, protocol, _ gomilter.OptProtocol, _ gomilter.DataSize) (uint32, gomilter.OptAction, gomilter.OptProtocol, gomilter.DataSize, error) {
	if mtaVersion < 2 {
		n.engine.Logger.Warn("the MTA's milter protocol is too old, closing its connection", "version", mtaVersion, "needed", 2)
		return 0, 0, 0, 0, fmt.Errorf("milter protocol version %d is too old", mtaVersion)
	}
	for _, l := range []struct {
		action      gomilter.OptAction
		consequence string
	}{
		{gomilter.OptAddHeader, "verdict headers are written only if header fields may be changed"},
		{gomilter.OptChangeHeader, "forged verdict headers stay in the mail"},
		{gomilter.OptRemoveRcpt, "several recipients of a message get the mildest outcome of all"},
		{gomilter.OptQuarantine, "mail for the MTA's quarantine is held in our own spool"},
	} {
		if offered&l.action != 0 || !n.needs(l.action) {
			continue
		}
		if _, again := n.warned.LoadOrStore(l.action, true); !again {
			n.engine.Logger.Warn("the MTA does not offer an action", "action", l.action.String(), "consequence", l.consequence)
		}
	}
	return min(mtaVersion, gomilter.MaxServerProtocolVersion), wantActions & offered, wantProtocol & protocol, gomilter.DataSize64K, nil
}

// adapter is one connection of the MTA as the library sees it. Its callbacks
// never return an error, which would close the connection and leave the rest of
// the SMTP session to the MTA's default action, and never let a panic out,
// which would end the process.
type adapter struct {
	engine  *engine
	session *session
	blank   bool // the MTA keeps the blank behind the colon
}

func newAdapter(e *engine, offered gomilter.OptAction, protocol gomilter.OptProtocol) *adapter {
	can := abilities{
		insert:          offered&insertActions != 0,
		change:          offered&gomilter.OptChangeHeader != 0,
		deleteRecipient: offered&gomilter.OptRemoveRcpt != 0,
		quarantine:      offered&gomilter.OptQuarantine != 0,
	}
	return &adapter{engine: e, session: e.newSession(can), blank: protocol&gomilter.OptHeaderLeadingSpace != 0}
}

var _ gomilter.Milter = (*adapter)(nil)

// rescue is deferred by every callback. A panic spoils the message in progress,
// which is answered at its end.
func (a *adapter) rescue(event string, resp **gomilter.Response, instead *gomilter.Response) {
	p := recover()
	if p == nil {
		return
	}
	pe := &panicError{event: event, value: p, stack: debug.Stack()}
	a.engine.Logger.Error("panic, the message gets a temporary failure", "event", event,
		"queue_id", clean(a.session.queueID()), "panic", clean(fmt.Sprint(p)), "stack", string(pe.stack))
	a.session.spoil(pe)
	if resp != nil {
		*resp = instead
	}
}

// NewConnection begins an SMTP session.
func (a *adapter) NewConnection(gomilter.Modifier) error {
	defer a.rescue("new connection", nil, nil)
	a.session.connect("", "unknown", "", 0)
	return nil
}

// Connect tells the client.
func (a *adapter) Connect(host, family string, port uint16, addr string, _ gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("connect", &resp, gomilter.RespContinue)
	a.session.connect(host, family, addr, port)
	return gomilter.RespContinue, nil
}

// Helo tells the client's own name for itself.
func (a *adapter) Helo(name string, _ gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("helo", &resp, gomilter.RespContinue)
	a.session.helo(name)
	return gomilter.RespContinue, nil
}

// MailFrom begins a message.
func (a *adapter) MailFrom(from, args string, m gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("mail", &resp, gomilter.RespContinue)
	a.session.mail(from, args, facts{
		mta:      m.Get(gomilter.MacroMTAFQDN),
		daemon:   m.Get(gomilter.MacroDaemonName),
		authType: m.Get(gomilter.MacroAuthType),
		login:    m.Get(gomilter.MacroAuthAuthen),
		queueID:  m.Get(gomilter.MacroQueueId),
	})
	return gomilter.RespContinue, nil
}

// RcptTo adds a recipient, or refuses it for now.
func (a *adapter) RcptTo(to, _ string, _ gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("rcpt", &resp, gomilter.RespTempFail)
	if r := a.session.rcpt(to); r != refuseNone {
		return reply(r.code(), string(r)), nil
	}
	return gomilter.RespContinue, nil
}

// Data tells Postfix's queue id.
func (a *adapter) Data(m gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("data", &resp, gomilter.RespContinue)
	a.session.data(m.Get(gomilter.MacroQueueId))
	return gomilter.RespContinue, nil
}

// Header takes a header field.
func (a *adapter) Header(name, value string, _ gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("header", &resp, gomilter.RespContinue)
	if !a.blank {
		value = " " + value // the MTA swallowed it
	}
	a.session.header(name, value)
	return gomilter.RespContinue, nil
}

// Headers ends the header.
func (a *adapter) Headers(gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("end of header", &resp, gomilter.RespContinue)
	a.session.endHeaders()
	return gomilter.RespContinue, nil
}

// BodyChunk takes a piece of the body.
func (a *adapter) BodyChunk(chunk []byte, _ gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("body", &resp, gomilter.RespContinue)
	a.session.body(chunk)
	return gomilter.RespContinue, nil
}

// EndOfMessage answers the message.
func (a *adapter) EndOfMessage(m gomilter.Modifier) (resp *gomilter.Response, _ error) {
	defer a.rescue("end of message", &resp, gomilter.RespTempFail)
	ans := a.session.end(m.Get(gomilter.MacroQueueId), m.Progress)
	if err := a.modify(ans, m); err != nil {
		a.engine.Logger.Warn("the MTA did not take a change to a message", "err", err)
		return gomilter.RespTempFail, nil
	}
	return respond(ans), nil
}

// modify tells the MTA what to change. Deletions come first, since insertions
// would shift the index of fields with the same name.
func (a *adapter) modify(ans answer, m gomilter.Modifier) error {
	for _, f := range ans.remove {
		for i := f.count; i > 0; i-- {
			if err := m.ChangeHeader(i, f.name, ""); err != nil {
				return fmt.Errorf("delete header field %s: %w", f.name, err)
			}
		}
	}
	blank := ""
	if a.blank {
		blank = " "
	}
	if ans.subject != "" {
		if err := m.ChangeHeader(1, "Subject", blank+ans.subject); err != nil {
			return fmt.Errorf("tag the subject: %w", err)
		}
	}
	for i := len(ans.insert) - 1; i >= 0; i-- {
		if err := m.InsertHeader(0, ans.insert[i].Name, blank+ans.insert[i].Value); err != nil {
			return fmt.Errorf("insert header field %s: %w", ans.insert[i].Name, err)
		}
	}
	for _, r := range ans.delete {
		if err := m.DeleteRecipient(r); err != nil {
			return fmt.Errorf("delete recipient: %w", err)
		}
	}
	if ans.outcome == policy.Quarantine {
		if err := m.Quarantine(ans.reason); err != nil {
			return fmt.Errorf("quarantine: %w", err)
		}
	}
	return nil
}

// respond maps an answer to the reply that ends the message.
func respond(a answer) *gomilter.Response {
	switch a.outcome {
	case policy.Accept, policy.Quarantine:
		return gomilter.RespAccept
	case policy.Discard:
		return gomilter.RespDiscard
	case policy.Reject:
		return reply(550, a.text)
	}
	return reply(451, a.text)
}

// reply makes an SMTP reply of our own words; the MTAs' own differ and say less.
func reply(code uint16, text string) *gomilter.Response {
	r, err := gomilter.RejectWithCodeAndReason(code, text)
	switch {
	case err == nil:
		return r
	case code >= 500:
		return gomilter.RespReject
	}
	return gomilter.RespTempFail
}

// Abort drops the message in progress.
func (a *adapter) Abort(gomilter.Modifier) error {
	defer a.rescue("abort", nil, nil)
	a.session.abort()
	return nil
}

// Unknown is not asked for; old MTAs send it all the same.
func (a *adapter) Unknown(string, gomilter.Modifier) (*gomilter.Response, error) {
	return gomilter.RespContinue, nil
}

// Cleanup ends the connection.
func (a *adapter) Cleanup(gomilter.Modifier) {
	defer a.rescue("cleanup", nil, nil)
	a.session.abort()
}
