package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rule is one entry [[rule]]: whom it is for, and what it sets. What it is for must hold
// all at once; of the entries of a list one is enough; a rule that names nothing is for
// all mail. Rules stand in an order, and of each setting the first rule that is for the
// message and sets it decides; what no rule sets is as section [policy] says.
type Rule struct {
	Name string // for log and history; letters, digits and -_.

	// The envelope.
	Recipients    []string // patterns as in Options
	Senders       []string
	Clients       []string // addresses, networks, host names, .host.suffix
	Authenticated *bool    // the client logged in, or did not

	// The header.
	From    []string // patterns over the addresses of the From field; /RE2/ over "From: Name <address>"
	Headers []string // "Name: glob" or "Name: /RE2/" over the decoded field
	Lists   []string // globs over the identifier in List-Id, or /RE2/

	// What it sets; nil and zero values set nothing.
	Filter       *bool
	Sender       SenderList // welcome or block those it is for
	WelcomeList  *List      // those of its mail whose From is in the list are welcome
	BlockList    *List      // likewise blocked
	AtEnd        bool       // blocked senders are refused at the end, not at RCPT
	HamCutoff    *float64
	SpamCutoff   *float64
	RejectCutoff *float64
	Spam         *Outcome
	Unsure       *Outcome
	Scope        *string
	SubjectTag   *string
	RejectText   *string
	Learn        *bool // welcome and block teach the filter where its score said otherwise

	RejectAttachments []string // as in Options; nil sets nothing, an empty list refuses none
}

// SenderList is what a rule says of a sender.
type SenderList uint8

// What rules say of senders.
const (
	Unlisted SenderList = iota
	Welcome             // its mail is ham, whatever the score
	Block               // its mail is spam
)

// String returns the word that logs use, "" for Unlisted.
func (l SenderList) String() string { return [...]string{"", "welcome", "block"}[l] }

// RuleError is one thing that is wrong with a rule.
type RuleError struct {
	Rule int // from 0
	OptionError
}

// rule is a compiled Rule.
type rule struct {
	Rule
	recipients, senders *patterns
	clients             *hosts
	from                *fromPatterns
	headers             []fieldPattern
	lists               []fieldPattern
	attachments         *attachments
	mask                uint // settings it may set
}

// match is what the content part of a rule gave for a message.
type match struct {
	known    bool
	holds    bool // the header is as the rule has it
	list     SenderList
	line     int  // of the list file that matched
	unproven bool // it would be welcome, had its domain been verified
}

// compileRules compiles the rules in their order. The errors join one *RuleError for
// each problem.
func compileRules(list []Rule, base *Options) (rules []rule, errs []error) {
	names := map[string]int{}
	for i := range list {
		r, problems := compileRule(&list[i])
		if first, ok := names[r.Name]; ok && r.Name != "" {
			problems = append(problems, &OptionError{Option: "name", Entry: r.Name, Err: fmt.Errorf("is the name of rule %d already", first+1), Hint: "give each rule a name of its own"})
		} else {
			names[r.Name] = i
		}
		r.mask = r.settings()
		problems = append(problems, r.checkEffects(base, i)...)
		if err := r.shadowed(rules); err != nil {
			problems = append(problems, err)
		}
		for _, err := range problems {
			oe := &OptionError{}
			errors.As(err, &oe)
			errs = append(errs, &RuleError{Rule: i, OptionError: *oe})
		}
		r.Name = cmp.Or(r.Name, nameless(i))
		rules = append(rules, r)
	}
	return rules, errs
}

// unnamed begins the names of rules without one.
const unnamed = "rule-"

func nameless(n int) string { return fmt.Sprintf("%s%d", unnamed, n+1) }

