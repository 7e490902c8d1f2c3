package policy

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/policy/match"
)

func mustCompile(t testing.TB, change func(*Options)) *Policy {
	t.Helper()
	o := DefaultOptions()
	if change != nil {
		change(&o)
	}
	p, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func client(addr, name string) classify.Client {
	c := classify.Client{Name: name}
	if addr != "" {
		c.Addr = netip.MustParseAddr(addr)
	}
	return c
}

func TestCompileReportsAllProblems(t *testing.T) {
	o := DefaultOptions()
	o.Unfiltered = []string{"ok@example.org", "nodomain", "/(/"}
	o.NeverRefuse = []string{""}
	o.TrustedNetworks = []string{"300.1.1.1", "10.0.0.1/8"}
	o.OwnHosts = []string{"no host"}
	o.Spam, o.Unsure, o.UntilTrained, o.OnError = Accept, Reject, Hold, Reject
	o.Cutoffs = classify.Cutoffs{Ham: 0.5, Spam: 0.4, Reject: 2}
	o.Mixed, o.MinLabels = Strict+1, -1
	p, err := Compile(o)
	if p != nil || err == nil {
		t.Fatal("a broken policy was compiled")
	}
	var got []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var oe *match.OptionError
		if !errors.As(e, &oe) {
			t.Fatalf("%v is no OptionError", e)
		}
		if oe.Hint == "" || oe.Err == nil {
			t.Errorf("%v has no cause or hint", oe)
		}
		got = append(got, oe.Option+":"+oe.Entry)
	}
	want := []string{
		"spam_cutoff:", "spam:", "unsure:", "until_trained:", "on_error:", "mixed:", "min_labels:",
		"unfiltered:nodomain", "unfiltered:/(/", "never_refuse:",
		"trusted_networks:300.1.1.1", "trusted_networks:10.0.0.1/8", "own_hosts:no host",
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems\n%q\nwant\n%q", got, want)
	}
}

func TestCutoffs(t *testing.T) {
	for _, tt := range []struct {
		c    classify.Cutoffs
		want string // option complained of
	}{
		{classify.DefaultCutoffs(), ""},
		{classify.Cutoffs{Ham: 0, Spam: 0, Reject: 0}, ""},
		{classify.Cutoffs{Ham: 0.5, Spam: 0.5, Reject: 1}, ""},
		{classify.Cutoffs{Ham: -0.1, Spam: 0.5, Reject: 1}, "ham_cutoff"},
		{classify.Cutoffs{Ham: math.NaN(), Spam: 0.5, Reject: 1}, "ham_cutoff"},
		{classify.Cutoffs{Ham: 0.5, Spam: 0.4, Reject: 1}, "spam_cutoff"},
		{classify.Cutoffs{Ham: 0.1, Spam: 0.9, Reject: 0.8}, "reject_cutoff"},
		{classify.Cutoffs{Ham: 0.1, Spam: 0.9, Reject: math.Inf(1)}, "reject_cutoff"},
	} {
		o := DefaultOptions()
		o.Cutoffs = tt.c
		_, err := Compile(o)
		var oe *match.OptionError
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%+v refused: %v", tt.c, err)
		case tt.want != "" && (!errors.As(err, &oe) || oe.Option != tt.want):
			t.Errorf("%+v: got %v, want a problem with %s", tt.c, err, tt.want)
		}
	}
}

func TestConnection(t *testing.T) {
	own := func(o *Options) { o.OwnHosts = []string{"198.51.100.1", "mx2.example.org"} }
	both := func(f ...func(*Options)) func(*Options) {
		return func(o *Options) {
			for _, f := range f {
				f(o)
			}
		}
	}
	none := func(o *Options) { o.SkipTrusted, o.SkipAuthenticated, o.SkipOwnHosts = false, false, false }
	for _, tt := range []struct {
		name    string
		change  func(*Options)
		env     Envelope
		rule    string
		relayed bool
	}{
		{"stranger", own, Envelope{Client: client("203.0.113.1", "")}, "", false},
		{"unknown client", own, Envelope{}, "", false},
		{"loopback", own, Envelope{Client: client("127.1.2.3", "")}, RuleTrusted, false},
		{"loopback v6", own, Envelope{Client: client("::1", "")}, RuleTrusted, false},
		{"local", own, Envelope{Local: true}, RuleLocal, false},
		{"authenticated", own, Envelope{Client: client("203.0.113.1", ""), Authenticated: "bob"}, RuleAuthenticated, false},
		{"own host by address", own, Envelope{Client: client("198.51.100.1", "")}, RuleOwnHost, true},
		{"own host by name", own, Envelope{Client: client("203.0.113.1", "mx2.example.org")}, RuleOwnHost, true},
		{"own host by HELO only", own, Envelope{Client: classify.Client{Helo: "mx2.example.org"}}, "", false},
		{"loopback, switched off", both(own, none), Envelope{Client: client("127.0.0.1", "")}, "", false},
		{"local, switched off", both(own, none), Envelope{Local: true}, "", false},
		{"authenticated, switched off", both(own, none), Envelope{Authenticated: "bob"}, "", false},
		{"own host, switched off", both(own, none), Envelope{Client: client("198.51.100.1", "")}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := mustCompile(t, tt.change)
			filtered, rule := p.Connection(&tt.env)
			if filtered != (tt.rule == "") || rule != tt.rule {
				t.Errorf("Connection = %v, %q, want rule %q", filtered, rule, tt.rule)
			}
			if got := p.Relayed(&tt.env); got != tt.relayed {
				t.Errorf("Relayed = %v, want %v", got, tt.relayed)
			}
			r := p.Recipient(&tt.env, "bob@example.org")
			if r.Filtered != filtered || !filtered && r.Rule != rule {
				t.Errorf("Recipient = %+v does not agree with Connection", r)
			}
		})
	}
}

