package policy

import "fanmill/classify"

// The names of the built-in rules, as they stand in logs and daily counters.
const (
	RuleDefault       = "default"         // the settings of section [policy]
	RuleUnfiltered    = "unfiltered"      // recipient on the unfiltered list
	RuleTrusted       = "trusted-network" // client in a trusted network
	RuleLocal         = "local"           // submitted on this host
	RuleAuthenticated = "authenticated"   // client logged in
	RuleOwnHost       = "own-host"        // client is a host of ours
	RuleNeverRefuse   = "never-refuse"    // softened for postmaster@, abuse@
	RuleUntilTrained  = "until-trained"   // softened: too few labels
	RuleRelayed       = "relayed"         // reject became hold: came through a host of ours
	RuleOnError       = "on-error"        // could not be scored
	RuleAttachment    = "attachment"      // refused for what is attached
	RuleBypass        = "bypass"          // passed for the bypass word
	RuleDelay         = "delay"           // unsure: asked to come again
	RuleDelayEarly    = "delay-early"     // came again too soon: still asked to come again
	RuleDelayed       = "delayed"         // came again in time and is unsure still: held
)

// The names that stand in the log for messages that the spool knows already.
const (
	RuleAgain   = "seen-before" // held or decided: dropped, as before
	RuleRelease = "release"     // released by us: passes
)

// builtinRules are the names that no [[rule]] may have.
var builtinRules = []string{
	RuleDefault, RuleUnfiltered, RuleTrusted, RuleLocal, RuleAuthenticated, RuleOwnHost, RuleNeverRefuse, RuleUntilTrained,
	RuleRelayed, RuleOnError, RuleAttachment, RuleBypass, RuleAgain, RuleRelease,
	RuleDelay, RuleDelayEarly, RuleDelayed, "observe", "error", "failed-twice",
}

// Decide returns the outcome for one recipient. In observe mode it is Accept;
// what it would have been is Would's to say.
func (p *Policy) Decide(r Recipient, s Scored) Decision {
	d := p.Would(r, s)
	if p.opts.Observe {
		d.Outcome = Accept
	}
	return d
}

// Would returns the decision as it would be without observe mode. Its Rule is
// the recipient's, or the rule that made the outcome milder.
func (p *Policy) Would(r Recipient, s Scored) Decision {
	d := Decision{Recipient: r.Address, Filtered: r.Filtered, Exempt: r.Exempt, Rule: r.Rule, Sender: r.Sender, SubjectTag: r.SubjectTag}
	switch {
	case !r.Filtered:
		return d
	case p.attached(r, s, &d):
		return d
	case r.Sender == Welcome:
		d.Verdict = classify.Ham
		return d
	case r.Sender == Block: // somebody's word, which needs neither score nor training
		d.Verdict, d.Outcome = classify.Spam, r.Spam
	case s.Failed:
		return p.unscored(d)
	default:
		d.Verdict = r.Cutoffs.Verdict(s.Score)
		d.Outcome = r.outcome(d.Verdict, s.Score)
		if d.Outcome > Tag && !s.Trained {
			d.Outcome, d.Rule = p.opts.UntilTrained, RuleUntilTrained
		}
		if d.Outcome > Tag && s.Bypass {
			d.Outcome, d.Rule = Accept, RuleBypass
		}
	}
	if d.Outcome == Reject && s.Relayed {
		d.Outcome, d.Rule = Hold, RuleRelayed
	}
	if d.Outcome > Tag && r.Exempt {
		d.Outcome, d.Rule = Tag, RuleNeverRefuse
	}
	if d.Outcome == Delay {
		d.Rule = RuleDelay
	}
	return d
}

// ByScore reports whether the score alone led to the outcome.
func (d Decision) ByScore() bool {
	return d.Filtered && d.Sender == Unlisted && d.Rule != RuleAttachment && d.Rule != RuleOnError
}

// attached decides for a message with an attachment that is refused, whoever sends it and
// whatever its score: neither is needed for that, nor training. The rule stays the same
// where the outcome is milder: whoever finds the message shall see why.
func (p *Policy) attached(r Recipient, s Scored, d *Decision) bool {
	a, found := r.Attachments.Find(s.Attachments)
	if !found {
		return false
	}
	d.Attachment, d.Rule, d.Outcome = a.String(), RuleAttachment, Reject
	d.Verdict = classify.Unsure
	if !s.Failed {
		d.Verdict = r.Cutoffs.Verdict(s.Score)
	}
	switch {
	case r.Exempt:
		d.Outcome = Tag
	case s.Relayed:
		d.Outcome = Hold
	}
	return true
}

// unscored decides for a message that could not be scored in time. An exempt
// recipient gets it at once: there is no verdict to tag it with.
func (p *Policy) unscored(d Decision) Decision {
	d.Verdict, d.Outcome, d.Rule = classify.Unsure, p.opts.OnError, RuleOnError
	if d.Exempt {
		d.Outcome, d.Rule = Accept, RuleNeverRefuse
	}
	return d
}

// outcome is what the recipient's settings say of a verdict. A reject needs a
// score at or above the reject cut-off; between the last two it is a hold.
func (r Recipient) outcome(v classify.Verdict, score float64) Outcome {
	switch {
	case v == classify.Ham:
		return Accept
	case v == classify.Unsure:
		return r.Unsure
	case r.Spam == Reject && score < r.Cutoffs.Reject:
		return Hold
	}
	return r.Spam
}
