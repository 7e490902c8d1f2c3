package policy

import (
	"testing"

	"fanmill/classify/attached"
)

func TestDecideAttachments(t *testing.T) {
	exe := []attached.File{{Name: "a.exe", Ending: "exe"}}
	person, open, lists := []string{"person@"}, []string{"open@"}, []string{"lists@"}
	o := DefaultOptions()
	o.RejectAttachments = []string{"exe"}
	o.Unfiltered = person
	o.Rules = []Rule{
		{Name: "open", Recipients: open, RejectAttachments: []string{}},
		{Name: "lists", Recipients: lists, RejectAttachments: []string{"zip"}},
		{Name: "all", RejectAttachments: []string{"pdf"}, Recipients: []string{"open@", "lists@"}},
		{Name: "friends", From: []string{"friend@example.com"}, Sender: Welcome},
		{Name: "foes", Senders: []string{"foe@example.com"}, Sender: Block, AtEnd: true},
	}
	p := mustCompile(t, func(to *Options) { *to = o })
	if !p.LooksAtAttachments() {
		t.Error("does not look at attachments")
	}
	for _, tt := range []struct {
		name, to string
		env      Envelope
		from     string
		s        Scored
		outcome  Outcome
		rule     string
	}{
		{"ham", "one@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Reject, RuleAttachment},
		{"spam", "one@a.example", Envelope{}, "", Scored{Score: 1, Trained: true, Attachments: exe}, Reject, RuleAttachment},
		{"untrained", "one@a.example", Envelope{}, "", Scored{Attachments: exe}, Reject, RuleAttachment},
		{"not scored", "one@a.example", Envelope{}, "", Scored{Failed: true, Attachments: exe}, Reject, RuleAttachment},
		{"bypass word", "one@a.example", Envelope{}, "", Scored{Trained: true, Bypass: true, Attachments: exe}, Reject, RuleAttachment},
		{"another", "one@a.example", Envelope{}, "", Scored{Trained: true, Attachments: []attached.File{{Ending: "txt"}}}, Accept, RuleDefault},
		{"never refused", "postmaster@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Tag, RuleAttachment},
		{"unfiltered", "person@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Accept, RuleUnfiltered},
		{"relayed", "one@a.example", Envelope{}, "", Scored{Trained: true, Relayed: true, Attachments: exe}, Hold, RuleAttachment},
		{"switched off", "open@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Accept, RuleDefault},
		{"another list", "lists@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Accept, RuleDefault},
		{"another list's", "lists@a.example", Envelope{}, "", Scored{Trained: true, Attachments: []attached.File{{Ending: "zip"}}}, Reject, RuleAttachment},
		{"welcome", "one@a.example", Envelope{}, "friend@example.com", Scored{Trained: true, Attachments: exe}, Reject, RuleAttachment},
		{"blocked", "one@a.example", Envelope{Sender: "foe@example.com"}, "", Scored{Trained: true, Attachments: exe}, Reject, RuleAttachment},
	} {
		c := p.NewContent()
		c.Field([]byte("From"), []byte(tt.from))
		if d := p.Would(p.Settle(&tt.env, c, tt.to), tt.s); d.Outcome != tt.outcome || d.Rule != tt.rule {
			t.Errorf("%s: %v by %s, want %v by %s", tt.name, d.Outcome, d.Rule, tt.outcome, tt.rule)
		}
	}
	o.SkipTrusted = false
	local := mustCompile(t, func(to *Options) { *to = o })
	if d := local.Would(local.Recipient(&Envelope{Local: true}, "one@a.example"), Scored{Trained: true, Attachments: exe}); d.Outcome != Tag {
		t.Errorf("submitted here: %v", d)
	}
	o.Observe = true
	if d := mustCompile(t, func(to *Options) { *to = o }).Decide(p.Recipient(&Envelope{}, "one@a.example"), Scored{Attachments: exe}); d.Outcome != Accept {
		t.Errorf("observing: %v", d)
	}
	if mustCompile(t, nil).LooksAtAttachments() {
		t.Error("looks at attachments though no rule does")
	}
}

func TestAttachmentReasons(t *testing.T) {
	o := DefaultOptions()
	o.Rules = []Rule{{Name: "a", RejectAttachments: []string{"exe", "js"}}}
	_, reasons := mustCompile(t, func(to *Options) { *to = o }).Reasons(&Envelope{}, nil, "one@a.example")
	if len(reasons) != 1 || reasons[0] != (Reason{Setting: "reject_attachments", Value: `["exe" "js"]`, Rule: "a"}) {
		t.Errorf("%+v", reasons)
	}
}
