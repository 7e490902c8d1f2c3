package milter

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"testing"

	gomilter "github.com/d--j/go-milter"

	"fanmill/classify"
	"fanmill/headers"
	"fanmill/policy"
	"fanmill/spool"
)

func TestOutcomes(t *testing.T) {
	tests := []struct {
		name   string
		change func(*rig)
		mail   mail
		code   int
		text   string // ends the refusal with the id in front of it cut off
		status string // word of the verdict header, "" for none
		held   spool.Box
		mtaQ   bool
		rule   string
	}{
		{name: "ham", mail: subject("score 0.01"), code: 250, status: "ham", rule: "accept/default"},
		{name: "just ham", mail: subject("score 0.1499"), code: 250, status: "ham", rule: "accept/default"},
		{name: "unsure is held", mail: subject("score 0.15"), code: 250, held: spool.Unsure, rule: "hold/default"},
		{name: "spam below the reject cut-off is held", mail: subject("score 0.90"), code: 250, held: spool.Spam, rule: "hold/default"},
		{name: "spam is rejected", mail: subject("score 0.995"), code: 550, text: "550 5.7.1 " + DefaultRejectText, rule: "reject/default"},
		{
			name: "own reject text", change: func(r *rig) { r.RejectText = "100% no" },
			mail: subject("score 1"), code: 550, text: "550 5.7.1 100%% no", rule: "reject/default",
		},
		{name: "tagged", change: func(r *rig) { r.policy.Spam = policy.Tag }, mail: subject("score 1"), code: 250, status: "spam", rule: "tag/default"},
		{name: "discarded", change: func(r *rig) { r.policy.Spam = policy.Discard }, mail: subject("score 1"), code: 0, rule: "discard/default"},
		{
			name: "quarantined by the MTA", change: func(r *rig) { r.policy.Spam = policy.Quarantine },
			mail: subject("score 1"), code: 250, status: "spam", mtaQ: true, rule: "quarantine/default",
		},
		{name: "untrained", change: func(r *rig) { r.script.untrained = true }, mail: subject("score 1"), code: 250, status: "spam", rule: "tag/until-trained"},
		{
			name: "untrained, not even tagged", change: func(r *rig) { r.script.untrained = true; r.policy.UntilTrained = policy.Accept },
			mail: subject("score 1"), code: 250, rule: "accept/until-trained",
		},
		{name: "observed", change: func(r *rig) { r.policy.Observe = true }, mail: subject("score 1").with("X-Spam-Flag", " NO"), code: 250, rule: "reject/observe"},
		{name: "postmaster", mail: subject("score 1").rcpt("postmaster@example.net"), code: 250, status: "spam", rule: "tag/never-refuse"},
		{name: "score fails", mail: subject("error"), code: 451, text: "451 " + textFail, rule: "fail/on-error"},
		{
			name: "score fails, accept", change: func(r *rig) { r.policy.OnError = policy.Accept },
			mail: subject("error"), code: 250, status: "unscored", rule: "accept/on-error",
		},
		{
			name: "trusted client", change: func(r *rig) { r.policy.TrustedNetworks = []string{"192.0.2.0/24"} },
			mail: subject("score 1"), code: 250, rule: "accept/trusted-network",
		},
		{
			name: "relayed mail is held, not refused", change: func(r *rig) { r.policy.OwnHosts = []string{"192.0.2.7"}; r.policy.SkipOwnHosts = false },
			mail: subject("score 1"), code: 250, held: spool.Spam, rule: "hold/relayed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			if tt.change != nil {
				tt.change(r)
			}
			res := r.start().one(tt.mail)
			wantCode, wantGone := tt.code, tt.code == 0 || tt.held != ""
			if wantCode == 0 {
				wantCode = 250
			}
			if res.code != wantCode || res.discarded != wantGone || (res.held != "") != tt.mtaQ {
				t.Errorf("answer %v, want code %d, gone %v", res, wantCode, wantGone)
			}
			text, id := res.text, ""
			if tt.code == 550 {
				i := strings.LastIndexByte(text, ' ')
				text, id = text[:i], text[i+1:]
			}
			if text != tt.text || (tt.code == 550 && len(id) != 16) {
				t.Errorf("text %q, want %q and an id", res.text, tt.text)
			}
			checkStatus(t, res, tt.status)
			for _, b := range []spool.Box{spool.Unsure, spool.Spam} {
				if n, want := len(r.heldIn(b)), map[bool]int{true: 1}[b == tt.held]; n != want {
					t.Errorf("%d messages in %s, want %d", n, b, want)
				}
			}
			if r.rows.count(tt.rule) != 1 {
				t.Errorf("counted %v, want %s once", r.rows.counts, tt.rule)
			}
			if n := r.log.lines("msg=message", "queue_id=4QUEUEID", "client=\"client.example.com [192.0.2.7]\"", "sender=sender@example.com", "recipients=1"); n != 1 {
				t.Errorf("%d log lines for the message, want 1", n)
			}
		})
	}
}

