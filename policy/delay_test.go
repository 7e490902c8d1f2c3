package policy

import (
	"testing"

	"fanmill/classify"
)

// Only mail that comes again by itself, and whose sender is told if it does not, is
// delayed; all other is held.
func TestWhoseMailIsDelayed(t *testing.T) {
	outside := Envelope{Client: client("203.0.113.1", "mail.example.com"), Sender: "bob@example.com"}
	for _, tt := range []struct {
		name   string
		change func(*Options, *Envelope)
		want   Outcome
		rule   string
	}{
		{"from outside", func(*Options, *Envelope) {}, Delay, RuleDelay},
		{"null sender", func(_ *Options, e *Envelope) { e.Sender = "" }, Hold, RuleDefault},
		{"logged in", func(o *Options, e *Envelope) { o.SkipAuthenticated, e.Authenticated = false, "bob" }, Hold, RuleDefault},
		{"trusted network", func(o *Options, _ *Envelope) {
			o.SkipTrusted, o.TrustedNetworks = false, []string{"203.0.113.0/24"}
		}, Hold, RuleDefault},
		{"submitted here", func(o *Options, e *Envelope) { o.SkipTrusted, e.Local = false, true }, Tag, RuleNeverRefuse},
		{"host of ours", func(o *Options, _ *Envelope) { o.SkipOwnHosts, o.OwnHosts = false, []string{"203.0.113.1"} }, Hold, RuleDefault},
		{"by a rule", func(o *Options, _ *Envelope) {
			delay := Delay
			o.Unsure, o.Rules = Hold, []Rule{{Name: "wait", Senders: []string{"@example.com"}, Unsure: &delay}}
		}, Delay, RuleDelay},
		{"by a rule, null sender", func(o *Options, e *Envelope) {
			delay := Delay
			e.Sender, o.Unsure, o.Rules = "", Tag, []Rule{{Name: "wait", Senders: []string{"<>"}, Unsure: &delay}}
		}, Hold, "wait"},
		{"a rule holds at once", func(o *Options, _ *Envelope) {
			hold := Hold
			o.Rules = []Rule{{Name: "at-once", Recipients: []string{"anna@"}, Unsure: &hold}}
		}, Hold, "at-once"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := outside
			p := mustCompile(t, func(o *Options) { o.Unsure = Delay; tt.change(o, &e) })
			if !p.MayDelay() {
				t.Error("the policy says that it delays nothing")
			}
			s := Scored{Score: 0.5, Trained: true, Relayed: p.Relayed(&e)}
			for _, r := range []Recipient{p.Recipient(&e, "anna@example.org"), p.Settle(&e, p.NewContent(), "anna@example.org")} {
				d := p.Would(r, s)
				if d.Verdict != classify.Unsure || d.Outcome != tt.want || d.Rule != tt.rule {
					t.Errorf("%v by %s, want %v by %s", d.Outcome, d.Rule, tt.want, tt.rule)
				}
			}
		})
	}
	if p := mustCompile(t, nil); p.MayDelay() {
		t.Error("by default nothing is delayed, but the policy says otherwise")
	}
}

// What rules explain says is what is done.
func TestReasonsTellWhoIsNotDelayed(t *testing.T) {
	delay := Delay
	p := mustCompile(t, func(o *Options) { o.Rules = []Rule{{Name: "wait", Unsure: &delay}} })
	for sender, want := range map[string]string{"bob@example.com": "delay", "": "hold"} {
		_, reasons := p.Reasons(&Envelope{Client: client("203.0.113.1", ""), Sender: sender}, nil, "anna@example.org")
		if len(reasons) != 1 || reasons[0].Value != want {
			t.Errorf("from %q: %+v, want one that says %s", sender, reasons, want)
		}
	}
}
