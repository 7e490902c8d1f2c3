package config

import (
	"slices"
	"time"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/policy/authresults"
	"fanmill/policy/scopes"
	"fanmill/policy/senders"
)

// defaultPolicy is the section as package policy would have it.
func defaultPolicy(o policy.Options) Policy {
	return Policy{
		Observe:             o.Observe,
		Spam:                o.Spam.String(),
		Unsure:              o.Unsure.String(),
		DelayMin:            Duration(5 * time.Minute),
		DelayMax:            Duration(48 * time.Hour),
		UntilTrained:        o.UntilTrained.String(),
		MinLabels:           o.MinLabels,
		OnError:             "tempfail",
		HamCutoff:           o.Cutoffs.Ham,
		SpamCutoff:          o.Cutoffs.Spam,
		RejectCutoff:        o.Cutoffs.Reject,
		RejectText:          "Message looks like spam; if it is not, please tell the postmaster this id:",
		Unfiltered:          slices.Clone(o.Unfiltered),
		NeverRefuse:         slices.Clone(o.NeverRefuse),
		TrustedNetworks:     slices.Clone(o.TrustedNetworks),
		SkipTrusted:         o.SkipTrusted,
		SkipAuthenticated:   o.SkipAuthenticated,
		OwnHosts:            slices.Clone(o.OwnHosts),
		SkipOwnHosts:        o.SkipOwnHosts,
		Mixed:               o.Mixed.String(),
		WelcomeAuth:         o.WelcomeAuth.String(),
		RejectAttachments:   slices.Clone(o.RejectAttachments),
		OnePolicyPerMessage: o.OnePolicy,
	}
}

// PolicyOptions returns the section [policy] as package policy takes it, and the rules,
// with nothing in their list files.
func (c *Config) PolicyOptions() policy.Options {
	p := &c.Policy
	lists := map[string]*senders.List{}
	for _, path := range c.ListFiles() {
		lists[path] = &senders.List{}
	}
	return policy.Options{
		Rules:             c.PolicyRules(lists),
		WelcomeAuth:       authMode(p.WelcomeAuth),
		Believed:          slices.Clone(c.Classify.AuthservIDs),
		SubjectTag:        p.SubjectTag,
		RejectAttachments: slices.Clone(p.RejectAttachments),
		BypassWord:        p.BypassWord,
		Unfiltered:        slices.Clone(p.Unfiltered),
		NeverRefuse:       slices.Clone(p.NeverRefuse),
		TrustedNetworks:   slices.Clone(p.TrustedNetworks),
		OwnHosts:          slices.Clone(p.OwnHosts),
		SkipTrusted:       p.SkipTrusted,
		SkipAuthenticated: p.SkipAuthenticated,
		SkipOwnHosts:      p.SkipOwnHosts,
		Spam:              outcome(p.Spam),
		Unsure:            outcome(p.Unsure),
		UntilTrained:      outcome(p.UntilTrained),
		OnError:           outcome(p.OnError),
		Cutoffs:           classify.Cutoffs{Ham: p.HamCutoff, Spam: p.SpamCutoff, Reject: p.RejectCutoff},
		MinLabels:         p.MinLabels,
		Observe:           p.Observe,
		Mixed:             mode(p.Mixed),
		OnePolicy:         p.OnePolicyPerMessage,
	}
}

// ScopeOptions returns the section [scope] as package scopes takes it, without what
// stands in the alias file.
func (c *Config) ScopeOptions() scopes.Options {
	s := &c.Scope
	return scopes.Options{Enabled: s.Enabled, Separator: s.Separator, LocalDomain: s.LocalDomain}
}

// outcome reads a word; one that is unknown becomes a value outside the closed
// set, which policy.Compile refuses.
func outcome(word string) policy.Outcome {
	o, err := policy.ParseOutcome(word)
	if err != nil {
		return policy.Fail + 1
	}
	return o
}

func authMode(word string) authresults.Mode {
	m, err := authresults.ParseMode(word)
	if err != nil {
		return authresults.Never + 1
	}
	return m
}

func mode(word string) policy.Mode {
	m, err := policy.ParseMode(word)
	if err != nil {
		return policy.Strict + 1
	}
	return m
}

// defaultClassify is the section as package classify would have it.
func defaultClassify(o classify.Options) Classify {
	return Classify{
		TextHead:     Size(o.TextHead),
		TextTail:     Size(o.TextTail),
		TextTotal:    Size(o.TextTotal),
		MaxParts:     o.MaxParts,
		MaxDepth:     o.MaxDepth,
		MaxHeaders:   o.MaxHeaders,
		MaxHeaderLen: Size(o.MaxHeaderLen),
		MaxFeatures:  o.MaxFeatures,
		AuthservIDs:  slices.Clone(o.AuthservIDs),
	}
}

// ClassifyOptions returns what package classify needs of all sections. Keep is
// set for learning; a caller that only scores may set it to 0.
func (c *Config) ClassifyOptions() classify.Options {
	s := &c.Classify
	o := classify.Options{
		TextHead:     int(s.TextHead),
		TextTail:     int(s.TextTail),
		TextTotal:    int(s.TextTotal),
		MaxParts:     s.MaxParts,
		MaxDepth:     s.MaxDepth,
		MaxHeaders:   s.MaxHeaders,
		MaxHeaderLen: int(s.MaxHeaderLen),
		MaxFeatures:  s.MaxFeatures,
		OwnHosts:     slices.Clone(c.Policy.OwnHosts),
		AuthservIDs:  slices.Clone(s.AuthservIDs),
	}
	if c.Store.Keep == "messages" {
		o.Keep = int(c.Store.MessageLimit)
	}
	return o
}
