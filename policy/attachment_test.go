package policy

import (
	"os"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
)

func TestAttachmentEntries(t *testing.T) {
	for _, tt := range []struct {
		entries []string
		err     string // part of, "" for none
		x       classify.Attachment
		refused bool
	}{
		{nil, "", classify.Attachment{Ending: "exe"}, false},
		{[]string{"executable"}, "", classify.Attachment{Ending: "exe"}, true},
		{[]string{"Executable"}, "", classify.Attachment{Ending: "settingcontent-ms"}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "pdf", Kind: "exe"}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "txt", Type: "application/hta"}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "js", Inside: true}, true},
		{[]string{"executable"}, "", classify.Attachment{Ending: "pdf", Type: "application/pdf"}, false},
		{[]string{"executable"}, "", classify.Attachment{Type: "application/octet-stream"}, false},
		{[]string{"executable"}, "", classify.Attachment{Ending: "py"}, false},
		{[]string{"executable", "py"}, "", classify.Attachment{Ending: "py"}, true},
		{[]string{".EXE"}, "", classify.Attachment{Ending: "exe"}, true},
		{[]string{"exe"}, "", classify.Attachment{Ending: "bin", Kind: "exe"}, true},
		{[]string{"exe"}, "", classify.Attachment{Ending: "bin", Type: "application/x-msdownload"}, true},
		{[]string{"exe"}, "", classify.Attachment{Ending: "scr"}, false},
		{[]string{"exe", ""}, `""`, classify.Attachment{}, false},
		{[]string{"a.exe"}, "a.exe", classify.Attachment{}, false},
		{[]string{"*.exe"}, "*.exe", classify.Attachment{}, false},
		{[]string{"application/pdf"}, "application/pdf", classify.Attachment{}, false},
		{[]string{"executables"}, "write executable", classify.Attachment{}, false},
	} {
		a, errs := compileAttachments("reject_attachments", tt.entries)
		if len(errs) > 0 || tt.err != "" {
			if len(errs) != 1 || tt.err == "" || tt.err != `""` && !strings.Contains(errs[0].Error(), tt.err) {
				t.Errorf("%q: %v", tt.entries, errs)
			}
			continue
		}
		if _, refused := a.find([]classify.Attachment{{Ending: "png"}, tt.x}); refused != tt.refused {
			t.Errorf("%q, %+v: refused %v", tt.entries, tt.x, refused)
		}
	}
}

// The group and the types speak of endings as the finder gives them.
func TestExecutableEndings(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range ExecutableEndings {
		if seen[e] {
			t.Errorf("%s stands there twice", e)
		}
		seen[e] = true
		if _, errs := compileAttachments("", []string{e}); len(errs) > 0 {
			t.Error(errs[0])
		}
	}
	for media, e := range endingOf {
		if !seen[e] || media != strings.ToLower(media) {
			t.Errorf("%s goes with %s, which is not of the group", media, e)
		}
	}
}

func TestDecideAttachments(t *testing.T) {
	exe := []classify.Attachment{{Name: "a.exe", Ending: "exe"}}
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
		{"another", "one@a.example", Envelope{}, "", Scored{Trained: true, Attachments: []classify.Attachment{{Ending: "txt"}}}, Accept, RuleDefault},
		{"never refused", "postmaster@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Tag, RuleAttachment},
		{"unfiltered", "person@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Accept, RuleUnfiltered},
		{"relayed", "one@a.example", Envelope{}, "", Scored{Trained: true, Relayed: true, Attachments: exe}, Hold, RuleAttachment},
		{"switched off", "open@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Accept, RuleDefault},
		{"another list", "lists@a.example", Envelope{}, "", Scored{Trained: true, Attachments: exe}, Accept, RuleDefault},
		{"another list's", "lists@a.example", Envelope{}, "", Scored{Trained: true, Attachments: []classify.Attachment{{Ending: "zip"}}}, Reject, RuleAttachment},
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

// The documentation lists the group as it is.
func TestExecutableEndingsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "for all of these:\n")
	list, _, _ = strings.Cut(list, "\n(")
	if got := strings.Fields(list); !slices.Equal(got, ExecutableEndings) {
		t.Errorf("docs/rules.md lists %q", got)
	}
}