func checkStatus(t *testing.T, res result, word string) {
	t.Helper()
	got := res.get("X-Fanmill-Status")
	switch {
	case word == "" && res.inserted > 0:
		t.Errorf("verdict header %q, want none", got)
	case word != "" && (len(got) != 1 || !strings.HasPrefix(got[0], " "+word+" ") || res.headers[0][0] != "X-Fanmill-Status"):
		t.Errorf("fields %q, want one X-Fanmill-Status: %s at the top", res.headers, word)
	}
}

func TestSeveralRecipients(t *testing.T) {
	const open, person, post = "list@example.net", "person@example.net", "postmaster@example.net"
	type row struct {
		name     string
		spam     policy.Outcome
		mixed    policy.Mode
		noDelete bool
		to       []string
		code     int
		get      []string // who gets it
		held     []string
		log      string
	}
	for _, tt := range []row{
		{name: "all the same", spam: policy.Reject, to: []string{open, "b@example.net"}, code: 550},
		{name: "all unfiltered", spam: policy.Reject, to: []string{person}, code: 250, get: []string{person}},
		{name: "unfiltered first does not free the second from a reject", spam: policy.Reject, to: []string{person, open}, code: 250, get: []string{person}, log: "recipient dropped"},
		{name: "nor the first from a discard", spam: policy.Discard, to: []string{open, person}, code: 250, get: []string{person}, log: "recipient dropped"},
		{name: "nor from a hold", spam: policy.Hold, to: []string{person, open}, code: 250, get: []string{person}, held: []string{open}},
		{name: "tag and hold", spam: policy.Hold, to: []string{open, post, person}, code: 250, get: []string{post, person}, held: []string{open}},
		{name: "tag and accept", spam: policy.Tag, to: []string{open, person}, code: 250, get: []string{open, person}},
		{name: "quarantine counts as hold", spam: policy.Quarantine, to: []string{open, person}, code: 250, get: []string{person}, held: []string{open}},
		{name: "lenient", spam: policy.Reject, mixed: policy.Lenient, to: []string{open, person}, code: 250, get: []string{open, person}},
		{name: "strict", spam: policy.Reject, mixed: policy.Strict, to: []string{open, person}, code: 250, get: []string{person}},
		{name: "MTA cannot delete", spam: policy.Reject, noDelete: true, to: []string{open, person}, code: 250, get: []string{open, person}, log: "mildest outcome"},
		{name: "hold for all", spam: policy.Hold, to: []string{open, "b@example.net"}, code: 250, held: []string{open, "b@example.net"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.policy.Spam, r.policy.Mixed, r.policy.Unfiltered = tt.spam, tt.mixed, []string{person}
			m := subject("score 1").rcpt(tt.to...).with("X-Fanmill-Status", " ham")
			res := r.start().one(m, withoutActions(tt.noDelete)...)
			if res.code != tt.code || !slices.Equal(res.to, tt.get) {
				t.Errorf("answer %v, want %d, mail to %v", res, tt.code, tt.get)
			}
			if len(tt.get) > 0 && slices.Contains(res.get("X-Fanmill-Status"), " ham") {
				t.Error("forged header is still there")
			}
			var held []string
			for _, b := range []spool.Box{spool.Unsure, spool.Spam} {
				for _, meta := range r.heldIn(b) {
					held = append(held, meta.Envelope.Recipients...)
				}
			}
			if !slices.Equal(held, tt.held) {
				t.Errorf("held for %v, want %v", held, tt.held)
			}
			if tt.log != "" && r.log.lines(tt.log) != 1 {
				t.Errorf("log lines with %q: %d, want 1", tt.log, r.log.lines(tt.log))
			}
			r.checkRows(t, tt.to)
		})
	}
}

