package milter

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fanmill/classify"
	"fanmill/policy"
	"fanmill/policy/senders"
	"fanmill/spool"
)

// lessons are what rules taught.
type lessons struct {
	mu   sync.Mutex
	list []string
}

func (l *lessons) Teach(m *classify.Message, scope string, spam bool, rule string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, fmt.Sprintf("%s scope=%q spam=%v %s", m.Subject, scope, spam, rule))
}

func (l *lessons) taught() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

func blockList(t *testing.T, text string) *senders.List {
	t.Helper()
	l, errs := senders.Parse(text)
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return l
}

// A block list at the end of the message: for its recipient alone the message is spam,
// and the filter learns it where its score said otherwise.
func TestBlockThatTeaches(t *testing.T) {
	anna := "anna@example.net"
	r := newRig(t)
	r.teacher = &lessons{}
	r.policy.Rules = []policy.Rule{{Name: "anna", Recipients: []string{anna}, Scope: &anna, BlockList: blockList(t, "example.com")}}
	r.start()
	for _, tt := range []struct {
		subject string
		to      []string
		code    int
		gets    []string
		held    []string
		taught  []string
	}{
		{"score 0.01 a", []string{anna}, 550, nil, nil, []string{`score 0.01 a scope="anna@example.net" spam=true anna`}},
		{"score 0.5 b", []string{anna}, 550, nil, nil, []string{`score 0.5 b scope="anna@example.net" spam=true anna`}},
		{"score 0.95 c", []string{anna}, 550, nil, nil, nil}, // the score knew it
		{"score 0.01 d", []string{"bert@example.net"}, 250, []string{"bert@example.net"}, nil, nil},
		{"score 0.01 e", []string{anna, "bert@example.net"}, 250, []string{"bert@example.net"}, nil, []string{`score 0.01 e scope="anna@example.net" spam=true anna`}},
		{"score 0.5 f", []string{"bert@example.net", anna}, 250, nil, []string{"bert@example.net"}, []string{`score 0.5 f scope="anna@example.net" spam=true anna`}},
	} {
		t.Run(tt.subject, func(t *testing.T) {
			r.teacher.list = nil
			res := r.one(subject(tt.subject).rcpt(tt.to...))
			if res.code != tt.code || !slices.Equal(res.to, tt.gets) {
				t.Errorf("answer %v", res)
			}
			if got := r.teacher.taught(); !slices.Equal(got, tt.taught) {
				t.Errorf("taught %q, want %q", got, tt.taught)
			}
			var held []string
			for _, m := range r.heldIn(spool.Unsure) {
				if m.Subject == tt.subject {
					held = m.Envelope.Recipients
				}
			}
			if !slices.Equal(held, tt.held) {
				t.Errorf("held for %q, want %q", held, tt.held)
			}
		})
	}
	if !strings.Contains(r.log.String(), "list=block") {
		t.Error("the log does not tell of the list")
	}
}

func TestWelcome(t *testing.T) {
	for name, tt := range map[string]struct {
		rule   policy.Rule
		taught []string
	}{
		"welcome":                {policy.Rule{Name: "w", From: []string{"@example.com"}, Sender: policy.Welcome}, nil},
		"that teaches":           {policy.Rule{Name: "w", From: []string{"@example.com"}, Sender: policy.Welcome, Learn: new(true)}, []string{`score 1 scope="" spam=false w`}},
		"by the envelope":        {policy.Rule{Name: "w", Senders: []string{"sender@example.com"}, Sender: policy.Welcome}, nil},
		"by a list":              {policy.Rule{Name: "w", WelcomeList: blockList(t, "sender@example.com")}, nil},
		"in an untrained filter": {policy.Rule{Name: "w", WelcomeList: blockList(t, "sender@example.com")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.teacher = &lessons{}
			r.policy.Rules = []policy.Rule{tt.rule}
			r.start()
			res := r.one(subject("score 1"))
			if res.code != 250 || len(res.to) != 1 || !strings.HasPrefix(strings.Join(res.get("X-Fanmill-Status"), ""), " ham") {
				t.Errorf("answer %v, %q", res, res.get("X-Fanmill-Status"))
			}
			if got := r.teacher.taught(); !slices.Equal(got, tt.taught) {
				t.Errorf("taught %q, want %q", got, tt.taught)
			}
		})
	}
}

// A blocked envelope sender is refused at RCPT, for the recipient that the rule is for.
func TestBlockAtRCPT(t *testing.T) {
	no := "No mail from you."
	r := newRig(t)
	r.teacher = &lessons{}
	r.policy.Rules = []policy.Rule{{Name: "anna", Recipients: []string{"anna@"}, Senders: []string{"@example.com"}, Sender: policy.Block, RejectText: &no}}
	r.start()
	res := r.one(subject("score 0.01").rcpt("anna@example.net", "bert@example.net"))
	if res.code != 250 || !slices.Equal(res.refused, []string{"anna@example.net"}) || !slices.Equal(res.to, []string{"bert@example.net"}) ||
		!strings.HasPrefix(res.text, "550 5.7.1 "+no) {
		t.Errorf("answer %v", res)
	}
	if len(r.teacher.taught()) > 0 {
		t.Error("a refusal at RCPT taught something")
	}
	r.policy.Observe = true
	if err := r.srv.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	if res := r.one(subject("score 0.01").rcpt("anna@example.net")); res.code != 250 || len(res.refused) > 0 {
		t.Errorf("observing: %v", res)
	}
}

