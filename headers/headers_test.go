package headers

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fanmill/classify"
	"fanmill/policy"
)

var all = []Family{Fanmill, SpamBayes, DSPAM, Bogofilter, SpamAssassin, Stars}

func TestRender(t *testing.T) {
	const id = "0f3kq81m2n4p6r8t"
	tests := []struct {
		name     string
		families []Family
		info     Info
		want     []Field
	}{
		{
			"fanmill",
			[]Family{Fanmill},
			Info{ID: id, Verdict: classify.Unsure, Score: 0.43121},
			[]Field{{"X-Fanmill-Status", "unsure score=0.4312 id=" + id}},
		},
		{
			"unscored has no other family", all,
			Info{ID: id, Unscored: true, Verdict: classify.Spam, Score: 1},
			[]Field{{"X-Fanmill-Status", "unscored id=" + id}},
		},
		{
			"spambayes",
			[]Family{SpamBayes},
			Info{Verdict: classify.Ham, Score: 0.0204},
			[]Field{{"X-Spambayes-Classification", "ham; 0.02"}},
		},
		{
			"dspam spam",
			[]Family{DSPAM},
			Info{ID: id, Verdict: classify.Spam, Score: 0.95},
			[]Field{{"X-DSPAM-Result", "Spam"}, {"X-DSPAM-Confidence", "0.9000"}, {"X-DSPAM-Probability", "0.9500"}, {"X-DSPAM-Signature", id}},
		},
		{
			"dspam unsure is innocent",
			[]Family{DSPAM},
			Info{ID: id, Verdict: classify.Unsure, Score: 0.5},
			[]Field{{"X-DSPAM-Result", "Innocent"}, {"X-DSPAM-Confidence", "0.0000"}, {"X-DSPAM-Probability", "0.5000"}, {"X-DSPAM-Signature", id}},
		},
		{
			"bogofilter",
			[]Family{Bogofilter},
			Info{Verdict: classify.Spam, Score: 0.999999},
			[]Field{{"X-Bogosity", "Spam, tests=bogofilter, spamicity=0.999999, version=fanmill"}},
		},
		{
			"spamassassin at the cut-off",
			[]Family{SpamAssassin},
			Info{Verdict: classify.Spam, Score: 0.90},
			[]Field{{"X-Spam-Flag", "YES"}, {"X-Spam-Status", "Yes, score=5.0 required=5.0 tests=FANMILL_SPAM\n\tautolearn=no version=fanmill"}, {"X-Spam-Score", "5.0 (*****)"}, {"X-Spam-Level", "*****"}},
		},
		{
			"spamassassin just below it",
			[]Family{SpamAssassin},
			Info{Verdict: classify.Unsure, Score: math.Nextafter(0.90, 0)},
			[]Field{{"X-Spam-Flag", "NO"}, {"X-Spam-Status", "No, score=4.9 required=5.0 tests=FANMILL_UNSURE\n\tautolearn=no version=fanmill"}, {"X-Spam-Score", "4.9 (****)"}, {"X-Spam-Level", "****"}},
		},
		{
			"spamassassin zero",
			[]Family{SpamAssassin},
			Info{Verdict: classify.Ham},
			[]Field{{"X-Spam-Flag", "NO"}, {"X-Spam-Status", "No, score=0.0 required=5.0 tests=FANMILL_HAM\n\tautolearn=no version=fanmill"}, {"X-Spam-Score", "0.0"}},
		},
		{
			"stars alone",
			[]Family{Stars},
			Info{Verdict: classify.Spam, Score: 1},
			[]Field{{"X-Spam-Level", "**********"}},
		},
		{
			"stars once",
			[]Family{Stars, SpamAssassin, Stars},
			Info{Verdict: classify.Spam, Score: 0.90},
			[]Field{{"X-Spam-Level", "*****"}, {"X-Spam-Flag", "YES"}, {"X-Spam-Status", "Yes, score=5.0 required=5.0 tests=FANMILL_SPAM\n\tautolearn=no version=fanmill"}, {"X-Spam-Score", "5.0 (*****)"}},
		},
		{
			"evidence",
			[]Family{Fanmill, SpamBayes, DSPAM},
			Info{ID: id, Verdict: classify.Ham, Score: 0.02, Clues: []classify.Clue{
				{Text: "subject: offer", Prob: 0.991}, {Text: "don't 100%", Prob: 0.01}, {Text: "\"it's\"\n\xe4", Prob: 0.5}, {Text: "meeting notes of monday", Prob: 0},
			}},
			[]Field{
				{"X-Fanmill-Status", "ham score=0.0200 id=" + id},
				{"X-Fanmill-Clues", `"subject: offer" 0.99; "don't 100%" 0.01;` + "\n\t" + `"\"it's\"\n\xe4" 0.50; "meeting notes of monday" 0.00`},
				{"X-Spambayes-Classification", "ham; 0.02"},
				{"X-Spambayes-Evidence", `'subject: offer': 0.99; "don't 100%": 0.01;` + "\n\t" + `'"it\'s"\n\xe4': 0.50; 'meeting notes of monday': 0.00`},
				{"X-DSPAM-Result", "Innocent"},
				{"X-DSPAM-Confidence", "0.9600"},
				{"X-DSPAM-Probability", "0.0200"},
				{"X-DSPAM-Signature", id},
				{"X-DSPAM-Factors", "4,\n\tsubject: offer, 0.99100,\n\tdon't 100%25, 0.01000,\n\t\"it's\"%0a%e4, 0.50000,\n\tmeeting notes of monday, 0.00000"},
			},
		},
		{
			"reclassified",
			[]Family{DSPAM},
			Info{ID: id, Verdict: classify.Ham, Score: 0, Sender: policy.Block},
			[]Field{{"X-DSPAM-Result", "Innocent"}, {"X-DSPAM-Confidence", "1.0000"}, {"X-DSPAM-Probability", "0.0000"}, {"X-DSPAM-Signature", id}, {"X-DSPAM-Reclassified", "Spam"}},
		},
		{
			"reclassified, unscored", all,
			Info{ID: id, Unscored: true, Sender: policy.Block},
			[]Field{
				{"X-Fanmill-Status", "spam list=block id=" + id},
				{"X-Spambayes-Classification", "spam; 1.00"},
				{"X-DSPAM-Reclassified", "Spam"},
				{"X-Bogosity", "Spam, tests=bogofilter, spamicity=1.000000, version=fanmill"},
				{"X-Spam-Flag", "YES"},
				{"X-Spam-Status", "Yes, score=10.0 required=5.0 tests=FANMILL_SPAM\n\tautolearn=no version=fanmill"},
				{"X-Spam-Score", "10.0 (**********)"},
				{"X-Spam-Level", "**********"},
			},
		},
		{
			"blocked with a score",
			[]Family{Fanmill},
			Info{ID: id, Verdict: classify.Ham, Score: 0.02, Sender: policy.Block},
			[]Field{{"X-Fanmill-Status", "spam score=0.0200 list=block id=" + id}},
		},
		{
			"welcome", all,
			Info{ID: id, Verdict: classify.Spam, Score: 0.999, Sender: policy.Welcome},
			[]Field{
				{"X-Fanmill-Status", "ham score=0.9990 list=welcome id=" + id},
				{"X-Spambayes-Classification", "ham; 0.00"},
				{"X-DSPAM-Result", "Innocent"},
				{"X-DSPAM-Confidence", "1.0000"},
				{"X-DSPAM-Probability", "0.0000"},
				{"X-DSPAM-Signature", id},
				{"X-Bogosity", "Ham, tests=bogofilter, spamicity=0.000000, version=fanmill"},
				{"X-Spam-Flag", "NO"},
				{"X-Spam-Status", "No, score=0.0 required=5.0 tests=FANMILL_HAM\n\tautolearn=no version=fanmill"},
				{"X-Spam-Score", "0.0"},
			},
		},
		{
			"each family once",
			[]Family{SpamBayes, Fanmill, SpamBayes, 200},
			Info{ID: "a\r\nX: y", Score: math.NaN(), Verdict: classify.Unsure},
			[]Field{{"X-Spambayes-Classification", "unsure; 0.50"}, {"X-Fanmill-Status", "unsure score=0.5000 id=aXy"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, Render(tt.families, tt.info)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRenderedFieldsAreSafeAndStripped(t *testing.T) {
	hostile := []classify.Clue{
		{Text: "subject: \r\nBcc: x@example.com\x00\x1b[2J\u202e", Prob: 0.99},
		{Text: strings.Repeat("\u00e4\\", 4000), Prob: math.Inf(1)},
		{Text: "plain", Prob: -1},
	}
	for _, v := range []classify.Verdict{classify.Ham, classify.Unsure, classify.Spam} {
		for _, f := range Render(all, Info{ID: "x\n\xff", Verdict: v, Score: 0.7, Clues: hostile}) {
			if !IsVerdict(f.Name) || !IsWritten(f.Name) {
				t.Errorf("%s is written but not stripped", f.Name)
			}
			longest := 78
			if slices.Contains([]string{"X-Fanmill-Clues", "X-Spambayes-Evidence", "X-DSPAM-Factors"}, f.Name) {
				longest = 998 // a long clue
			}
			for n, line := range strings.Split(f.Name+": "+f.Value, "\n") {
				if len(line) > longest || (n > 0 && !strings.HasPrefix(line, "\t")) {
					t.Errorf("%s: bad line %q", f.Name, line)
				}
				for _, c := range []byte(strings.TrimPrefix(line, "\t")) {
					if c < ' ' || c > '~' {
						t.Errorf("%s: byte %#x in %q", f.Name, c, line)
					}
				}
			}
		}
	}
}

func TestEveryWrittenNameIsRendered(t *testing.T) {
	got := map[string]bool{}
	for _, f := range Render(all, Info{Score: 1, Verdict: classify.Spam, Sender: policy.Block, Clues: []classify.Clue{{Text: "a"}}}) {
		got[strings.ToLower(f.Name)] = true
	}
	for _, w := range written {
		if !got[w] {
			t.Errorf("%s is in the list of written names, but is never written", w)
		}
	}
}

func TestFamilyNames(t *testing.T) {
	for _, f := range all {
		if got, err := ParseFamily(f.String()); err != nil || got != f {
			t.Errorf("ParseFamily(%q) = %v, %v", f, got, err)
		}
	}
	if _, err := ParseFamily("rspamd"); err == nil || !strings.Contains(err.Error(), "spambayes") {
		t.Errorf("unknown family: error %v does not list the known ones", err)
	}
}

func TestIsVerdict(t *testing.T) {
	yes := []string{"X-Fanmill-Status", "x-fanmill-anything", "X-SPAM-FLAG", "x-spam", "X-Spam-Checker-Version", "X-Spamd-Result", "X-Spambayes-Trained", "X-DSPAM-Reclassified", "X-Bogosity", "X-Spam-Flag \t"}
	no := []string{"", "Subject", "X-Spam-", "X-Spa", "X-Bogosity2", "X-Spammer", "X-Fanmill", "Received", "Authentication-Results", " X-Spam-Flag"}
	for _, n := range yes {
		if !IsVerdict(n) || !IsVerdict([]byte(n)) {
			t.Errorf("IsVerdict(%q) = false", n)
		}
	}
	for _, n := range no {
		if IsVerdict(n) || IsVerdict([]byte(n)) {
			t.Errorf("IsVerdict(%q) = true", n)
		}
	}
	name := []byte("X-Spam-Checker-Version")
	if n := testing.AllocsPerRun(100, func() { IsVerdict(name); IsVerdict("Subject"); IsWritten(name) }); n != 0 {
		t.Errorf("%v allocations per call, want none", n)
	}
}
