package policy

import (
	"fmt"

	"fanmill/classify"
	"fanmill/policy/address"
)

// The settings that rules set, a bit each.
const (
	setFilter = 1 << iota
	setSender
	setHam
	setSpam
	setReject
	setSpamOutcome
	setUnsureOutcome
	setScope
	setTag
	setText
	setAttachments
)

// resolver applies rules to one recipient.
type resolver struct {
	Recipient
	decided uint // settings that a rule has decided
	open    uint // settings that a rule may decide once the header is known
	why     func(setting uint, r *rule)

	filterRule string // what decided about Filtered
}

// Recipient returns the settings in force for one recipient as far as the envelope tells.
// Those of a transaction that is not filtered as a whole carry the rule of Connection.
func (p *Policy) Recipient(e *Envelope, rcpt string) Recipient { return p.resolve(e, nil, rcpt, nil) }

// Settle returns the settings in force for one recipient of a message whose header is
// known.
func (p *Policy) Settle(e *Envelope, c *Content, rcpt string) Recipient {
	return p.resolve(e, c, rcpt, nil)
}

func (p *Policy) resolve(e *Envelope, c *Content, rcpt string, why func(setting uint, r *rule)) Recipient {
	to := resolver{why: why, Recipient: Recipient{
		Address: rcpt, Filtered: true, Rule: RuleDefault, Cutoffs: p.opts.Cutoffs, Spam: p.opts.Spam, Unsure: p.opts.Unsure,
		Scope: p.opts.Scopes.OfMail(rcpt), SubjectTag: p.opts.SubjectTag, Attachments: p.attachments,
	}}
	a := address.Parse(rcpt)
	// A refused local submission stays in the MTA's queue for days.
	to.Exempt = e.Local || p.neverRefuse.Match(a)
	sender := address.Parse(e.Sender)
	if c != nil {
		c.sender = sender
	}
	for i := range p.rules {
		if r := &p.rules[i]; r.matchEnvelope(e, sender, a) {
			to.take(r, i, c)
		}
	}
	if to.decided&setFilter == 0 {
		p.builtin(&to, e, a)
	}
	to.Open = to.open&setFilter != 0
	to.Cutoffs = inOrder(to.Cutoffs)
	if !to.Filtered {
		to.Sender, to.Line, to.Learn, to.Refused, to.Rule = Unlisted, 0, false, false, to.filterRule
	}
	// What is refused at the end only in part, or later, is not refused now. A host of ours
	// would write a bounce.
	to.Refused = to.Refused && !to.Open && !to.Exempt && to.Spam == Reject && to.open&setSpamOutcome == 0 && p.Outside(e) && !p.Relayed(e)
	if to.Unsure == Delay && !p.comesAgain(e) {
		to.Unsure = Hold
	}
	return to.Recipient
}

// builtin applies section [policy]'s own rules about who is filtered.
func (p *Policy) builtin(t *resolver, e *Envelope, a address.Address) {
	if filtered, rule := p.Connection(e); !filtered {
		t.Filtered, t.filterRule = false, rule
	} else if p.unfiltered.Match(a) {
		t.Filtered, t.filterRule = false, RuleUnfiltered
	}
}

// take lets a rule decide what none before it has. What it says only of the header is
// left open while that is not known.
func (t *resolver) take(r *rule, n int, c *Content) {
	var m found
	switch {
	case c != nil:
		if m = c.match(n); !m.holds {
			return
		}
	case r.aboutContent():
		t.open |= r.mask &^ t.decided
		t.OpenRules = fnv(t.OpenRules, n)
		return
	case r.Sender == Block && r.WelcomeList == nil:
		m.list = Block
		t.Refused = t.Refused || !r.AtEnd && t.decided&setSender == 0 && t.open&(setFilter|setSender) == 0
	case r.mask&setSender != 0:
		t.open |= setSender &^ t.decided
		t.OpenRules = fnv(t.OpenRules, n)
	}
	if r.Filter != nil && t.first(setFilter, r) {
		t.Filtered, t.Rule, t.filterRule = *r.Filter, r.Name, r.Name
	}
	t.Unproven = t.Unproven || m.unproven && t.decided&setSender == 0
	if m.list != Unlisted && t.first(setSender, r) {
		t.Sender, t.Rule, t.Line = m.list, r.Name, m.line
		t.Learn = m.list == Block
		if r.Learn != nil {
			t.Learn = *r.Learn
		}
	}
	set(t, setHam, r, r.HamCutoff, &t.Cutoffs.Ham)
	set(t, setSpam, r, r.SpamCutoff, &t.Cutoffs.Spam)
	set(t, setReject, r, r.RejectCutoff, &t.Cutoffs.Reject)
	set(t, setSpamOutcome, r, r.Spam, &t.Spam)
	set(t, setUnsureOutcome, r, r.Unsure, &t.Unsure)
	set(t, setScope, r, r.Scope, &t.Scope)
	set(t, setTag, r, r.SubjectTag, &t.SubjectTag)
	set(t, setText, r, r.RejectText, &t.RejectText)
	if r.RejectAttachments != nil {
		set(t, setAttachments, r, &r.attachments, &t.Attachments)
	}
}

