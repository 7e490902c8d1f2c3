package policy

import (
	"math"
	"testing"

	"fanmill/classify"
)

func TestDecide(t *testing.T) {
	trained := func(score float64) Scored { return Scored{Score: score, Trained: true} }
	below := math.Nextafter
	for _, tt := range []struct {
		name    string
		change  func(*Options)
		rcpt    func(*Recipient)
		in      Scored
		verdict classify.Verdict
		want    Outcome
		rule    string
	}{
		{"ham", nil, nil, trained(0), classify.Ham, Accept, RuleDefault},
		{"just ham", nil, nil, trained(below(0.15, 0)), classify.Ham, Accept, RuleDefault},
		{"ham cut-off is unsure", nil, nil, trained(0.15), classify.Unsure, Hold, RuleDefault},
		{"just unsure", nil, nil, trained(below(0.9, 0)), classify.Unsure, Hold, RuleDefault},
		{"spam cut-off is held", nil, nil, trained(0.9), classify.Spam, Hold, RuleDefault},
		{"just below the reject cut-off", nil, nil, trained(below(0.995, 0)), classify.Spam, Hold, RuleDefault},
		{"reject cut-off", nil, nil, trained(0.995), classify.Spam, Reject, RuleDefault},
		{"spam for sure", nil, nil, trained(1), classify.Spam, Reject, RuleDefault},
		{"not a number", nil, nil, trained(math.NaN()), classify.Unsure, Hold, RuleDefault},
		{"spam = hold", func(o *Options) { o.Spam = Hold }, nil, trained(1), classify.Spam, Hold, RuleDefault},
		{"spam = tag", func(o *Options) { o.Spam = Tag }, nil, trained(0.9), classify.Spam, Tag, RuleDefault},
		{"spam = discard at the spam cut-off", func(o *Options) { o.Spam = Discard }, nil, trained(0.9), classify.Spam, Discard, RuleDefault},
		{"spam = quarantine", func(o *Options) { o.Spam = Quarantine }, nil, trained(0.9), classify.Spam, Quarantine, RuleDefault},
		{"unsure = tag", func(o *Options) { o.Unsure = Tag }, nil, trained(0.5), classify.Unsure, Tag, RuleDefault},
		{"unsure = quarantine", func(o *Options) { o.Unsure = Quarantine }, nil, trained(0.5), classify.Unsure, Quarantine, RuleDefault},
		{"unsure = delay", func(o *Options) { o.Unsure = Delay }, nil, trained(0.5), classify.Unsure, Delay, RuleDelay},
		{"unsure = delay, ham", func(o *Options) { o.Unsure = Delay }, nil, trained(0.1), classify.Ham, Accept, RuleDefault},
		{"unsure = delay, spam below the reject cut-off", func(o *Options) { o.Unsure = Delay }, nil, trained(0.9), classify.Spam, Hold, RuleDefault},
		{"untrained delay", func(o *Options) { o.Unsure = Delay }, nil, Scored{Score: 0.5}, classify.Unsure, Tag, RuleUntilTrained},
		{"untrained delay, accept", func(o *Options) { o.Unsure, o.UntilTrained = Delay, Accept }, nil, Scored{Score: 0.5}, classify.Unsure, Accept, RuleUntilTrained},
		{"exempt delay", func(o *Options) { o.Unsure = Delay }, func(r *Recipient) { r.Exempt = true }, trained(0.5), classify.Unsure, Tag, RuleNeverRefuse},
		{"untrained ham", nil, nil, Scored{Score: 0}, classify.Ham, Accept, RuleDefault},
		{"untrained unsure", nil, nil, Scored{Score: 0.5}, classify.Unsure, Tag, RuleUntilTrained},
		{"untrained spam", nil, nil, Scored{Score: 1}, classify.Spam, Tag, RuleUntilTrained},
		{"untrained, accept", func(o *Options) { o.UntilTrained = Accept }, nil, Scored{Score: 1}, classify.Spam, Accept, RuleUntilTrained},
		{"untrained discard", func(o *Options) { o.Spam = Discard }, nil, Scored{Score: 1}, classify.Spam, Tag, RuleUntilTrained},
		{"untrained quarantine", func(o *Options) { o.Unsure = Quarantine }, nil, Scored{Score: 0.5}, classify.Unsure, Tag, RuleUntilTrained},
		{"untrained tag stays", func(o *Options) { o.Spam, o.UntilTrained = Tag, Accept }, nil, Scored{Score: 1}, classify.Spam, Tag, RuleDefault},
		{"relayed reject is held", nil, nil, Scored{Score: 1, Trained: true, Relayed: true}, classify.Spam, Hold, RuleRelayed},
		{"relayed discard stays", func(o *Options) { o.Spam = Discard }, nil, Scored{Score: 1, Trained: true, Relayed: true}, classify.Spam, Discard, RuleDefault},
		{"relayed unsure", nil, nil, Scored{Score: 0.5, Trained: true, Relayed: true}, classify.Unsure, Hold, RuleDefault},
		{"exempt spam", nil, func(r *Recipient) { r.Exempt = true }, trained(1), classify.Spam, Tag, RuleNeverRefuse},
		{"exempt unsure", nil, func(r *Recipient) { r.Exempt = true }, trained(0.5), classify.Unsure, Tag, RuleNeverRefuse},
		{"exempt discard", func(o *Options) { o.Spam = Discard }, func(r *Recipient) { r.Exempt = true }, trained(1), classify.Spam, Tag, RuleNeverRefuse},
		{"exempt ham", nil, func(r *Recipient) { r.Exempt = true }, trained(0), classify.Ham, Accept, RuleDefault},
		{"exempt and relayed", nil, func(r *Recipient) { r.Exempt = true }, Scored{Score: 1, Trained: true, Relayed: true}, classify.Spam, Tag, RuleNeverRefuse},
		{"failed", nil, nil, Scored{Score: 1, Trained: true, Failed: true}, classify.Unsure, Fail, RuleOnError},
		{"failed, accept", func(o *Options) { o.OnError = Accept }, nil, Scored{Failed: true}, classify.Unsure, Accept, RuleOnError},
		{"failed and exempt", nil, func(r *Recipient) { r.Exempt = true }, Scored{Failed: true}, classify.Unsure, Accept, RuleNeverRefuse},
		{"failed and unfiltered", nil, func(r *Recipient) { r.Filtered, r.Rule = false, RuleUnfiltered }, Scored{Failed: true}, classify.Ham, Accept, RuleUnfiltered},
		{"unfiltered spam", nil, func(r *Recipient) { r.Filtered, r.Rule = false, RuleUnfiltered }, trained(1), classify.Ham, Accept, RuleUnfiltered},
		{"own cut-offs", nil, func(r *Recipient) { r.Cutoffs = classify.Cutoffs{Ham: 0.6, Spam: 0.7, Reject: 0.8} }, trained(0.5), classify.Ham, Accept, RuleDefault},
		{"own outcome", nil, func(r *Recipient) { r.Spam, r.Rule = Tag, "mine" }, trained(1), classify.Spam, Tag, "mine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := mustCompile(t, tt.change)
			r := p.Recipient(&Envelope{Client: client("203.0.113.1", ""), Sender: "anna@example.com"}, "bob@example.org")
			if tt.rcpt != nil {
				tt.rcpt(&r)
			}
			want := Decision{
				Recipient: r.Address, Filtered: r.Filtered, Exempt: r.Exempt,
				Verdict: tt.verdict, Outcome: tt.want, Rule: tt.rule,
			}
			if got := p.Decide(r, tt.in); got != want {
				t.Errorf("Decide = %+v, want %+v", got, want)
			}
			if got := p.Would(r, tt.in); got != want {
				t.Errorf("Would = %+v, want %+v", got, want)
			}
		})
	}
}

// Observing decides as always and accepts everything, also what failed.
func TestObserve(t *testing.T) {
	watch, real := mustCompile(t, func(o *Options) { o.Observe = true }), mustCompile(t, nil)
	r := real.Recipient(&Envelope{}, "bob@example.org")
	for _, s := range []Scored{
		{Score: 0, Trained: true},
		{Score: 0.5, Trained: true},
		{Score: 1, Trained: true},
		{Score: 1},
		{Score: 1, Trained: true, Relayed: true},
		{Failed: true},
	} {
		want := real.Decide(r, s)
		if got := watch.Would(r, s); got != want {
			t.Errorf("%+v: Would = %+v, want %+v", s, got, want)
		}
		want.Outcome = Accept
		if got := watch.Decide(r, s); got != want {
			t.Errorf("%+v: Decide = %+v, want %+v", s, got, want)
		}
	}
}
