package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"fanmill/classify"
	"fanmill/policy/authresults"
	"fanmill/policy/senders"
)

func ptr[T any](v T) *T { return &v }

// ruled compiles the default policy with these rules.
func ruled(t testing.TB, rules ...Rule) *Policy {
	t.Helper()
	o := DefaultOptions()
	o.Rules, o.Believed, o.OwnHosts = rules, []string{"MX.example.org"}, []string{"198.51.100.1"}
	p, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// content is the header of a message, lines parted by LF.
func content(p *Policy, header string) *Content {
	c := p.NewContent()
	for line := range strings.SplitSeq(header, "\n") {
		name, value, _ := strings.Cut(line, ":")
		c.Field([]byte(name), []byte(value))
	}
	return c
}

func list(t testing.TB, text string) *senders.List {
	t.Helper()
	l, errs := senders.Parse(text)
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	return l
}

var outsider = classify.Client{Addr: netip.MustParseAddr("203.0.113.9"), Name: "mx7.out.example.com"}

// Each kind of matcher finds what it is for and nothing else.
func TestRuleMatchers(t *testing.T) {
	const header = "From: \"Sales, Dept\" <Sales+42@news.Shop.example>\nSubject: =?utf-8?q?Gro=C3=9Fer?= Sale\nX-Mailer: SuperBulk 3\nList-Id: Our list <Announce.Lists.example.org>"
	env := Envelope{Client: outsider, Sender: "bounce-7@shop.example"}
	for name, tt := range map[string]struct {
		rule Rule
		want bool
	}{
		"nothing: all mail":        {Rule{}, true},
		"recipient":                {Rule{Recipients: []string{"anna@example.org"}}, true},
		"recipient's detail":       {Rule{Recipients: []string{"anna+x@example.org"}}, false},
		"one of the recipients":    {Rule{Recipients: []string{"@else.example", "anna@"}}, true},
		"another recipient":        {Rule{Recipients: []string{"bert@example.org"}}, false},
		"sender":                   {Rule{Senders: []string{"@shop.example"}}, true},
		"null sender":              {Rule{Senders: []string{"<>"}}, false},
		"sender glob":              {Rule{Senders: []string{"bounce-*@*"}}, true},
		"From address":             {Rule{From: []string{"sales@news.shop.example"}}, true},
		"From domain":              {Rule{From: []string{"@news.shop.example"}}, true},
		"From domain, not below":   {Rule{From: []string{"@shop.example"}}, false},
		"From text":                {Rule{From: []string{`/^From: "sales/`}}, true},
		"From text, another":       {Rule{From: []string{"/^sales/"}}, false},
		"client address":           {Rule{Clients: []string{"203.0.113.0/24"}}, true},
		"client name":              {Rule{Clients: []string{"mx7.out.example.com"}}, true},
		"client suffix":            {Rule{Clients: []string{".example.com"}}, true},
		"client suffix, the name":  {Rule{Clients: []string{".mx7.out.example.com"}}, false},
		"client suffix, no label":  {Rule{Clients: []string{".ample.com"}}, false},
		"not logged in":            {Rule{Authenticated: ptr(false)}, true},
		"logged in":                {Rule{Authenticated: ptr(true)}, false},
		"field glob":               {Rule{Headers: []string{"x-mailer: superbulk*"}}, true},
		"field glob is whole":      {Rule{Headers: []string{"X-Mailer: bulk"}}, false},
		"field expression":         {Rule{Headers: []string{"Subject: /großer sale/"}}, true},
		"field that is not there":  {Rule{Headers: []string{"X-Other: *"}}, false},
		"one of the fields":        {Rule{Headers: []string{"X-Other: *", "X-Mailer: *"}}, true},
		"list":                     {Rule{Lists: []string{"announce.lists.example.org"}}, true},
		"list in brackets":         {Rule{Lists: []string{"<announce.lists.example.org>"}}, true},
		"list glob":                {Rule{Lists: []string{"*.lists.example.org"}}, true},
		"list expression":          {Rule{Lists: []string{"/^ann/"}}, true},
		"list, another":            {Rule{Lists: []string{"lists.example.org"}}, false},
		"all must hold":            {Rule{Recipients: []string{"anna@example.org"}, Senders: []string{"@shop.example"}, From: []string{"@other.example"}}, false},
		"all hold":                 {Rule{Recipients: []string{"anna@example.org"}, Senders: []string{"@shop.example"}, From: []string{"sales@"}, Headers: []string{"X-Mailer: *"}}, true},
		"internationalized domain": {Rule{Recipients: []string{"@BÜCHER.example"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tt.rule.Unsure = ptr(Tag)
			p := ruled(t, tt.rule)
			c := content(p, header)
			if got := p.Settle(&env, c, "Anna@example.org").Unsure == Tag; got != tt.want {
				t.Errorf("for the message: %v, want %v", got, tt.want)
			}
		})
	}
	p := ruled(t, Rule{Recipients: []string{"@BÜCHER.example"}, Unsure: ptr(Tag)})
	if p.Recipient(&env, "x@xn--bcher-kva.example").Unsure != Tag || p.Recipient(&env, "x@bücher.example").Unsure != Tag {
		t.Error("a domain in its own script is not the one in ASCII")
	}
}

// Of each setting the first rule that sets it decides.
func TestFirstRuleDecides(t *testing.T) {
	p := ruled(t,
		Rule{Name: "one", From: []string{"@a.example"}, HamCutoff: ptr(0.05)},
		Rule{Name: "two", Recipients: []string{"anna@"}, HamCutoff: ptr(0.1), SpamCutoff: ptr(0.5), Spam: ptr(Hold)},
		Rule{Name: "three", Spam: ptr(Tag), Unsure: ptr(Tag), RejectText: ptr("No.")},
	)
	env := Envelope{Client: outsider}
	r := p.Settle(&env, content(p, "From: x@a.example"), "anna@example.org")
	want := Recipient{
		Address: "anna@example.org", Filtered: true, Rule: "one", Spam: Hold, Unsure: Tag, RejectText: "No.",
		Cutoffs: classify.Cutoffs{Ham: 0.05, Spam: 0.5, Reject: 0.995},
	}
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	_, reasons := p.Reasons(&env, content(p, "From: x@a.example"), "anna@example.org")
	var got []string
	for _, r := range reasons {
		got = append(got, r.Rule+" "+r.Setting+"="+r.Value)
	}
	if want := []string{"one ham_cutoff=0.05", "two spam_cutoff=0.5", "two spam=hold", "three unsure=tag", "three reject_text=No."}; !slices.Equal(got, want) {
		t.Errorf("reasons %q, want %q", got, want)
	}
	// Cut-offs of different rules that cross: the lower one gives way.
	p = ruled(t, Rule{From: []string{"@a.example"}, HamCutoff: ptr(0.8)}, Rule{Recipients: []string{"anna@"}, SpamCutoff: ptr(0.5)})
	if c := p.Settle(&env, content(p, "From: x@a.example"), "anna@example.org").Cutoffs; c != (classify.Cutoffs{Ham: 0.8, Spam: 0.8, Reject: 0.995}) {
		t.Errorf("cut-offs %v", c)
	}
}

// What only the header tells is open at RCPT, and settled after it.
func TestOpenUntilTheHeader(t *testing.T) {
	env := Envelope{Client: outsider, Sender: "x@blocked.example"}
	const rcpt = "anna@example.org"
	p := ruled(t, Rule{Lists: []string{"*.example.org"}, Filter: ptr(false)})
	if r := p.Recipient(&env, rcpt); !r.Filtered || !r.Open {
		t.Errorf("at RCPT %+v", r)
	}
	if r := p.Settle(&env, content(p, "List-Id: <a.example.org>"), rcpt); r.Filtered || r.Open || r.Rule != "rule-1" {
		t.Errorf("of the list %+v", r)
	}
	if r := p.Settle(&env, content(p, "List-Id: <a.example.com>"), rcpt); !r.Filtered || r.Open || r.Rule != RuleDefault {
		t.Errorf("of another list %+v", r)
	}
	// An unfiltered recipient may be filtered by its header.
	p = ruled(t, Rule{From: []string{"@a.example"}, Filter: ptr(true)}, Rule{Filter: ptr(false)})
	if r := p.Recipient(&env, rcpt); r.Filtered || !r.Open {
		t.Errorf("at RCPT %+v", r)
	}
	if r := p.Settle(&env, content(p, "From: x@a.example"), rcpt); !r.Filtered {
		t.Errorf("after the header %+v", r)
	}
}

func TestRefusedAtRCPT(t *testing.T) {
	block := Rule{Senders: []string{"@blocked.example"}, Sender: Block}
	for name, tt := range map[string]struct {
		rules []Rule
		env   Envelope
		rcpt  string
		want  bool
	}{
		"blocked":               {[]Rule{block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", true},
		"another sender":        {[]Rule{block}, Envelope{Client: outsider, Sender: "x@other.example"}, "anna@example.org", false},
		"null sender":           {[]Rule{block}, Envelope{Client: outsider}, "anna@example.org", false},
		"postmaster":            {[]Rule{block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "postmaster@example.org", false},
		"local submission":      {[]Rule{block}, Envelope{Client: outsider, Local: true, Sender: "x@blocked.example"}, "anna@example.org", false},
		"logged in":             {[]Rule{block}, Envelope{Client: outsider, Authenticated: "x", Sender: "x@blocked.example"}, "anna@example.org", false},
		"at the end":            {[]Rule{{Senders: []string{"@blocked.example"}, Sender: Block, AtEnd: true}}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"needs the header":      {[]Rule{{Senders: []string{"@blocked.example"}, From: []string{"x@"}, Sender: Block}}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"may be welcome":        {[]Rule{{From: []string{"x@"}, Sender: Welcome}, block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"may be unfiltered":     {[]Rule{{From: []string{"x@"}, Filter: ptr(false)}, block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"unfiltered before":     {[]Rule{{Recipients: []string{"anna@"}, Filter: ptr(false)}, block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"unfiltered after":      {[]Rule{block, {Recipients: []string{"anna@"}, Filter: ptr(false)}}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"unfiltered by header":  {[]Rule{block, {Lists: []string{"*"}, Filter: ptr(false)}}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"held, not refused":     {[]Rule{{Senders: []string{"@blocked.example"}, Sender: Block, Spam: ptr(Hold)}}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"host of ours":          {[]Rule{{Filter: ptr(true)}, block}, Envelope{Client: classify.Client{Addr: netip.MustParseAddr("198.51.100.1")}, Sender: "x@blocked.example"}, "anna@example.org", false},
		"trusted, but filtered": {[]Rule{{Filter: ptr(true)}, block}, Envelope{Client: classify.Client{Addr: netip.MustParseAddr("127.0.0.1")}, Sender: "x@blocked.example"}, "anna@example.org", false},
		"may be held":           {[]Rule{{From: []string{"x@"}, Spam: ptr(Hold)}, block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", false},
		"reject before it":      {[]Rule{{Recipients: []string{"anna@"}, Spam: ptr(Reject)}, {From: []string{"x@"}, Spam: ptr(Hold)}, block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", true},
		"welcome for another":   {[]Rule{{Recipients: []string{"bert@"}, WelcomeList: list(t, "a.example")}, block}, Envelope{Client: outsider, Sender: "x@blocked.example"}, "anna@example.org", true},
	} {
		t.Run(name, func(t *testing.T) {
			if r := ruled(t, tt.rules...).Recipient(&tt.env, tt.rcpt); r.Refused != tt.want {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Somebody's word about a sender outranks the score, and needs no training.
func TestSendersListed(t *testing.T) {
	p := ruled(t, Rule{Name: "anna", Recipients: []string{"anna@", "abuse@"}, WelcomeList: list(t, "friend.example"), BlockList: list(t, "friend.example\nfoe.example")})
	decide := func(from, rcpt string, s Scored) Decision {
		r := p.Settle(&Envelope{Client: outsider}, content(p, "From: x@"+from), rcpt)
		return p.Decide(r, s)
	}
	for _, tt := range []struct {
		from, rcpt string
		s          Scored
		want       Outcome
		verdict    classify.Verdict
		rule       string
	}{
		{"friend.example", "anna@example.org", Scored{Score: 1, Trained: true}, Accept, classify.Ham, "anna"},
		{"friend.example", "bert@example.org", Scored{Score: 1, Trained: true}, Reject, classify.Spam, RuleDefault},
		{"foe.example", "anna@example.org", Scored{Score: 0, Trained: true}, Reject, classify.Spam, "anna"},
		{"foe.example", "anna@example.org", Scored{Score: 0}, Reject, classify.Spam, "anna"},
		{"foe.example", "anna@example.org", Scored{Failed: true}, Reject, classify.Spam, "anna"},
		{"foe.example", "anna@example.org", Scored{Score: 0, Relayed: true}, Hold, classify.Spam, RuleRelayed},
		{"foe.example", "abuse@example.org", Scored{Score: 0}, Tag, classify.Spam, RuleNeverRefuse},
		{"friend.example", "anna@example.org", Scored{Failed: true}, Accept, classify.Ham, "anna"},
	} {
		d := decide(tt.from, tt.rcpt, tt.s)
		if d.Outcome != tt.want || d.Verdict != tt.verdict || d.Rule != tt.rule {
			t.Errorf("from %s to %s, %+v: %+v", tt.from, tt.rcpt, tt.s, d)
		}
	}
}

// A From field is easily forged: where a host that is believed has looked, a welcome
// sender must be verified.
func TestWelcomeIsVerified(t *testing.T) {
	const by = "\nAuthentication-Results: "
	for name, tt := range map[string]struct {
		mode authresults.Mode
		more string
		want SenderList
	}{
		"nobody looked":         {authresults.Present, "", Welcome},
		"nobody looked, always": {authresults.Always, "", Unlisted},
		"failed, never":         {authresults.Never, by + "mx.example.org; spf=fail smtp.mailfrom=evil.example", Welcome},
		"passed":                {authresults.Present, by + "mx.example.org; dkim=pass header.d=good.example", Welcome},
		"failed":                {authresults.Present, by + "mx.example.org; dkim=fail header.d=good.example", Unlisted},
		"another host":          {authresults.Present, by + "mx.evil.example; dkim=fail header.d=good.example", Welcome},
		"another host, always":  {authresults.Always, by + "mx.evil.example; dkim=pass header.d=good.example", Unlisted},
		"one field of two":      {authresults.Present, by + "mx.example.org; spf=fail smtp.mailfrom=x.example" + by + "mx.example.org; dkim=pass header.d=good.example", Welcome},
	} {
		t.Run(name, func(t *testing.T) {
			o := DefaultOptions()
			o.WelcomeAuth, o.Believed = tt.mode, []string{"mx.example.org"}
			o.Rules = []Rule{{WelcomeList: list(t, "boss@good.example")}}
			p, err := Compile(o)
			if err != nil {
				t.Fatal(err)
			}
			r := p.Settle(&Envelope{Client: outsider}, content(p, "From: boss@good.example"+tt.more), "anna@example.org")
			if r.Sender != tt.want {
				t.Errorf("%v, want %v", r.Sender, tt.want)
			}
		})
	}
}

// Whoever puts a welcome address beside one of his own, which is verified, is not welcome.
func TestTwoAddressesInFrom(t *testing.T) {
	p := ruled(t, Rule{WelcomeList: list(t, "good.example")})
	const auth = "\nAuthentication-Results: mx.example.org; dkim=pass header.d=evil.example"
	if r := p.Settle(&Envelope{Client: outsider}, content(p, "From: x@evil.example, boss@good.example"+auth), "anna@example.org"); r.Sender != Unlisted {
		t.Error("a verified address vouches for another")
	}
}

// Whom a welcome rule names must be verified, not somebody else in the same message; and
// a name that somebody gives himself is no address.
func TestForgedWelcome(t *testing.T) {
	const evil = "Authentication-Results: mx.example.org; dkim=pass header.d=evil.example; spf=fail smtp.mailfrom=friend.example\n"
	for name, tt := range map[string]struct {
		rule   Rule
		header string
		want   SenderList
	}{
		"another's list":        {Rule{Lists: []string{"*.lists.example.org"}, Sender: Welcome}, evil + "From: x@evil.example\nList-Id: <news.lists.example.org>", Unlisted},
		"the list":              {Rule{Lists: []string{"*.lists.example.org"}, Sender: Welcome}, "Authentication-Results: mx.example.org; dkim=pass header.d=lists.example.org\nFrom: x@some.example\nList-Id: <news.lists.example.org>", Welcome},
		"another's envelope":    {Rule{Senders: []string{"@friend.example"}, Sender: Welcome}, evil + "From: x@evil.example", Unlisted},
		"with a field":          {Rule{Senders: []string{"@friend.example"}, Headers: []string{"X-A: *"}, Sender: Welcome}, evil + "From: x@evil.example\nX-A: 1", Unlisted},
		"with a field, no From": {Rule{Headers: []string{"X-A: *"}, Sender: Welcome}, "Authentication-Results: mx.example.org; none\nX-A: 1", Unlisted},
		"field and From":        {Rule{Headers: []string{"X-A: *"}, Sender: Welcome}, "Authentication-Results: mx.example.org; dkim=pass header.d=friend.example\nX-A: 1\nFrom: x@friend.example", Welcome},
		"name, by expression":   {Rule{From: []string{`/anna@friend\.example/`}, Sender: Welcome}, evil + "From: \"anna@friend.example\" <x@evil.example>", Unlisted},
		"name, by list":         {Rule{WelcomeList: list(t, `anna@friend\.example`)}, evil + "From: \"anna@friend.example\" <x@evil.example>", Unlisted},
		"address, by list":      {Rule{WelcomeList: list(t, `(anna|bert)@evil\.example>`)}, evil + "From: \"Anna\" <anna@evil.example>", Welcome},
		"name, when it blocks":  {Rule{BlockList: list(t, `anna@friend\.example`)}, evil + "From: \"anna@friend.example\" <x@evil.example>", Block},
	} {
		t.Run(name, func(t *testing.T) {
			p := ruled(t, tt.rule)
			r := p.Settle(&Envelope{Client: outsider, Sender: "x@friend.example"}, content(p, tt.header), "anna@example.org")
			if r.Sender != tt.want {
				t.Errorf("%q, want %q", r.Sender, tt.want)
			}
		})
	}
}

// A list that only one recipient has makes two policies, also before the header is known.
func TestSamePolicyBeforeTheHeader(t *testing.T) {
	p := ruled(t, Rule{Recipients: []string{"anna@"}, BlockList: list(t, "bad.example")}, Rule{Lists: []string{"x"}, Unsure: ptr(Tag)})
	env := Envelope{Client: outsider}
	anna, bert, carl := p.Recipient(&env, "anna@example.org"), p.Recipient(&env, "bert@example.org"), p.Recipient(&env, "carl@example.org")
	if SamePolicy(anna, bert) || !SamePolicy(bert, carl) {
		t.Error("the rules of the header are not compared")
	}
}

func TestBadRules(t *testing.T) {
	for name, tt := range map[string]struct {
		rules  []Rule
		rule   int
		option string
		text   string
	}{
		"sets nothing":            {[]Rule{{Name: "x"}}, 0, "", "sets nothing"},
		"empty list":              {[]Rule{{Recipients: []string{}, Sender: Block}}, 0, "recipients", "is empty"},
		"bad pattern":             {[]Rule{{Sender: Block, Senders: []string{"nodomain"}}}, 0, "senders", "no @"},
		"bad From":                {[]Rule{{Sender: Block, From: []string{"/(/"}}}, 0, "from", "regular expression"},
		"bad client":              {[]Rule{{Sender: Block, Clients: []string{"10.0.0.1/8"}}}, 0, "clients", "bits set"},
		"bad field":               {[]Rule{{Sender: Block, Headers: []string{"Subject viagra"}}}, 0, "headers", "field name"},
		"bad list":                {[]Rule{{Sender: Block, Lists: []string{"/(/"}}}, 0, "list", "regular expression"},
		"cut-offs":                {[]Rule{{HamCutoff: ptr(0.95)}}, 0, "spam_cutoff", "below the cut-off"},
		"outcome":                 {[]Rule{{Spam: ptr(Fail)}}, 0, "spam", "not possible"},
		"name":                    {[]Rule{{Name: "a b", Sender: Block}}, 0, "name", "is not a name"},
		"name of ours":            {[]Rule{{Name: RuleLocal, Sender: Block}}, 0, "name", "uses itself"},
		"name twice":              {[]Rule{{Name: "x", Sender: Block, Senders: []string{"a@b.example"}}, {Name: "x", Unsure: ptr(Tag)}}, 1, "name", "rule 1 already"},
		"filter and more":         {[]Rule{{Filter: ptr(false), Sender: Block}}, 0, "filter", "nothing else"},
		"never used":              {[]Rule{{Name: "x", Sender: Block}, {Senders: []string{"a@b.example"}, Sender: Welcome}}, 1, "", "never used: x"},
		"behind unfiltered":       {[]Rule{{Name: "x", Filter: ptr(false)}, {Senders: []string{"a@b.example"}, Sender: Welcome}}, 1, "", "never used: x"},
		"name of another's place": {[]Rule{{Name: "rule-2", Unsure: ptr(Tag)}}, 0, "name", "uses itself"},
		"null recipient":          {[]Rule{{Recipients: []string{"<>"}, Sender: Block}}, 0, "recipients", "null sender"},
		"scope":                   {[]Rule{{Scope: ptr(strings.Repeat("x", 300) + "@c.example")}}, 0, "scope", "can be no scope"},
		"second rule's error":     {[]Rule{{Unsure: ptr(Tag)}, {Sender: Block, Senders: []string{"x"}}}, 1, "senders", "no @"},
	} {
		t.Run(name, func(t *testing.T) {
			o := DefaultOptions()
			o.Rules = tt.rules
			_, err := Compile(o)
			var re *RuleError
			if !errors.As(err, &re) || re.Rule != tt.rule || re.Option != tt.option || !strings.Contains(re.Error(), tt.text) || re.Hint == "" {
				t.Errorf("got %v", err)
			}
		})
	}
	// An exception before a rule for all is in order.
	ruled(t, Rule{Senders: []string{"a@b.example"}, Sender: Welcome}, Rule{Sender: Block})
}

// Addresses in every odd form neither panic nor match by accident.
func TestOddAddresses(t *testing.T) {
	p := ruled(t, Rule{Recipients: []string{"boss@good.example", "@people.example"}, Senders: []string{"<>", "@good.example", "x@"}, Unsure: ptr(Tag)})
	for _, tt := range []struct {
		sender, rcpt string
		want         bool
	}{
		{"", "boss@good.example", true},
		{"<>", "<boss@good.example>", true},
		{"a@good.example", `"boss"@good.example`, true},
		{"a@good.example", `"boss@good.example"@evil.example`, false},
		{"a@good.example", "@relay.example:boss@good.example", true},
		{"a@good.example", "boss", false},
		{"a@good.example", "boss@", false},
		{"a@good.example", "<boss@good.example>c", false},
		{"a@good.example", "BOSS@GOOD.EXAMPLE.", true},
		{"a@good.example", "bóss@people.example", true},
		{"a@good.example", "boss@good.example\x00", false},
		{"<a@good.example>c", "boss@good.example", false},
		{`"x"@any.example`, "boss@good.example", true},
		{"x", "boss@good.example", true},
		{strings.Repeat("a", 5000) + "@good.example", "boss@good.example", true},
		{"a@[192.0.2.1]", "boss@good.example", false},
		{"\xff@good.example", "boss@good.example", true},
	} {
		env := Envelope{Client: outsider, Sender: tt.sender}
		if got := p.Recipient(&env, tt.rcpt).Unsure == Tag; got != tt.want {
			t.Errorf("%q to %q: %v, want %v", tt.sender, tt.rcpt, got, tt.want)
		}
	}
}

// BenchmarkManyRecipients is a message for 1,000 recipients and 100 rules.
func BenchmarkManyRecipients(b *testing.B) {
	var rules []Rule
	for i := range 100 {
		rules = append(rules, Rule{Recipients: []string{fmt.Sprintf("user%d@example.org", i), fmt.Sprintf("*-list%d@example.org", i)}, Headers: []string{"X-Mailer: *bulk*"}, Unsure: ptr(Tag)})
	}
	p := ruled(b, rules...)
	env := Envelope{Client: outsider, Sender: "news@shop.example"}
	for b.Loop() {
		c := content(p, "From: news@shop.example\nX-Mailer: SuperBulk")
		for i := range 1000 {
			rcpt := fmt.Sprintf("user%d@example.org", i)
			p.Recipient(&env, rcpt)
			p.Settle(&env, c, rcpt)
		}
	}
}

func BenchmarkSettle(b *testing.B) {
	var welcome, block strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&welcome, "user%d@shop%d.example\n", i, i%100)
	}
	for i := range 200 {
		fmt.Fprintf(&block, "(offer|bargain)%d .*@\n", i)
	}
	p := ruled(b,
		Rule{Name: "people", Recipients: []string{"@board.example.org"}, Filter: ptr(false)},
		Rule{Name: "bert", Recipients: []string{"bert@example.org"}, WelcomeList: list(b, welcome.String()), BlockList: list(b, block.String())},
		Rule{Name: "lists", Lists: []string{"*.lists.example.org"}, HamCutoff: ptr(0.05)},
	)
	env := Envelope{Client: outsider, Sender: "news@shop.example"}
	b.ReportAllocs()
	for b.Loop() {
		c := p.NewContent()
		c.Field([]byte("From"), []byte(`"Marketing Team, Dept. 12" <newsletter+2026-11@mail.shop.bigretailer.example>`))
		c.Field([]byte("List-Id"), []byte("<x.lists.example.org>"))
		p.Settle(&env, c, "bert@example.org")
	}
}