// checkRows wants each recipient whose mail is filtered in exactly one history row,
// and no other; the id of the log line must be that of a row.
func (r *rig) checkRows(t *testing.T, to []string) {
	t.Helper()
	seen, ids := map[string]int{}, map[string]bool{}
	for _, rec := range r.rows.all() {
		for _, a := range rec.Recipients {
			seen[a]++
		}
		if ids[rec.ID] {
			t.Errorf("two history rows have the id %s", rec.ID)
		}
		ids[rec.ID] = true
		if r.log.lines("msg=message", "id="+rec.ID) == 1 {
			ids["logged"] = true
		}
	}
	for _, a := range to {
		want := 1
		if slices.Contains(r.policy.Unfiltered, a) {
			want = 0
		}
		if seen[a] != want {
			t.Errorf("%s stands in %d history rows, want %d", a, seen[a], want)
		}
	}
	if len(ids) > 0 && !ids["logged"] {
		t.Errorf("no row has the id of the log line: %v", ids)
	}
}

func TestOnePolicyPerMessage(t *testing.T) {
	r := newRig(t)
	r.policy.OnePolicy, r.policy.Unfiltered = true, []string{"person@example.net"}
	r.start()
	res := r.one(subject("score 1").rcpt("a@example.net", "person@example.net", "b@example.net"))
	if !slices.Equal(res.refused, []string{"person@example.net"}) || res.code != 550 {
		t.Errorf("answer %v, want person refused for now, and a reject", res)
	}
	m := r.mta()
	if _, err := m.s.Mail("s@example.com", ""); err != nil {
		t.Fatal(err)
	}
	a, err := m.s.Rcpt("a@example.net", "")
	if err != nil || a.Type != gomilter.ActionContinue {
		t.Fatalf("first RCPT: %v, %v; want it taken", a, err)
	}
	a, err = m.s.Rcpt("person@example.net", "")
	if err != nil || a.SMTPCode != 452 || !strings.HasPrefix(a.SMTPReply, "452 4.5.3 ") {
		t.Errorf("second RCPT: %v, %v; want 452 4.5.3", a, err)
	}
}

func TestOnePolicyInObserveMode(t *testing.T) {
	r := newRig(t)
	r.policy.OnePolicy, r.policy.Observe, r.policy.Unfiltered = true, true, []string{"person@example.net"}
	r.start()
	if res := r.one(subject("score 1").rcpt("a@example.net", "person@example.net")); len(res.refused) != 0 || res.code != 250 {
		t.Errorf("answer %v, want nobody refused", res)
	}
}

func TestOnePolicyUntilTrained(t *testing.T) {
	r := newRig(t)
	r.policy.OnePolicy, r.policy.Unfiltered = true, []string{"person@example.net"}
	r.script.untrained = true
	r.start()
	if res := r.one(subject("score 0").rcpt("a@example.net", "person@example.net")); len(res.refused) != 0 || res.code != 250 {
		t.Errorf("answer %v, want nobody refused", res)
	}
}

func TestHeaders(t *testing.T) {
	r := newRig(t)
	r.policy.Unsure = policy.Tag
	r.Families = []headers.Family{headers.Fanmill, headers.SpamBayes, headers.DSPAM, headers.Bogofilter, headers.SpamAssassin}
	m := subject("score 0.5")
	for range 3 {
		m = m.with("X-Spam-Flag", " NO").with("x-bogosity", " Ham").with("X-Other", " kept").with("X-SPAM-flag", " NO\n\tfolded")
	}
	res := r.start().one(m)
	var names []string
	for _, h := range res.headers[:res.inserted] {
		names = append(names, h[0])
		if !strings.HasPrefix(h[1], " ") || strings.HasPrefix(h[1], "  ") {
			t.Errorf("value %q of %s must begin with one blank", h[1], h[0])
		}
	}
	want := []string{"X-Fanmill-Status", "X-Spambayes-Classification", "X-DSPAM-Result", "X-DSPAM-Confidence", "X-DSPAM-Probability", "X-DSPAM-Signature", "X-Bogosity", "X-Spam-Flag", "X-Spam-Status", "X-Spam-Score", "X-Spam-Level"}
	if !slices.Equal(names, want) {
		t.Errorf("inserted %v\nwant     %v", names, want)
	}
	for _, h := range res.headers[res.inserted:] {
		if headers.IsVerdict(h[0]) {
			t.Errorf("forged field %s is still there", h[0])
		}
	}
	if n := len(res.get("X-Other")); n != 3 {
		t.Errorf("%d X-Other fields, want 3", n)
	}
}

