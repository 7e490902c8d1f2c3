package policy

import (
	"strings"

	"fanmill/policy/address"
	"fanmill/policy/match"
)

// Content is what rules see of one message's header. It belongs to one goroutine.
type Content struct {
	policy *Policy
	header *match.Header
	sender address.Address // of the envelope
	found  []found         // by rule
}

// found is what the content part of a rule gave for a message.
type found struct {
	known    bool
	holds    bool // the header is as the rule has it
	list     SenderList
	line     int  // of the list file that matched
	unproven bool // it would be welcome, had its domain been verified
}

// NewContent returns the Content of a message whose fields are to come.
func (p *Policy) NewContent() *Content {
	return &Content{policy: p, header: match.NewHeader(p.wanted, p.believed), found: make([]found, len(p.rules))}
}

// Field takes a header field; value is what stands behind the colon, folded or not. What
// no rule asks for is passed over.
func (c *Content) Field(name, value []byte) { c.header.Field(name, value) }

// match reports what the header gives for rule n, once for each message.
func (c *Content) match(n int) found {
	m := &c.found[n]
	if m.known {
		return *m
	}
	r := &c.policy.rules[n]
	*m = found{known: true}
	m.holds = (r.from == nil || r.from.Match(c.header, r.Sender == Welcome)) && r.headers.Match(c.header) && (r.lists == nil || r.lists.Match(c.header))
	if m.holds {
		m.list, m.line, m.unproven = r.senderList(c)
	}
	return *m
}

// senderList says whether the sender of a message that the rule is for is welcome or
// blocked. Welcome wins, as it does where two rules say so in this order.
func (r *rule) senderList(c *Content) (list SenderList, line int, unproven bool) {
	if line, ok := r.WelcomeList.MatchAddress(c.header); ok {
		if c.trust(c.fromDomains()) {
			return Welcome, line, false
		}
		unproven = true
	}
	switch {
	case r.Sender == Welcome && !c.trust(r.domains(c)):
		unproven = true
	case r.Sender == Welcome:
		return Welcome, 0, false
	case r.Sender == Block:
		return Block, 0, unproven
	}
	if line, ok := r.BlockList.Match(c.header); ok {
		return Block, line, unproven
	}
	return Unlisted, 0, unproven
}

// domains are all those that a sender must own to be whom the rule means; none where the
// rule is for no sender in particular, but for clients or recipients.
func (r *rule) domains(c *Content) (domains []string) {
	if r.lists != nil {
		_, host, _ := strings.Cut(c.header.ListID(), ".")
		domains = append(domains, address.Domain(host))
	}
	if r.senders != nil {
		domains = append(domains, c.sender.Domain)
	}
	if r.from != nil || r.headers != nil && domains == nil {
		domains = append(domains, c.fromDomains()...)
		if len(domains) == 0 {
			return []string{""} // nobody's, which nobody can verify
		}
	}
	return domains
}

func (c *Content) fromDomains() []string {
	list := make([]string, 0, len(c.header.Senders()))
	for _, a := range c.header.Senders() {
		list = append(list, a.Domain)
	}
	return list
}

// trust reports whether a welcome sender who must own these domains is believed to.
func (c *Content) trust(domains []string) bool {
	return c.header.Auth.Trust(c.policy.opts.WelcomeAuth, domains)
}
