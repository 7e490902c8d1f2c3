package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// decisions builds decisions from words: an outcome, with "free:" for a
// recipient that is not filtered and "spare:" for one never refused. The
// recipients are a@x, b@x, c@x ...
func decisions(t *testing.T, words ...string) []Decision {
	t.Helper()
	var ds []Decision
	for i, w := range words {
		d := Decision{Recipient: string(rune('a'+i)) + "@x", Filtered: true, Rule: RuleDefault}
		if rest, ok := strings.CutPrefix(w, "free:"); ok {
			w, d.Filtered, d.Rule = rest, false, RuleUnfiltered
		} else if rest, ok := strings.CutPrefix(w, "spare:"); ok {
			w, d.Exempt = rest, true
		}
		o, err := ParseOutcome(w)
		if err != nil {
			t.Fatal(err)
		}
		d.Outcome = o
		ds = append(ds, d)
	}
	return ds
}

// row is one row of the table of docs/design.md, section "Several recipients".
type row struct {
	name    string
	mode    Mode
	in      []string
	noDel   bool
	want    Result
	dropped []string // recipients of want.Dropped, with the outcome carried out
}

// in groups the words of a row's decisions.
func in(words ...string) []string { return words }

// to groups recipients.
func to(rcpts ...string) []string { return rcpts }