func compileRule(o *Rule) (r rule, errs []error) {
	r.Rule = *o
	add := func(more []error) { errs = append(errs, more...) }
	patternsOf := func(option string, entries []string) *patterns {
		if entries == nil {
			return nil
		}
		p, more := compilePatterns(option, entries)
		add(more)
		return p
	}
	r.recipients, r.senders = patternsOf("recipients", o.Recipients), patternsOf("senders", o.Senders)
	if slices.ContainsFunc(o.Recipients, func(e string) bool { return strings.TrimSpace(e) == "<>" }) {
		add([]error{&OptionError{Option: "recipients", Entry: "<>", Err: errors.New("is the null sender, which no recipient is"), Hint: "write it in senders"}})
	}
	if o.Clients != nil {
		var more []error
		r.clients, more = compileHosts("clients", o.Clients, hostSuffixes)
		add(more)
	}
	var more []error
	r.from, more = compileFrom(o.From)
	add(more)
	r.headers, more = compileFields(o.Headers)
	add(more)
	r.lists, more = compileListIDs(o.Lists)
	add(more)
	r.attachments, more = compileAttachments("reject_attachments", o.RejectAttachments)
	add(more)
	return r, errs
}

// checkEffects reports what a rule sets wrongly, and rules without any effect or that
// can be for no message.
func (r *rule) checkEffects(base *Options, n int) (errs []error) {
	bad := func(option, entry, text, hint string) {
		errs = append(errs, &OptionError{Option: option, Entry: entry, Err: errors.New(text), Hint: hint})
	}
	if strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || len(r.Name) > 64 {
		bad("name", r.Name, "is not a name", "write at most 64 letters, digits and the signs - _ .")
	} else if slices.Contains(builtinRules, r.Name) || strings.HasPrefix(r.Name, unnamed) && r.Name != nameless(n) {
		bad("name", r.Name, "is a name the program uses itself", "write another one")
	}
	for _, l := range []struct {
		option string
		list   []string
	}{{"recipients", r.Recipients}, {"senders", r.Senders}, {"clients", r.Clients}, {"from", r.From}, {"headers", r.Headers}, {"list", r.Lists}} {
		if l.list != nil && len(l.list) == 0 {
			bad(l.option, "", "is empty, so the rule is never used", "write entries, or leave the key out for all mail")
		}
	}
	if r.mask == 0 {
		bad("", "", "sets nothing", "write what it is to change, such as filter = false or block = true")
	}
	if r.Filter != nil && !*r.Filter && r.mask != setFilter {
		bad("filter", "", "is false, so nothing else that the rule sets is used", "leave the other keys out, or filter")
	}
	o := *base
	for _, c := range []struct{ set, to *float64 }{{r.HamCutoff, &o.Cutoffs.Ham}, {r.SpamCutoff, &o.Cutoffs.Spam}, {r.RejectCutoff, &o.Cutoffs.Reject}} {
		if c.set != nil {
			*c.to = *c.set
		}
	}
	if r.HamCutoff != nil || r.SpamCutoff != nil || r.RejectCutoff != nil {
		errs = append(errs, o.checkCutoffs()...)
	}
	if r.Scope != nil {
		scope := base.Scopes.Of(*r.Scope)
		if scope == "" && *r.Scope != "" {
			bad("scope", *r.Scope, "can be no scope", "write an address, or \"\" for the site")
		}
		r.Scope = &scope
	}
	if r.Spam != nil {
		o.Spam = *r.Spam
		errs = append(errs, checkOutcome("spam", o.Spam)...)
	}
	if r.Unsure != nil {
		o.Unsure = *r.Unsure
		errs = append(errs, checkOutcome("unsure", o.Unsure)...)
	}
	return errs
}

// shadowed reports that earlier rules that are for all mail decide about all that r sets.
func (r *rule) shadowed(before []rule) error {
	left := r.mask
	for i := range before {
		b := &before[i]
		all := b.recipients == nil && b.senders == nil && b.clients == nil && b.Authenticated == nil && !b.aboutContent()
		if !all || left == 0 {
			continue
		}
		decides := b.mask
		if b.Sender == Unlisted {
			decides &^= setSender // its files are not for all senders
		}
		if b.Filter != nil && !*b.Filter {
			decides = left // nothing is looked at behind it
		}
		if left &^= decides; left == 0 {
			return &OptionError{Err: fmt.Errorf("is never used: %s is for all mail and stands before it", b.Name), Hint: "put it before that rule, or say there whom it is for"}
		}
	}
	return nil
}

// aboutContent reports whether only the header tells if the rule is for a message.
func (r *rule) aboutContent() bool { return r.from != nil || r.headers != nil || r.lists != nil }