// fnv is a step of the hash FNV-1a over the numbers of rules.
func fnv(h uint64, n int) uint64 { return (h ^ uint64(n+1)) * 1099511628211 }

// first reports whether nothing has decided about a setting yet, and notes that r does.
func (t *resolver) first(setting uint, r *rule) bool {
	if t.decided&setting != 0 {
		return false
	}
	t.decided |= setting
	if t.why != nil {
		t.why(setting, r)
	}
	return true
}

func set[T any](t *resolver, setting uint, r *rule, value, to *T) {
	if value == nil || !t.first(setting, r) {
		return
	}
	*to = *value
	if t.Rule == RuleDefault && setting&(setHam|setSpam|setReject|setSpamOutcome|setUnsureOutcome) != 0 {
		t.Rule = r.Name
	}
}

// inOrder mends cut-offs that different rules have set: a higher one is never below a
// lower one.
func inOrder(c classify.Cutoffs) classify.Cutoffs {
	c.Spam = max(c.Spam, c.Ham)
	c.Reject = max(c.Reject, c.Spam)
	return c
}

// settings tells what a rule may set.
func (r *rule) settings() (mask uint) {
	for setting, is := range map[uint]bool{
		setFilter: r.Filter != nil, setSender: r.Sender != Unlisted || r.WelcomeList != nil || r.BlockList != nil,
		setHam: r.HamCutoff != nil, setSpam: r.SpamCutoff != nil, setReject: r.RejectCutoff != nil,
		setSpamOutcome: r.Spam != nil, setUnsureOutcome: r.Unsure != nil,
		setScope: r.Scope != nil, setTag: r.SubjectTag != nil, setText: r.RejectText != nil,
		setAttachments: r.RejectAttachments != nil,
	} {
		if is {
			mask |= setting
		}
	}
	return mask
}

// Reason tells which rule decided about a setting.
type Reason struct {
	Setting string `json:"setting"` // as its key
	Value   string `json:"value"`
	Rule    string `json:"rule"`
	Line    int    `json:"line,omitempty"` // of the list file that matched
	File    string `json:"file,omitempty"` // of the list; the caller's to fill
}

// Reasons explains how the settings of one recipient come about: those that rules have
// set, in the order in which they were. c is nil for a message whose header is not known.
func (p *Policy) Reasons(e *Envelope, c *Content, rcpt string) (r Recipient, reasons []Reason) {
	type step struct {
		setting uint
		rule    *rule
	}
	var steps []step
	r = p.resolve(e, c, rcpt, func(setting uint, by *rule) { steps = append(steps, step{setting, by}) })
	for _, s := range steps {
		reason := Reason{Rule: s.rule.Name}
		switch s.setting {
		case setFilter:
			reason.Setting, reason.Value = "filter", fmt.Sprint(*s.rule.Filter)
		case setSender:
			reason.Setting, reason.Value, reason.Line = r.Sender.String(), "true", r.Line
			if !r.Filtered {
				continue
			}
		case setHam:
			reason.Setting, reason.Value = "ham_cutoff", fmt.Sprint(*s.rule.HamCutoff)
		case setSpam:
			reason.Setting, reason.Value = "spam_cutoff", fmt.Sprint(*s.rule.SpamCutoff)
		case setReject:
			reason.Setting, reason.Value = "reject_cutoff", fmt.Sprint(*s.rule.RejectCutoff)
		case setSpamOutcome:
			reason.Setting, reason.Value = "spam", s.rule.Spam.String()
		case setUnsureOutcome:
			reason.Setting, reason.Value = "unsure", r.Unsure.String()
		case setScope:
			reason.Setting, reason.Value = "scope", *s.rule.Scope
		case setTag:
			reason.Setting, reason.Value = "subject_tag", *s.rule.SubjectTag
		case setText:
			reason.Setting, reason.Value = "reject_text", *s.rule.RejectText
		case setAttachments:
			reason.Setting, reason.Value = "reject_attachments", fmt.Sprintf("%q", s.rule.RejectAttachments)
		}
		reasons = append(reasons, reason)
	}
	return r, reasons
}
