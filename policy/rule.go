package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fanmill/policy/address"
	"fanmill/policy/authresults"
	"fanmill/policy/match"
	"fanmill/policy/senders"
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
	Sender       SenderList    // welcome or block those it is for
	WelcomeList  *senders.List // those of its mail whose From is in the list are welcome
	BlockList    *senders.List // likewise blocked
	AtEnd        bool          // blocked senders are refused at the end, not at RCPT
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
	match.OptionError
}

// rule is a compiled Rule.
type rule struct {
	Rule
	recipients, senders *match.Patterns
	clients             *match.Hosts
	from                *match.From
	headers             match.Fields
	lists               match.ListIDs
	attachments         *match.Attachments
	mask                uint // settings it may set
}

// compileRules compiles the rules in their order. The errors join one *RuleError for
// each problem.
func compileRules(list []Rule, base *Options) (rules []rule, errs []error) {
	names := map[string]int{}
	for i := range list {
		r, problems := compileRule(&list[i])
		if first, ok := names[r.Name]; ok && r.Name != "" {
			problems = append(problems, &match.OptionError{Option: "name", Entry: r.Name, Err: fmt.Errorf("is the name of rule %d already", first+1), Hint: "give each rule a name of its own"})
		} else {
			names[r.Name] = i
		}
		r.mask = r.settings()
		problems = append(problems, r.checkEffects(base, i)...)
		if err := r.shadowed(rules); err != nil {
			problems = append(problems, err)
		}
		for _, err := range problems {
			oe := &match.OptionError{}
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
	patternsOf := func(option string, entries []string) *match.Patterns {
		if entries == nil {
			return nil
		}
		p, more := match.CompilePatterns(option, entries)
		add(more)
		return p
	}
	r.recipients, r.senders = patternsOf("recipients", o.Recipients), patternsOf("senders", o.Senders)
	if slices.ContainsFunc(o.Recipients, func(e string) bool { return strings.TrimSpace(e) == "<>" }) {
		add([]error{&match.OptionError{Option: "recipients", Entry: "<>", Err: errors.New("is the null sender, which no recipient is"), Hint: "write it in senders"}})
	}
	if o.Clients != nil {
		var more []error
		r.clients, more = match.CompileHosts("clients", o.Clients, match.HostSuffixes)
		add(more)
	}
	var more []error
	r.from, more = match.CompileFrom(o.From)
	add(more)
	r.headers, more = match.CompileFields(o.Headers)
	add(more)
	r.lists, more = match.CompileListIDs(o.Lists)
	add(more)
	r.attachments, more = match.CompileAttachments("reject_attachments", o.RejectAttachments)
	add(more)
	return r, errs
}

// checkEffects reports what a rule sets wrongly, and rules without any effect or that
// can be for no message.
func (r *rule) checkEffects(base *Options, n int) (errs []error) {
	bad := func(option, entry, text, hint string) {
		errs = append(errs, &match.OptionError{Option: option, Entry: entry, Err: errors.New(text), Hint: hint})
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
			return &match.OptionError{Err: fmt.Errorf("is never used: %s is for all mail and stands before it", b.Name), Hint: "put it before that rule, or say there whom it is for"}
		}
	}
	return nil
}

// aboutContent reports whether only the header tells if the rule is for a message.
func (r *rule) aboutContent() bool { return r.from != nil || r.headers != nil || r.lists != nil }

// matchEnvelope reports whether the rule is for this recipient, as far as the envelope
// tells.
func (r *rule) matchEnvelope(e *Envelope, sender, rcpt address.Address) bool {
	if r.Authenticated != nil && *r.Authenticated != (e.Authenticated != "") {
		return false
	}
	if r.clients != nil && !r.clients.Match(e.Client) {
		return false
	}
	return (r.senders == nil || r.senders.Match(sender)) && (r.recipients == nil || r.recipients.Match(rcpt))
}

// wantedFields are the header fields that rules look at, by canonical name.
func wantedFields(rules []rule) map[string]bool {
	wanted := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if r.from != nil || r.WelcomeList != nil || r.BlockList != nil || r.Sender != Unlisted {
			wanted["From"], wanted[authresults.Field] = true, true
		}
		if r.lists != nil {
			wanted["List-Id"] = true
		}
		for _, name := range r.headers.Names() {
			wanted[name] = true
		}
	}
	return wanted
}
