package insight

import (
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/control"
	"fanmill/policy"
	"fanmill/store"
)

// TestNextTraining: what is said to be missing is what lifts the hold that is named.
func TestNextTraining(t *testing.T) {
	const acts = ": until 50 of each class are labelled, mail that would be refused, held or dropped is only "
	for _, c := range []struct {
		name      string
		ham, spam int // labelled, and counting so often
		waiting   int // and not counting then
		forgotten uint32
		scope     string
		accept    bool // until_trained = "accept"
		want      string
	}{
		{name: "nothing", want: "train 20 more ham and 20 more spam: until 20 of each class count, every score stays unsure"},
		{name: "one class", ham: 100, waiting: 100, want: "train 20 more spam: until 20 of each class count, every score stays unsure"},
		{name: "one to go", ham: 19, spam: 30, waiting: 49, want: "train 1 more ham: until 20 of each class count, every score stays unsure"},
		{
			name: "broken off", ham: 20, spam: 30, waiting: 50,
			want: "train any message again: 50 messages are left from a training that was broken off, to be learned by the next",
		},
		{name: "what counted was forgotten", ham: 60, spam: 60, forgotten: 47, want: "train 7 more ham and 7 more spam: until 20 of each class count, every score stays unsure"},
		{name: "young", ham: 20, spam: 45, want: "train 30 more ham and 5 more spam" + acts + "tagged"},
		{name: "young, accept", ham: 20, spam: 50, accept: true, want: "train 30 more ham" + acts + "accepted"},
		{name: "a scope's", ham: 20, spam: 50, scope: "anna", want: "train --scope anna 30 more ham" + acts + "tagged"},
		{name: "trained", ham: 50, spam: 50, want: "trained: go on with what it gets wrong or is unsure of"},
	} {
		counted := classify.Count{Ham: uint32(c.ham) - c.forgotten, Spam: uint32(c.spam) - c.forgotten}
		if c.waiting > 0 {
			counted = classify.Count{}
		}
		until := policy.Tag
		if c.accept {
			until = policy.Accept
		}
		st := &control.Stats{
			Waiting: c.waiting, Scope: c.scope, MinLabels: 50, Trained: min(c.ham, c.spam) >= 50,
			HeldUnsure: min(counted.Ham, counted.Spam) < classify.MinLabels,
		}
		if got := advise(st, store.Labels{Ham: c.ham, Spam: c.spam}, counted, until); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestOddLabels: stats advises about doubtful labels and about labels that are another
// mixture than the mail, where there is enough to tell by. In a user's scope labels may be as
// they like.
func TestOddLabels(t *testing.T) {
	const (
		doubt = "6 % of the labels are probably wrong: `fanmill stats --mislabels 20` shows the likeliest"
		much  = "80 % of the labels are spam, of the mail 30 %: train mail as it comes in, not what was collected of one class"
		few   = "5 % of the labels are spam, of the mail 30 %: train mail as it comes in, not what was collected of one class"
	)
	mail := control.Traffic{Ham: 60, Unsure: 10, Spam: 30, SpamPercent: 30}
	for _, c := range []struct {
		name    string
		labels  control.Labels
		traffic control.Traffic
		want    []string
	}{
		{"no labels", control.Labels{}, mail, nil},
		{"alike", control.Labels{N: 100, SpamPercent: 30, DoubtfulPercent: 5}, mail, nil},
		{"doubt", control.Labels{N: 100, SpamPercent: 30, DoubtfulPercent: 6}, mail, []string{doubt}},
		{"much spam", control.Labels{N: 100, SpamPercent: 80}, mail, []string{much}},
		{"with the unsure as spam it is not so far", control.Labels{N: 100, SpamPercent: 60}, mail, nil},
		{"little spam", control.Labels{N: 100, SpamPercent: 5}, mail, []string{few}},
		{"both", control.Labels{N: 100, SpamPercent: 80, DoubtfulPercent: 6}, mail, []string{doubt, much}},
		{"little mail", control.Labels{N: 100, SpamPercent: 80}, control.Traffic{Ham: 69, Spam: 30, SpamPercent: 30}, nil},
		{"all is unsure yet", control.Labels{N: 100, SpamPercent: 80}, control.Traffic{Unsure: 500}, nil},
	} {
		st := &control.Stats{Trained: true, Labels: c.labels, Traffic: c.traffic}
		got := advise(st, store.Labels{Ham: 50, Spam: 50}, classify.Count{Ham: 50, Spam: 50}, policy.Tag)
		if !slices.Equal(got[1:], c.want) {
			t.Errorf("%s: %q, want %q", c.name, got[1:], c.want)
		}
		st.Scope, st.Labels.DoubtfulPercent = "anna", 0
		if got := advise(st, store.Labels{Ham: 50, Spam: 50}, classify.Count{Ham: 50, Spam: 50}, policy.Tag); len(got) != 1 {
			t.Errorf("%s in a scope: %q", c.name, got[1:])
		}
	}
}
