package milter

import (
	"strings"
	"testing"

	gomilter "github.com/d--j/go-milter"

	"fanmill/headers"
	"fanmill/policy"
)

// TestForgedFieldsGoOnEveryPath: whoever sent a message and whatever is done with it,
// what arrived as a verdict does not go on; and what goes on carries a verdict only
// where it is wanted.
func TestForgedFieldsGoOnEveryPath(t *testing.T) {
	login := gomilter.NewMacroBag()
	login.Set(gomilter.MacroAuthAuthen, "alice")
	trusted := func(r *rig) { r.policy.TrustedNetworks = []string{"192.0.2.0/24"} }
	for _, tt := range []struct {
		name   string
		change func(*rig)
		macros *gomilter.MacroBag
		mail   mail
		marked bool
	}{
		{name: "ham", mail: subject("score 0.01"), marked: true},
		{name: "tagged", change: func(r *rig) { r.policy.Spam = policy.Tag }, mail: subject("score 1"), marked: true},
		{name: "quarantined", change: func(r *rig) { r.policy.Spam = policy.Quarantine }, mail: subject("score 1"), marked: true},
		{name: "untrained", change: func(r *rig) { r.script.untrained = true; r.policy.UntilTrained = policy.Accept }, mail: subject("score 1")},
		{name: "unscored", change: func(r *rig) { r.policy.OnError = policy.Accept }, mail: subject("error"), marked: true},
		{name: "unfiltered", change: func(r *rig) { r.policy.Unfiltered = []string{"@example.net"} }, mail: subject("score 1")},
		{name: "unfiltered and filtered", change: func(r *rig) { r.policy.Unfiltered = []string{"one@"} }, mail: subject("score 1").rcpt("one@example.net", "two@example.net")},
		{name: "trusted", change: trusted, mail: subject("score 1")},
		{name: "trusted, but filtered", change: func(r *rig) { trusted(r); r.policy.SkipTrusted = false }, mail: subject("score 0.01"), marked: true},
		{name: "own host", change: func(r *rig) { r.policy.OwnHosts = []string{"192.0.2.7"} }, mail: subject("score 1")},
		{name: "authenticated", macros: login, mail: subject("score 1")},
		{name: "authenticated, but filtered", change: func(r *rig) { r.policy.SkipAuthenticated = false }, macros: login, mail: subject("score 0.01")},
		{
			name: "authenticated, filtered and asked for", macros: login, mail: subject("score 0.01"), marked: true,
			change: func(r *rig) { r.policy.SkipAuthenticated, r.MarkAuthenticated = false, true },
		},
		{
			name: "authenticated, unscored", macros: login, mail: subject("error"),
			change: func(r *rig) { r.policy.SkipAuthenticated, r.policy.OnError = false, policy.Accept },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.Families = []headers.Family{headers.Fanmill, headers.SpamBayes, headers.DSPAM, headers.Bogofilter, headers.SpamAssassin, headers.Stars}
			if tt.change != nil {
				tt.change(r)
			}
			r.start()
			m := r.mtaAs(tt.macros, "192.0.2.7")
			forged := []string{
				"X-Fanmill-Status", "x-fanmill-clues", "X-SPAM-STATUS", "X-Spam-Level", "X-Spam", "X-Spamd-Result", "X-Spambayes-Classification",
				"X-Spambayes-Evidence", "X-DSPAM-Result", "X-DSPAM-Factors", "X-DSPAM-Reclassified", "X-Bogosity",
			}
			x := tt.mail
			for _, name := range forged {
				x = x.with(name, " forged\n\tand folded").with(name, " forged again")
			}
			res := m.send(x)
			if res.code != 250 || len(res.to) == 0 || (res.inserted > 0) != tt.marked {
				t.Fatalf("answer %v, %d fields inserted, want marked: %v", res, res.inserted, tt.marked)
			}
			for _, h := range res.headers {
				if strings.Contains(h[1], "forged") {
					t.Errorf("%s: %q is still there", h[0], h[1])
				}
			}
		})
	}
}

// TestEvidence: as many clues as are wanted, in the form of each family, and nothing
// that a header cannot have.
func TestEvidence(t *testing.T) {
	for _, evidence := range []int{0, 3} {
		r := newRig(t)
		r.scorer, r.Clues, r.Evidence = &opinionScorer{taught: map[string]opinion{"": {}}}, 5, evidence
		r.policy.Unsure, r.policy.Spam = policy.Tag, policy.Tag
		r.Families = []headers.Family{headers.Fanmill, headers.SpamBayes, headers.DSPAM}
		res := r.start().one(subject("gr\xc3\xbc\xc3\x9fe \"it's\" 100% \xff\x01 \u202e"))
		for name, between := range map[string]string{"X-Fanmill-Clues": ";", "X-Spambayes-Evidence": ";", "X-DSPAM-Factors": ",\n\t"} {
			got := res.get(name)
			if len(got) != min(evidence, 1) {
				t.Fatalf("evidence %d: fields %s: %q", evidence, name, got)
			}
			if evidence == 0 {
				continue
			}
			if i := strings.IndexFunc(got[0], func(r rune) bool { return r != '\n' && r != '\t' && (r < ' ' || r > '~') }); i >= 0 {
				t.Errorf("%s: %q has something else than ASCII", name, got[0])
			}
			if n := strings.Count(got[0], between); n != evidence && n != evidence-1 {
				t.Errorf("%s: %q, want %d clues", name, got[0], evidence)
			}
		}
	}
}