func rows() []row {
	return []row{
		{name: "nobody", in: in(), want: Result{}},

		// any fail -> 451 for all
		{name: "fail alone", in: in("fail"), want: Result{Outcome: Fail}},
		{name: "any fail is 451 for all", in: in("accept", "reject", "fail"), want: Result{Outcome: Fail}},
		{name: "any fail, also beside an unfiltered recipient", in: in("free:accept", "fail"), want: Result{Outcome: Fail}},
		{name: "any fail, lenient", mode: Lenient, in: in("accept", "fail"), want: Result{Outcome: Fail}},
		{name: "any fail, strict", mode: Strict, in: in("free:accept", "fail"), want: Result{Outcome: Fail}},

		// all equal -> that
		{name: "all accept", in: in("accept", "accept"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x")}},
		{name: "all tag", in: in("tag", "tag"), want: Result{Outcome: Tag, Deliver: to("a@x", "b@x"), Tagged: true}},
		{name: "all hold", in: in("hold", "hold"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "all reject", in: in("reject", "reject"), want: Result{Outcome: Reject}},
		{name: "all discard", in: in("discard", "discard"), want: Result{Outcome: Discard}},
		{name: "all delay", in: in("delay", "delay"), want: Result{Outcome: Delay}},
		{name: "all quarantine", in: in("quarantine", "quarantine"), want: Result{Outcome: Quarantine}},
		{name: "one recipient, reject", in: in("reject"), want: Result{Outcome: Reject}},
		{name: "one recipient, hold, no DELRCPT", in: in("hold"), noDel: true, want: Result{Outcome: Hold, Held: to("a@x")}},

		// delay and quarantine count as hold unless all are
		{name: "delay counts as hold", in: in("delay", "hold"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "quarantine counts as hold", in: in("quarantine", "hold"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "delay and quarantine are both held", in: in("delay", "quarantine"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "delay beside accept is held", in: in("accept", "delay"), want: Result{Outcome: Accept, Deliver: to("a@x"), Held: to("b@x")}},
		{name: "quarantine beside accept is held", in: in("accept", "quarantine"), want: Result{Outcome: Accept, Deliver: to("a@x"), Held: to("b@x")}},
		{name: "delay beside reject is held", in: in("reject", "delay"), want: Result{Outcome: Hold, Held: to("b@x")}, dropped: in("a@x reject")},

		// somebody accepts or is tagged -> the message goes on to those
		{name: "accept and tag", in: in("accept", "tag"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x"), Tagged: true}},
		{name: "accept and tag need no DELRCPT", in: in("accept", "tag"), noDel: true, want: Result{Outcome: Accept, Deliver: to("a@x", "b@x"), Tagged: true}},
		{name: "accept and hold", in: in("accept", "hold", "hold"), want: Result{Outcome: Accept, Deliver: to("a@x"), Held: to("b@x", "c@x")}},
		{name: "accept and reject", in: in("reject", "accept"), want: Result{Outcome: Accept, Deliver: to("b@x")}, dropped: in("a@x reject")},
		{name: "accept and discard", in: in("accept", "discard"), want: Result{Outcome: Accept, Deliver: to("a@x")}, dropped: in("b@x discard")},
		{name: "tag and reject", in: in("tag", "reject"), want: Result{Outcome: Accept, Deliver: to("a@x"), Tagged: true}, dropped: in("b@x reject")},
		{
			name: "accept, tag, hold, reject, discard",
			in:   in("accept", "tag", "hold", "reject", "discard"),
			want: Result{Outcome: Accept, Deliver: to("a@x", "b@x"), Held: to("c@x"), Tagged: true}, dropped: in("d@x reject", "e@x discard"),
		},
		{name: "unfiltered beside reject", in: in("free:accept", "reject"), want: Result{Outcome: Accept, Deliver: to("a@x")}, dropped: in("b@x reject")},

		// nobody accepts
		{name: "reject and hold", in: in("reject", "hold"), want: Result{Outcome: Hold, Held: to("b@x")}, dropped: in("a@x reject")},
		{name: "reject and hold need no DELRCPT", in: in("reject", "hold"), noDel: true, want: Result{Outcome: Hold, Held: to("b@x")}, dropped: in("a@x reject")},
		{name: "discard and hold", in: in("discard", "hold"), want: Result{Outcome: Hold, Held: to("b@x")}, dropped: in("a@x discard")},
		{name: "reject and discard are refused", in: in("discard", "reject"), want: Result{Outcome: Reject}},

		// lenient: the mildest outcome for all
		{name: "lenient accept", mode: Lenient, in: in("reject", "accept", "hold"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x", "c@x")}},
		{name: "lenient tag", mode: Lenient, in: in("reject", "tag"), want: Result{Outcome: Tag, Deliver: to("a@x", "b@x"), Tagged: true}},
		{name: "lenient hold", mode: Lenient, in: in("reject", "hold"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "lenient discard", mode: Lenient, in: in("reject", "discard"), want: Result{Outcome: Discard}},
		{name: "lenient, delay among others is a hold", mode: Lenient, in: in("reject", "delay"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "lenient, all delay", mode: Lenient, in: in("delay", "delay"), want: Result{Outcome: Delay}},

		// strict: the hardest outcome for all, never against an unfiltered recipient
		{name: "strict reject", mode: Strict, in: in("accept", "hold", "reject"), want: Result{Outcome: Reject}},
		{name: "strict hold", mode: Strict, in: in("accept", "hold"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{name: "strict tag", mode: Strict, in: in("accept", "tag"), want: Result{Outcome: Tag, Deliver: to("a@x", "b@x"), Tagged: true}},
		{name: "strict, quarantine among others is a hold", mode: Strict, in: in("accept", "quarantine"), want: Result{Outcome: Hold, Held: to("a@x", "b@x")}},
		{
			name: "strict spares the unfiltered", mode: Strict, in: in("free:accept", "accept", "reject"),
			want: Result{Outcome: Accept, Deliver: to("a@x")}, dropped: in("b@x reject", "c@x reject"),
		},
		{
			name: "strict hold spares the unfiltered", mode: Strict, in: in("free:accept", "tag", "hold"),
			want: Result{Outcome: Accept, Deliver: to("a@x"), Held: to("b@x", "c@x")},
		},
		{
			name: "strict spares postmaster", mode: Strict, in: in("spare:tag", "reject"),
			want: Result{Outcome: Accept, Deliver: to("a@x"), Tagged: true}, dropped: in("b@x reject"),
		},
		{name: "strict, all unfiltered", mode: Strict, in: in("free:accept", "free:accept"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x")}},

		// DELRCPT not offered -> lenient
		{name: "no DELRCPT, accept and reject", noDel: true, in: in("accept", "reject"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x"), Lenient: true}},
		{name: "no DELRCPT, tag and hold", noDel: true, in: in("tag", "hold"), want: Result{Outcome: Tag, Deliver: to("a@x", "b@x"), Tagged: true, Lenient: true}},
		{name: "no DELRCPT, strict beside an unfiltered", mode: Strict, noDel: true, in: in("free:accept", "reject"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x"), Lenient: true}},
		{name: "no DELRCPT, lenient needs none", mode: Lenient, noDel: true, in: in("accept", "reject"), want: Result{Outcome: Accept, Deliver: to("a@x", "b@x")}},
		{name: "no DELRCPT, strict needs none", mode: Strict, noDel: true, in: in("accept", "reject"), want: Result{Outcome: Reject}},
	}
}

func TestCombine(t *testing.T) {
	for _, tt := range rows() {
		t.Run(tt.name, func(t *testing.T) {
			p := mustCompile(t, func(o *Options) { o.Mixed = tt.mode })
			ds := decisions(t, tt.in...)
			before := slices.Clone(ds)
			got := p.Combine(ds, !tt.noDel)
			if !slices.Equal(ds, before) {
				t.Error("Combine changed its input")
			}
			var dropped []string
			for _, d := range got.Dropped {
				dropped = append(dropped, fmt.Sprintf("%s %v", d.Recipient, d.Outcome))
			}
			if diff := cmp.Diff(tt.dropped, dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			got.Dropped = nil
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

// drawDecisions draws what Decide can yield: an unfiltered recipient accepts,
// an exempt one is at worst tagged.
func drawDecisions(t *rapid.T) []Decision {
	n := rapid.IntRange(1, 6).Draw(t, "n")
	ds := make([]Decision, n)
	for i := range ds {
		d := Decision{Recipient: fmt.Sprintf("r%d@x", i), Rule: RuleDefault}
		d.Filtered = rapid.Bool().Draw(t, "filtered")
		d.Exempt = rapid.Bool().Draw(t, "exempt")
		hardest := Fail
		switch {
		case !d.Filtered:
			hardest = Accept
		case d.Exempt:
			hardest = Tag
		}
		d.Outcome = Outcome(rapid.IntRange(int(Accept), int(hardest)).Draw(t, "outcome"))
		ds[i] = d
	}
	return ds
}

// Every recipient ends in exactly one place, and none who is to get the
// message is lost.
func TestCombineProperties(t *testing.T) {
	policies := map[Mode]*Policy{}
	for m := Split; m <= Strict; m++ {
		policies[m] = mustCompile(t, func(o *Options) { o.Mixed = m })
	}
	rapid.Check(t, func(t *rapid.T) {
		ds := drawDecisions(t)
		mode := Mode(rapid.IntRange(int(Split), int(Strict)).Draw(t, "mode"))
		canDelete := rapid.Bool().Draw(t, "canDelete")
		r := policies[mode].Combine(ds, canDelete)
		checkPlaces(t, ds, r)
		checkFates(t, ds, r, mode, canDelete)
	})
}

func checkPlaces(t *rapid.T, ds []Decision, r Result) {
	places := map[string]int{}
	for _, a := range r.Deliver {
		places[a]++
	}
	for _, a := range r.Held {
		places[a]++
	}
	for _, d := range r.Dropped {
		places[d.Recipient]++
	}
	want := 1
	switch r.Outcome {
	case Accept, Tag:
		if len(r.Deliver) == 0 {
			t.Fatalf("%v delivers to nobody: the last recipient was deleted", r)
		}
	case Hold:
		if len(r.Held) == 0 || len(r.Deliver) > 0 {
			t.Fatalf("%v holds for nobody or delivers as well", r)
		}
	default:
		want = 0 // answered by the outcome itself
	}
	for _, d := range ds {
		if places[d.Recipient] != want {
			t.Fatalf("%s is in %d places of %+v, want %d", d.Recipient, places[d.Recipient], r, want)
		}
		delete(places, d.Recipient)
	}
	if len(places) > 0 {
		t.Fatalf("%v names strangers: %v", r, places)
	}
}

func checkFates(t *rapid.T, ds []Decision, r Result, mode Mode, canDelete bool) {
	deletes := r.Outcome <= Tag && len(r.Deliver) < len(ds)
	if deletes && !canDelete {
		t.Fatalf("%+v deletes recipients, which the MTA does not let us", r)
	}
	if r.Lenient && canDelete {
		t.Fatalf("%+v is lenient without need", r)
	}
	if slices.ContainsFunc(ds, func(d Decision) bool { return d.Outcome == Fail }) {
		if r.Outcome != Fail {
			t.Fatalf("a failure is answered with %v", r.Outcome)
		}
		return
	}
	if r.Outcome == Delay && slices.ContainsFunc(ds, func(d Decision) bool { return d.Outcome != Delay }) {
		t.Fatalf("all are delayed, although not all should be: %+v", ds)
	}
	for _, d := range ds {
		delivered := slices.Contains(r.Deliver, d.Recipient)
		if d.Outcome <= Tag && !delivered && (mode != Strict || !d.Filtered || d.Exempt) {
			t.Fatalf("%+v is lost in %+v", d, r)
		}
		if d.Outcome > Tag && delivered && mode == Split && !r.Lenient {
			t.Fatalf("%+v gets the message in %+v", d, r)
		}
	}
}