// matchEnvelope reports whether the rule is for this recipient, as far as the envelope
// tells.
func (r *rule) matchEnvelope(e *Envelope, sender, rcpt address) bool {
	if r.Authenticated != nil && *r.Authenticated != (e.Authenticated != "") {
		return false
	}
	if r.clients != nil && !r.clients.match(e.Client) {
		return false
	}
	for _, m := range []struct {
		p *patterns
		a address
	}{{r.senders, sender}, {r.recipients, rcpt}} {
		if m.p == nil {
			continue
		}
		if _, ok := m.p.match(m.a); !ok {
			return false
		}
	}
	return true
}

// matchContent reports what the header gives for rule n, once for each message.
func (c *Content) matchContent(n int) match {
	m := &c.matched[n]
	if m.known {
		return *m
	}
	r := &c.policy.rules[n]
	*m = match{known: true}
	m.holds = (r.from == nil || r.from.match(c, r.Sender == Welcome)) && matchFields(r.headers, c) && (r.lists == nil || matchListID(r.lists, c.listID()))
	if m.holds {
		m.list, m.line, m.unproven = r.senderList(c)
	}
	return *m
}

// senderList says whether the sender of a message that the rule is for is welcome or
// blocked. Welcome wins, as it does where two rules say so in this order.
func (r *rule) senderList(c *Content) (list SenderList, line int, unproven bool) {
	if line, ok := r.WelcomeList.matchAddress(c); ok {
		if c.trusts(c.fromDomains()) {
			return Welcome, line, false
		}
		unproven = true
	}
	switch {
	case r.Sender == Welcome && !c.trusts(r.domains(c)):
		unproven = true
	case r.Sender == Welcome:
		return Welcome, 0, false
	case r.Sender == Block:
		return Block, 0, unproven
	}
	if line, ok := r.BlockList.matchText(c); ok {
		return Block, line, unproven
	}
	return Unlisted, 0, unproven
}

// domains are all those that a sender must own to be whom the rule means; none where the
// rule is for no sender in particular, but for clients or recipients.
func (r *rule) domains(c *Content) (domains []string) {
	if r.lists != nil {
		_, host, _ := strings.Cut(c.listID(), ".")
		domains = append(domains, plainDomain(host))
	}
	if r.senders != nil {
		domains = append(domains, c.sender.domain)
	}
	if r.from != nil || r.headers != nil && domains == nil {
		domains = append(domains, c.fromDomains()...)
	}
	return domains
}

func (c *Content) fromDomains() []string {
	list := make([]string, 0, len(c.from()))
	for _, a := range c.from() {
		list = append(list, a.domain)
	}
	return list
}

// trusts reports whether a welcome sender is whom the header says. From is easily
// forged: where a host that is believed has looked, it must have verified all of the
// domains. (One of several would let anybody add his own to a From.)
func (c *Content) trusts(domains []string) bool {
	switch c.policy.opts.WelcomeAuth {
	case AuthNever:
		return true
	case AuthPresent:
		if !c.judged {
			return true
		}
	}
	return !slices.ContainsFunc(domains, func(d string) bool { return !c.vouchedFor(d) })
}

// AuthMode says when welcome senders must be verified.
type AuthMode uint8

// The modes.
const (
	AuthPresent AuthMode = iota // where a host that is believed has said anything about the message
	AuthAlways
	AuthNever
)

var authModeNames = [...]string{AuthPresent: "present", AuthAlways: "always", AuthNever: "never"}

// String returns the mode's word.
func (m AuthMode) String() string {
	if int(m) < len(authModeNames) {
		return authModeNames[m]
	}
	return fmt.Sprintf("mode(%d)", uint8(m))
}

// ParseAuthMode reads what String wrote.
func ParseAuthMode(s string) (AuthMode, error) {
	for m, name := range authModeNames {
		if s == name {
			return AuthMode(m), nil
		}
	}
	return AuthPresent, fmt.Errorf("%q is not one of present, always, never", s)
}

// wantedFields are the header fields that rules look at, by canonical name.
func wantedFields(rules []rule) map[string]bool {
	wanted := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if r.from != nil || r.WelcomeList != nil || r.BlockList != nil || r.Sender != Unlisted {
			wanted["From"], wanted[authField] = true, true
		}
		if r.lists != nil {
			wanted["List-Id"] = true
		}
		for _, f := range r.headers {
			wanted[f.name] = true
		}
	}
	return wanted
}
