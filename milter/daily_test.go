package milter

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gomilter "github.com/d--j/go-milter"

	"fanmill/milter/maillog"
	"fanmill/policy"
	"fanmill/store/history"
)

// recorders writes to several, as the daemon writes to one.
type recorders []Recorder

func (l recorders) Add(r history.Record) {
	for _, x := range l {
		x.Add(r)
	}
}

func (l recorders) Count(day, outcome, rule string, n int64) {
	for _, x := range l {
		x.Count(day, outcome, rule, n)
	}
}

func (l recorders) Tally(day string, columns ...string) {
	for _, x := range l {
		x.Tally(day, columns...)
	}
}

// TestLogAndCountersAgree: the daily table is the same from the log as from the
// history, on traffic that meets every outcome there is.
func TestLogAndCountersAgree(t *testing.T) {
	const person, post = "person@example.net", "postmaster@example.net"
	login := gomilter.NewMacroBag()
	login.Set(gomilter.MacroAuthAuthen, "alice")
	h, err := history.Open(t.Context(), history.Options{Dir: t.TempDir(), Addresses: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	log := &logBuffer{}
	blocked := func(rule policy.Rule) func(*rig) {
		rule.Name, rule.Senders = "senders", []string{"@example.com"}
		return func(r *rig) { r.policy.Rules = []policy.Rule{rule} }
	}
	attachments := func(r *rig) { r.policy.RejectAttachments = []string{"exe"} }
	delays := func(r *rig) { r.policy.Unsure = policy.Delay }
	var want []string
	for _, tt := range []struct {
		change  func(*rig)
		mail    mail
		twice   bool
		macros  gomilter.Macros
		columns string // of the last message
		refused bool   // at RCPT: no message
	}{
		{mail: subject("score 0.01"), columns: "accept"},
		{mail: subject("score 0.5"), columns: "held"},
		{mail: subject("score 0.5"), twice: true, columns: "held"},
		{change: delays, mail: subject("score 0.5"), columns: "delayed"},
		{change: delays, mail: subject("score 0.5"), twice: true, columns: "delayed"},
		{change: delays, mail: subject("score 0.5").rcpt(person, "a@example.net"), columns: "accept-unfiltered held"},
		{mail: subject("score 1"), columns: "reject-spam"},
		{mail: subject("score 1").rcpt(post), columns: "tagged"},
		{change: attachments, mail: attaching("score 0.01", "a.exe", nil), columns: "reject-attachment"},
		{change: attachments, mail: attaching("score 0.01", "a.exe", nil).rcpt(person, "a@example.net"), columns: "accept-unfiltered reject-attachment"},
		{change: attachments, mail: attaching("score 0.01", "a.exe", nil).rcpt(post), columns: "tagged"},
		{change: func(r *rig) { r.policy.BypassWord = "NOTSPAM" }, mail: subject("score 1 NOTSPAM"), columns: "accept-bypassed"},
		{mail: subject("error"), columns: "failed"},
		{mail: subject("error").rcpt(post), columns: "unscored"},
		{mail: subject("panic"), columns: "failed"},
		{change: func(r *rig) { r.policy.OnError = policy.Accept }, mail: subject("error"), columns: "unscored"},
		{change: func(r *rig) { r.policy.Spam = policy.Discard }, mail: subject("score 1"), columns: "discarded"},
		{change: func(r *rig) { r.policy.Spam = policy.Quarantine }, mail: subject("score 1"), columns: "quarantined"},
		{change: func(r *rig) { r.policy.Observe = true }, mail: subject("score 1"), columns: "reject-spam"},
		{change: func(r *rig) { r.policy.Observe = true }, mail: subject("score 0.5").rcpt("a@example.net", person), columns: "accept-unfiltered held"},
		{change: func(r *rig) { r.policy.TrustedNetworks = []string{"192.0.2.0/24"} }, mail: subject("score 1"), columns: "accept-local"},
		{mail: subject("score 1"), macros: login, columns: "accept-local"},
		{mail: subject("score 1").rcpt(person), columns: "accept-unfiltered"},
		{mail: subject("score 0.01").rcpt(person, "a@example.net"), columns: "accept"},
		{mail: subject("score 0.5").rcpt(person, "a@example.net"), columns: "accept-unfiltered held"},
		{mail: subject("score 1").rcpt(person, "a@example.net", "b@example.net"), columns: "accept-unfiltered reject-spam"},
		{mail: subject("score 0.91").rcpt("a@example.net", post), columns: "tagged held"},
		{change: blocked(policy.Rule{Sender: policy.Block, AtEnd: true}), mail: subject("score 0.01"), columns: "reject-block"},
		{change: blocked(policy.Rule{Sender: policy.Block}), mail: subject("score 0.01"), columns: "reject-block", refused: true},
		{change: blocked(policy.Rule{Sender: policy.Block, Recipients: []string{"a@"}}), mail: subject("score 0.01").rcpt("a@example.net", "b@example.net"), columns: "accept"},
		{change: blocked(policy.Rule{Sender: policy.Block, AtEnd: true, Recipients: []string{"a@"}}), mail: subject("score 0.01").rcpt("a@example.net", "b@example.net"), columns: "accept reject-block"},
		{change: blocked(policy.Rule{Sender: policy.Welcome}), mail: subject("score 1"), columns: "accept-bypassed"},
	} {
		r := newRig(t)
		r.policy.Unfiltered = []string{person}
		if tt.change != nil {
			tt.change(r)
		}
		parts := r.parts()
		parts.Recorder, parts.Logger = recorders{h, r.rows}, textLogger(log)
		srv, err := New(r.Options, parts, r.settings())
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		t.Cleanup(func() { srv.Stop(t.Context()) })
		macros := cmp.Or[gomilter.Macros](tt.macros, gomilter.NewMacroBag())
		m, err := dialAs(t, srv.Addr()[0], macros, "client.example.com", "192.0.2.7")
		if err != nil {
			t.Fatal(err)
		}
		m.send(tt.mail)
		if tt.twice {
			m.send(tt.mail)
		}
		if !tt.refused {
			tt.columns += " total"
		}
		tallied := r.rows.table
		if last := tallied[len(tallied)-1]; last != tt.columns {
			t.Errorf("%q for %v is counted as %q, want %q", tt.mail.headers[2][1], tt.mail.to, tallied, tt.columns)
		}
		want = append(want, tallied...)
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	counted, sum := map[string]int64{}, map[string]int64{}
	cells, err := h.Table(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		counted[c.Day+" "+c.Column] = c.N
		sum[c.Column] += c.N
	}
	table := maillog.NewTable(time.Local)
	report, err := (&maillog.Counter{Table: table}).Count(strings.NewReader(log.String()))
	if err != nil || report.Broken > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	read := map[string]int64{}
	for _, row := range table.Rows() {
		for c, n := range row.N {
			if n > 0 {
				read[row.Day+" "+policy.Column(c).String()] = n
			}
		}
	}
	if !maps.Equal(counted, read) {
		t.Errorf("counted %v\nthe log says %v\n%s", counted, read, log)
	}
	expected := map[string]int64{}
	for _, names := range want {
		for name := range strings.FieldsSeq(names) {
			expected[name]++
		}
	}
	if !maps.Equal(sum, expected) {
		t.Errorf("counted %v\nwant %v", sum, expected)
	}
	if names := slices.Sorted(maps.Keys(sum)); len(names) != policy.Columns {
		t.Errorf("columns %v: all should be there", names)
	}
}