// Moved to the end, the same block teaches.
func TestBlockAtEnd(t *testing.T) {
	r := newRig(t)
	r.teacher = &lessons{}
	r.policy.Rules = []policy.Rule{{Name: "x", Senders: []string{"@example.com"}, Sender: policy.Block, AtEnd: true}}
	if res := r.start().one(subject("score 0.01")); res.code != 550 || len(res.refused) > 0 {
		t.Errorf("answer %v", res)
	}
	if got := r.teacher.taught(); !slices.Equal(got, []string{`score 0.01 scope="" spam=true x`}) {
		t.Errorf("taught %q", got)
	}
}

// What turns out unfiltered when the header is known passes as if it had never been read.
func TestUnfilteredByHeader(t *testing.T) {
	r := newRig(t)
	r.policy.Rules = []policy.Rule{{Name: "list", Lists: []string{"a.example.net"}, Filter: new(false)}}
	r.start()
	if res := r.one(subject("score 1").with("List-Id", " <a.example.net>").with("X-Spam-Flag", " NO")); res.code != 250 || res.inserted > 0 || res.get("X-Spam-Flag") != nil {
		t.Errorf("of the list: %v", res)
	}
	if res := r.one(subject("score 1")); res.code != 550 {
		t.Errorf("of no list: %v", res)
	}
	if got := r.rows.count("accept/list"); got != 1 {
		t.Errorf("%d counted", got)
	}
}

func TestRejectTextOfRules(t *testing.T) {
	no := "Not here."
	r := newRig(t)
	r.policy.Rules = []policy.Rule{{Recipients: []string{"anna@", "carl@"}, RejectText: &no}}
	r.start()
	for _, tt := range []struct {
		to   []string
		text string
	}{
		{[]string{"anna@example.net"}, no},
		{[]string{"anna@example.net", "carl@example.net"}, no},
		{[]string{"anna@example.net", "bert@example.net"}, DefaultRejectText},
	} {
		if res := r.one(subject("score 1").rcpt(tt.to...)); res.code != 550 || !strings.HasPrefix(res.text, "550 5.7.1 "+tt.text) {
			t.Errorf("to %q: %v", tt.to, res)
		}
	}
}

// The subject is tagged where all who get the message have it tagged, with the same tag.
func TestSubjectTag(t *testing.T) {
	other := "[other]"
	none := ""
	r := newRig(t)
	r.policy.Spam, r.policy.SubjectTag = policy.Tag, "[SPAM?]"
	r.policy.Rules = []policy.Rule{
		{Recipients: []string{"anna@"}, SubjectTag: &other},
		{Recipients: []string{"bert@"}, SubjectTag: &none},
		{Recipients: []string{"carl@"}, Filter: new(false)},
		{Recipients: []string{"dora@"}, Sender: policy.Block, AtEnd: true}, // whatever the score
	}
	r.start()
	for name, tt := range map[string]struct {
		mail mail
		want []string
	}{
		"spam":          {subject("score 1"), []string{" [SPAM?] score 1"}},
		"ham":           {subject("score 0"), []string{" score 0"}},
		"another tag":   {subject("score 1").rcpt("anna@example.net"), []string{" [other] score 1"}},
		"no tag":        {subject("score 1").rcpt("bert@example.net"), []string{" score 1"}},
		"two tags":      {subject("score 1").rcpt("anna@example.net", "x@example.net"), []string{" score 1"}},
		"unfiltered":    {subject("score 1").rcpt("carl@example.net", "x@example.net"), []string{" score 1"}},
		"tagged before": {subject("Re: [SPAM?] score 1").rcpt("dora@example.net"), []string{" Re: [SPAM?] score 1"}},
		"two subjects":  {subject("score 1").with("Subject", " second"), []string{" [SPAM?] score 1", " second"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.one(tt.mail).get("Subject"); !slices.Equal(got, tt.want) {
				t.Errorf("subject %q, want %q", got, tt.want)
			}
		})
	}
	m := subject("x").rcpt("dora@example.net")
	m.headers = slices.DeleteFunc(m.headers, func(h [2]string) bool { return h[0] == "Subject" })
	if got := r.one(m).get("Subject"); !slices.Equal(got, []string{" [SPAM?]"}) {
		t.Errorf("without a subject: %q", got)
	}
}

// A thousand recipients, every second of whom blocks the sender: each has its own fate,
// and the history one row for all who are dropped alike.
func TestManyRecipients(t *testing.T) {
	r := newRig(t)
	r.teacher = &lessons{}
	r.policy.Rules = []policy.Rule{{Name: "odd", Recipients: []string{`/[13579]@/`}, BlockList: blockList(t, "example.com")}}
	var to, want []string
	for i := range 1000 {
		to = append(to, fmt.Sprintf("user%d@example.net", i))
		if i%2 == 0 {
			want = append(want, to[i])
		}
	}
	res := r.start().one(subject("score 0.01").rcpt(to...))
	if res.code != 250 || !slices.Equal(res.to, want) {
		t.Fatalf("code %d, delivered to %d", res.code, len(res.to))
	}
	rows := r.rows.all()
	if len(rows) != 2 || len(rows[0].Recipients) != 500 || rows[0].Outcome != "accept" || len(rows[1].Recipients) != 500 || rows[1].Outcome != "reject" || rows[1].Rule != "odd" {
		t.Errorf("%d rows", len(rows))
	}
	if got := r.teacher.taught(); len(got) != 1 {
		t.Errorf("taught %d times", len(got))
	}
}
