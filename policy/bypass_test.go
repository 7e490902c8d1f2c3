package policy

import (
	"strings"
	"testing"
)

func TestBypassWord(t *testing.T) {
	o := DefaultOptions()
	o.BypassWord = "NotSpam"
	p := mustCompile(t, func(to *Options) { *to = o })
	for subject, want := range map[string]bool{
		"NOTSPAM":                             true,
		"Re: hello (notspam)":                 true,
		"NOTSPAM: hello":                      true,
		"hello,NotSpam!":                      true,
		"件名NOTSPAM":                           true,
		"=?utf-8?B?R3LDvMOfZSBOT1RTUEFN?=":    true, // Grüße NOTSPAM
		"=?utf-8?Q?NOT?= =?utf-8?Q?SPAM?=":    true,
		" folded\r\n\tNOTSPAM":                true,
		strings.Repeat("ü", 300) + " NOTSPAM": true,
		"NOTSPAMMER":                          false,
		"is NOT SPAM":                         false,
		"x_notspam_x":                         false,
		"hello":                               false,
		"":                                    false,
	} {
		c := p.NewContent()
		c.Field([]byte("subject"), []byte(subject))
		c.Field([]byte("Subject"), []byte("second NOTSPAM"))
		if got := c.Bypass(); got != want {
			t.Errorf("%q: %v", subject, got)
		}
	}
	c := mustCompile(t, nil).NewContent()
	c.Field([]byte("Subject"), []byte("NOTSPAM"))
	if c.Bypass() {
		t.Error("passes for a word that is not set")
	}
}

func TestBadBypassWords(t *testing.T) {
	for _, word := range []string{"abc", "two words", "NOT-SPAM", "größe", "a.b.c.d", " NOTSPAM", strings.Repeat("a", 41)} {
		o := DefaultOptions()
		o.BypassWord = word
		if _, err := Compile(o); err == nil || !strings.Contains(err.Error(), "bypass_word") {
			t.Errorf("%q: %v", word, err)
		}
	}
}

func TestDecideBypass(t *testing.T) {
	o := DefaultOptions()
	o.BypassWord = "NOTSPAM"
	o.Rules = []Rule{
		{Name: "foes", Senders: []string{"foe@example.com"}, Sender: Block, AtEnd: true},
		{Name: "tags", Recipients: []string{"tags@"}, Spam: new(Tag)},
		{Name: "delays", Recipients: []string{"delays@"}, Unsure: new(Delay)},
	}
	p := mustCompile(t, func(to *Options) { *to = o })
	for _, tt := range []struct {
		name, to, from string
		s              Scored
		outcome        Outcome
		rule           string
	}{
		{"spam", "one@a.example", "", Scored{Score: 1, Trained: true, Bypass: true}, Accept, RuleBypass},
		{"spam that would be held", "one@a.example", "", Scored{Score: 0.95, Trained: true, Bypass: true}, Accept, RuleBypass},
		{"unsure", "one@a.example", "", Scored{Score: 0.5, Trained: true, Bypass: true}, Accept, RuleBypass},
		{"unsure that would be delayed", "delays@a.example", "", Scored{Score: 0.5, Trained: true, Bypass: true}, Accept, RuleBypass},
		{"of a host of ours", "one@a.example", "", Scored{Score: 1, Trained: true, Bypass: true, Relayed: true}, Accept, RuleBypass},
		{"ham needs no word", "one@a.example", "", Scored{Trained: true, Bypass: true}, Accept, RuleDefault},
		{"tagged as ever", "tags@a.example", "", Scored{Score: 1, Trained: true, Bypass: true}, Tag, "tags"},
		{"untrained", "one@a.example", "", Scored{Score: 1, Bypass: true}, Tag, RuleUntilTrained},
		{"blocked", "one@a.example", "foe@example.com", Scored{Trained: true, Bypass: true}, Reject, "foes"},
		{"not scored", "one@a.example", "", Scored{Failed: true, Bypass: true}, Fail, RuleOnError},
		{"without", "one@a.example", "", Scored{Score: 1, Trained: true}, Reject, RuleDefault},
	} {
		e := &Envelope{Sender: tt.from}
		d := p.Would(p.Settle(e, p.NewContent(), tt.to), tt.s)
		if d.Outcome != tt.outcome || d.Rule != tt.rule {
			t.Errorf("%s: %v by %s, want %v by %s", tt.name, d.Outcome, d.Rule, tt.outcome, tt.rule)
		}
	}
}