// TestWhatIsNotFilteredIsNotRecorded: mail of people, of clients that logged in, of
// trusted networks and from this host leaves counters and no rows.
func TestWhatIsNotFilteredIsNotRecorded(t *testing.T) {
	login := gomilter.NewMacroBag()
	login.Set(gomilter.MacroAuthAuthen, "alice")
	for _, tt := range []struct {
		rule   string
		change func(*rig)
		macros *gomilter.MacroBag
		client string
		rows   int
	}{
		{rule: "default", rows: 1},
		{rule: "unfiltered", change: func(r *rig) { r.policy.Unfiltered = []string{"@example.net"} }},
		{rule: "authenticated", macros: login},
		{rule: "trusted-network", change: func(r *rig) { r.policy.TrustedNetworks = []string{"192.0.2.0/24"} }},
		{rule: "trusted-network", client: "127.0.0.1", change: func(r *rig) { r.policy.TrustedNetworks = policy.DefaultOptions().TrustedNetworks }},
		{rule: "own-host", change: func(r *rig) { r.policy.OwnHosts, r.policy.SkipOwnHosts = []string{"192.0.2.7"}, true }},
	} {
		r := newRig(t)
		if tt.change != nil {
			tt.change(r)
		}
		r.start()
		res := r.mtaAs(tt.macros, cmp.Or(tt.client, "192.0.2.7")).send(subject("score 0.01"))
		if n := len(r.rows.all()); res.code != 250 || n != tt.rows || r.rows.count("accept/"+tt.rule) != 1 {
			t.Errorf("%s: %d rows, want %d; answer %v, counted %v", tt.rule, n, tt.rows, res, r.rows.counts)
		}
	}
}

func TestUnfilteredMailIsStrippedButNotKept(t *testing.T) {
	r := newRig(t)
	r.policy.Unfiltered = []string{"person@example.net"}
	res := r.start().one(subject("panic").rcpt("person@example.net").with("X-DSPAM-Result", " Innocent").with("X-Fanmill-Status", " ham"))
	if res.code != 250 || res.inserted != 0 || len(res.headers) != 4 {
		t.Errorf("answer %v, fields %q: want it to pass, stripped", res, res.headers)
	}
	if n := len(r.rows.all()); n != 0 {
		t.Errorf("%d history rows for unfiltered mail", n)
	}
	if r.rows.count("accept/unfiltered") != 1 {
		t.Errorf("counted %v", r.rows.counts)
	}
}

// scores is a Learner that notes what it is offered.
type scores struct {
	mu   sync.Mutex
	list []float64
}

func (s *scores) Learn(_ *classify.Message, score classify.Score) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, score.P)
}

// Mail from outside that is filtered and was scored is offered to the learner, and
// nothing else is.
func TestWhatIsOfferedToTheLearner(t *testing.T) {
	anna := "anna"
	inScope := func(r *rig) { r.policy.Rules = []policy.Rule{{Scope: &anna}} }
	for name, tt := range map[string]struct {
		change func(*rig)
		mail   mail
		want   []float64
	}{
		"ham":        {mail: subject("score 0.01"), want: []float64{0.01}},
		"refused":    {mail: subject("score 0.999"), want: []float64{0.999}},
		"held":       {mail: subject("score 0.5"), want: []float64{0.5}},
		"not scored": {mail: subject("error")},
		// The scope has no labels, or labels that had a say.
		"in a scope":                 {change: inScope, mail: subject("score 0.01"), want: []float64{0.01}},
		"by own labels":              {change: inScope, mail: subject("own score 0.01")},
		"by own labels and the site": {change: inScope, mail: subject("own score 0.01").rcpt("one@example.net", "two@example.net"), want: []float64{0.01}},
		"observed":                   {change: func(r *rig) { r.policy.Observe = true }, mail: subject("score 0.01")},
		"unfiltered":                 {change: func(r *rig) { r.policy.Unfiltered = []string{"one@example.net"} }, mail: subject("score 0.01")},
		"trusted":                    {change: func(r *rig) { r.policy.SkipTrusted, r.policy.TrustedNetworks = false, []string{"192.0.2.0/24"} }, mail: subject("score 0.01")},
		"to come again": {change: func(r *rig) {
			r.spool = &trapSpool{Spool: r.disk, hold: func(func() error) error { return spool.ErrFull }}
		}, mail: subject("score 0.5")},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if tt.change != nil {
				tt.change(r)
			}
			learner := new(scores)
			r.learner = learner
			r.start().one(tt.mail)
			learner.mu.Lock()
			defer learner.mu.Unlock()
			if !slices.Equal(learner.list, tt.want) {
				t.Errorf("got %v, want %v", learner.list, tt.want)
			}
		})
	}
}
