package policy

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"

	"fanmill/classify"
	"fanmill/policy/authresults"
	"fanmill/policy/match"
	"fanmill/policy/scopes"
)

// Options are the settings of a policy. Their names in match.OptionError are the
// keys of the configuration file's section [policy]. A pattern is
// user@example.org, @example.org (not its sub-domains), user@ (any domain), a
// glob over the whole address (* and ?), /RE2/ (unanchored, case-insensitive
// unless it begins with flags), or <>; "+detail" of the address is ignored by a
// pattern that has none.
type Options struct {
	Unfiltered      []string // patterns of recipients passed unfiltered
	NeverRefuse     []string // patterns of recipients that are at worst tagged
	TrustedNetworks []string // addresses and CIDR networks whose mail is not filtered
	OwnHosts        []string // hosts of the site that pass mail on: addresses, CIDR networks, host names

	SkipTrusted       bool // mail from trusted networks and local submission is not filtered
	SkipAuthenticated bool // mail of clients that logged in is not filtered
	SkipOwnHosts      bool // mail from own hosts is not filtered; else it is, and a reject becomes a hold

	Spam         Outcome // Reject, Hold, Tag, Discard or Quarantine
	Unsure       Outcome // Hold, Delay, Tag or Quarantine
	UntilTrained Outcome // Accept or Tag: in place of anything harder while untrained
	OnError      Outcome // Fail or Accept: when the message could not be scored
	Cutoffs      classify.Cutoffs

	MinLabels int  // messages of each class the site must have labelled to be trained
	Observe   bool // decide and log, but accept everything
	Mixed     Mode
	OnePolicy bool // one policy per message: RCPT with other settings gets 452 4.5.3

	Rules       []Rule           // before all others, the first first
	WelcomeAuth authresults.Mode // when a welcome sender must be verified
	Believed    []string         // hosts whose Authentication-Results are believed, by their authserv-id
	SubjectTag  string           // put before the subject of what is tagged, "": nothing

	RejectAttachments []string // endings of files that are refused, or Executable
	BypassWord        string   // in the subject: passes whatever the score; "": there is none

	Scopes *scopes.Map // whose training judges the mail of a recipient; nil: the site's
}

// DefaultOptions returns the documented defaults.
func DefaultOptions() Options {
	return Options{
		NeverRefuse:       []string{"postmaster@", "abuse@"},
		TrustedNetworks:   []string{"127.0.0.0/8", "::1"},
		SkipTrusted:       true,
		SkipAuthenticated: true,
		SkipOwnHosts:      true,
		Spam:              Reject,
		Unsure:            Hold,
		UntilTrained:      Tag,
		OnError:           Fail,
		Cutoffs:           classify.DefaultCutoffs(),
		MinLabels:         50,
		Mixed:             Split,
	}
}

// Policy is compiled Options: immutable, safe for concurrent use.
type Policy struct {
	opts        Options
	unfiltered  *match.Patterns
	neverRefuse *match.Patterns
	trusted     *match.Hosts
	own         *match.Hosts
	rules       []rule
	wanted      map[string]bool // header fields that rules look at
	believed    authresults.Hosts
	attachments *match.Attachments
	bypass      *regexp.Regexp
}

// Compile checks and compiles o. The error joins one *match.OptionError for each
// problem, so that all of them can be reported at once.
func Compile(o Options) (*Policy, error) {
	o.Unfiltered, o.NeverRefuse = slices.Clone(o.Unfiltered), slices.Clone(o.NeverRefuse)
	o.TrustedNetworks, o.OwnHosts = slices.Clone(o.TrustedNetworks), slices.Clone(o.OwnHosts)
	p := &Policy{opts: o}
	errs := o.check()
	var more []error
	var err error
	p.unfiltered, more = match.CompilePatterns("unfiltered", o.Unfiltered)
	errs = append(errs, more...)
	p.neverRefuse, more = match.CompilePatterns("never_refuse", o.NeverRefuse)
	errs = append(errs, more...)
	p.trusted, more = match.CompileHosts("trusted_networks", o.TrustedNetworks, match.Networks)
	errs = append(errs, more...)
	p.own, more = match.CompileHosts("own_hosts", o.OwnHosts, match.HostNames)
	errs = append(errs, more...)
	p.rules, more = compileRules(o.Rules, &o)
	errs = append(errs, more...)
	p.attachments, more = match.CompileAttachments("reject_attachments", o.RejectAttachments)
	errs = append(errs, more...)
	if p.bypass, err = compileBypass(o.BypassWord); err != nil {
		errs = append(errs, err)
	}
	p.wanted, p.believed = wantedFields(p.rules), authresults.NewHosts(o.Believed)
	p.wanted["Subject"] = p.wanted["Subject"] || p.bypass != nil
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return p, nil
}

func (o Options) check() []error {
	errs := o.checkCutoffs()
	for _, c := range []struct {
		option string
		got    Outcome
	}{{"spam", o.Spam}, {"unsure", o.Unsure}, {"until_trained", o.UntilTrained}, {"on_error", o.OnError}} {
		errs = append(errs, checkOutcome(c.option, c.got)...)
	}
	if o.Mixed > Strict {
		errs = append(errs, &match.OptionError{Option: "mixed", Err: fmt.Errorf("%v is unknown", o.Mixed), Hint: "write split, lenient or strict"})
	}
	if o.MinLabels < 0 {
		errs = append(errs, &match.OptionError{Option: "min_labels", Err: fmt.Errorf("%d is negative", o.MinLabels), Hint: "write a number of messages such as 50"})
	}
	return errs
}