func TestRecipient(t *testing.T) {
	p := mustCompile(t, func(o *Options) {
		o.Unfiltered = []string{"boss@example.org", "@people.example", "/^vip-/", "abuse@free.example"}
	})
	stranger := &Envelope{Client: client("203.0.113.1", "")}
	for _, tt := range []struct {
		address          string
		filtered, exempt bool
		rule             string
	}{
		{"bob@example.org", true, false, RuleDefault},
		{"Boss+x@Example.org", false, false, RuleUnfiltered},
		{"anyone@people.example", false, false, RuleUnfiltered},
		{"vip-1@x", false, false, RuleUnfiltered},
		{"Postmaster@example.org", true, true, RuleDefault},
		{"postmaster", true, true, RuleDefault},
		{"abuse+1@example.org", true, true, RuleDefault},
		{"abuse@free.example", false, true, RuleUnfiltered},
		{"", true, false, RuleDefault},
	} {
		r := p.Recipient(stranger, tt.address)
		if r.Address != tt.address {
			t.Errorf("address %q became %q", tt.address, r.Address)
		}
		if r.Filtered != tt.filtered || r.Exempt != tt.exempt || r.Rule != tt.rule {
			t.Errorf("Recipient(%q) = %+v, want filtered %v exempt %v rule %q", tt.address, r, tt.filtered, tt.exempt, tt.rule)
		}
		if r.Cutoffs != classify.DefaultCutoffs() || r.Spam != Reject || r.Unsure != Hold || r.Scope != "" {
			t.Errorf("Recipient(%q) lacks the settings: %+v", tt.address, r)
		}
	}
}

// Mail written on this host is at worst tagged, even when it is filtered.
func TestLocalSubmissionIsExempt(t *testing.T) {
	p := mustCompile(t, func(o *Options) { o.SkipTrusted = false })
	r := p.Recipient(&Envelope{Local: true}, "bob@example.org")
	if d := p.Decide(r, Scored{Score: 1, Trained: true}); !r.Filtered || d.Outcome != Tag {
		t.Errorf("local submission: %+v, %+v", r, d)
	}
}

func TestCompiledPolicyKeepsItsOptions(t *testing.T) {
	o := DefaultOptions()
	o.Unfiltered = []string{"a@b"}
	p, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Unfiltered[0] = "changed@b"
	if got := p.Options().Unfiltered[0]; got != "a@b" {
		t.Errorf("options of a compiled policy changed to %q", got)
	}
}

func TestTrained(t *testing.T) {
	p := mustCompile(t, nil)
	for _, tt := range []struct {
		ham, spam int
		want      bool
	}{{0, 0, false}, {50, 49, false}, {49, 50, false}, {50, 50, true}, {1000, 10, false}} {
		if got := p.Trained(tt.ham, tt.spam); got != tt.want {
			t.Errorf("Trained(%d, %d) = %v", tt.ham, tt.spam, got)
		}
	}
}

func TestSamePolicy(t *testing.T) {
	base := Recipient{Address: "a@x", Filtered: true, Rule: "default", Cutoffs: classify.DefaultCutoffs(), Spam: Reject, Unsure: Hold}
	for i, tt := range []struct {
		change func(*Recipient)
		want   bool
	}{
		{func(r *Recipient) {}, true},
		{func(r *Recipient) { r.Address, r.Rule = "b@x", "other" }, true},
		{func(r *Recipient) { r.Filtered = false }, false},
		{func(r *Recipient) { r.Exempt = true }, false},
		{func(r *Recipient) { r.Scope = "b" }, false},
		{func(r *Recipient) { r.Cutoffs.Ham = 0.2 }, false},
		{func(r *Recipient) { r.Spam = Tag }, false},
		{func(r *Recipient) { r.Unsure = Tag }, false},
	} {
		other := base
		tt.change(&other)
		if SamePolicy(base, other) != tt.want || SamePolicy(other, base) != tt.want {
			t.Errorf("case %d: %+v and %+v: want %v", i, base, other, tt.want)
		}
	}
	a, b := base, base
	a.Filtered, b.Filtered, b.Spam = false, false, Tag
	if !SamePolicy(a, b) {
		t.Error("two unfiltered recipients do not have the same policy")
	}
}

func BenchmarkRecipient(b *testing.B) {
	p := mustCompile(b, func(o *Options) {
		for i := range 20_000 {
			o.Unfiltered = append(o.Unfiltered, fmt.Sprintf("user%d@example.org", i))
		}
	})
	e := &Envelope{Client: client("203.0.113.1", "")}
	for b.Loop() {
		p.Recipient(e, "somebody+detail@example.org")
	}
}