// outcomesOf are the outcomes that a setting may have.
var outcomesOf = map[string][]Outcome{
	"spam":          {Reject, Hold, Tag, Discard, Quarantine},
	"unsure":        {Hold, Delay, Tag, Quarantine},
	"until_trained": {Tag, Accept},
	"on_error":      {Fail, Accept},
}

func checkOutcome(option string, got Outcome) []error {
	allowed := outcomesOf[option]
	if slices.Contains(allowed, got) {
		return nil
	}
	return []error{&match.OptionError{
		Option: option, Err: fmt.Errorf("%v is not possible here", got), Hint: fmt.Sprintf("write one of %v", allowed),
	}}
}

// checkCutoffs wants 0 <= ham <= spam <= reject <= 1; one problem is reported
// for the first cut-off that is out of its place.
func (o Options) checkCutoffs() []error {
	low := 0.0
	for _, c := range []struct {
		option string
		value  float64
	}{{"ham_cutoff", o.Cutoffs.Ham}, {"spam_cutoff", o.Cutoffs.Spam}, {"reject_cutoff", o.Cutoffs.Reject}} {
		var err error
		switch {
		case math.IsNaN(c.value) || c.value < 0 || c.value > 1:
			err = fmt.Errorf("%v is not a score between 0 and 1", c.value)
		case c.value < low:
			err = fmt.Errorf("%v is below the cut-off before it, %v", c.value, low)
		}
		if err != nil {
			return []error{&match.OptionError{Option: c.option, Err: err, Hint: "keep ham_cutoff <= spam_cutoff <= reject_cutoff, such as 0.15, 0.90 and 0.995"}}
		}
		low = c.value
	}
	return nil
}

// Options returns what the policy was compiled from; not to be changed.
func (p *Policy) Options() Options { return p.opts }

// Trained reports whether so many labelled messages are enough for an outcome
// harder than UntilTrained.
func (p *Policy) Trained(ham, spam int) bool {
	return ham >= p.opts.MinLabels && spam >= p.opts.MinLabels
}

// Connection says whether the mail of this client is filtered, and if not, by
// which rule. Call it when the sender is known: logging in comes before that.
func (p *Policy) Connection(e *Envelope) (filtered bool, rule string) {
	switch o := &p.opts; {
	case o.SkipAuthenticated && e.Authenticated != "":
		return false, RuleAuthenticated
	case o.SkipTrusted && e.Local:
		return false, RuleLocal
	case o.SkipTrusted && p.trusted.Contains(e.Client.Addr):
		return false, RuleTrusted
	case o.SkipOwnHosts && p.own.Match(e.Client):
		return false, RuleOwnHost
	}
	return true, ""
}

// Outside reports whether the message comes from elsewhere: not submitted on this host,
// nor by a client that logged in or is in a trusted network. Such a client's mail may
// well be filtered, see Connection.
func (p *Policy) Outside(e *Envelope) bool {
	return e.Authenticated == "" && !e.Local && !p.trusted.Contains(e.Client.Addr)
}

// Relayed reports whether the message came through a host of ours: then the
// host to judge is read from that host's Received line, and refusing would
// only make our own host write a bounce.
func (p *Policy) Relayed(e *Envelope) bool { return p.own.Match(e.Client) }

// RuleNames returns the names of the rules in their order.
func (p *Policy) RuleNames() []string {
	names := make([]string, len(p.rules))
	for i := range p.rules {
		names[i] = p.rules[i].Name
	}
	return names
}

// Welcomes reports whether some rule makes senders welcome.
func (p *Policy) Welcomes() bool {
	return slices.ContainsFunc(p.rules, func(r rule) bool { return r.Sender == Welcome || r.WelcomeList != nil })
}

// LooksAtAttachments reports whether some mail may be refused for what is attached to it.
func (p *Policy) LooksAtAttachments() bool {
	return p.attachments != nil || slices.ContainsFunc(p.rules, func(r rule) bool { return r.attachments != nil })
}

// MayQuarantine reports whether the MTA's own hold queue is an outcome.
func (p *Policy) MayQuarantine() bool { return p.uses(Quarantine) }

// MayDelay reports whether mail may be asked to come again.
func (p *Policy) MayDelay() bool { return p.uses(Delay) }

// uses reports whether an outcome is set anywhere for spam or unsure mail.
func (p *Policy) uses(o Outcome) bool {
	if p.opts.Spam == o || p.opts.Unsure == o {
		return true
	}
	return slices.ContainsFunc(p.rules, func(r rule) bool {
		return r.Spam != nil && *r.Spam == o || r.Unsure != nil && *r.Unsure == o
	})
}

// comesAgain reports whether it may be left to the client to send this mail again. With
// the null sender nobody would be told if it did not; hosts of ours and trusted clients
// would only keep it in a queue of ours, and programs on this host and those of users
// who log in do not try again.
func (p *Policy) comesAgain(e *Envelope) bool {
	return e.Sender != "" && p.Outside(e) && !p.Relayed(e)
}

// SamePolicy reports whether a message has the same fate for both recipients,
// whatever it contains: what one_policy_per_message asks at RCPT.
func SamePolicy(a, b Recipient) bool {
	if !a.Filtered && !b.Filtered && !a.Open && !b.Open {
		return true
	}
	for _, r := range []*Recipient{&a, &b} {
		r.Address, r.Rule, r.Line = "", "", 0
	}
	return a == b
}
