package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"fanmill/classify"
	"fanmill/store/model"
	"fanmill/test/harness"
	"fanmill/training"
)

// mails is the project's own mail, every third of its ham in a group. That is no taste that
// could be learned well, but labels show.
func mails(t *testing.T) (all []*message) {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"ham", "spam"} {
		samples, err := harness.Written(root, class)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, extract(samples)...)
	}
	for i, m := range all {
		if !m.spam && i%3 == 0 {
			m.groups = append(m.groups, "third")
		}
	}
	return all
}

// The rule that is called the chosen one is the filter's, bit for bit, and whoever has no
// labels that count is judged as by the site.
func TestChosenIsTheFilters(t *testing.T) {
	w := draw(mails(t), group{name: "third"}, 1000, rand.New(rand.NewPCG(1, 2)))
	site := trainSite(w.site)
	u, filter := newUser(w, site, chosen, false), model.NewDraft(site)
	var scorer classify.Scorer
	same := func() (moved bool) {
		for _, l := range append(w.undisputed, w.disputed...) {
			a, b := u.model.score(&u.scorer, l.message), scorer.Score(l.Features, l.Grams, filter)
			if a != b {
				t.Fatalf("%+v here, %+v by the filter", a, b)
			}
			moved = moved || b != scorer.Score(l.Features, l.Grams, site)
		}
		return moved
	}
	if same() {
		t.Error("without own labels a score is not the site's")
	}
	by := training.Rule{User: true, All: true}
	for _, l := range w.labels[:min(10, len(w.labels))] {
		s := scorer.Score(l.Features, l.Grams, filter)
		e := by.Judge(l.spam, s, len(l.Grams), filter, false)
		change(filter, l, e, s)
		change(u.model.own, l, e, s)
	}
	if !same() {
		t.Error("own labels changed no score")
	}
}

// What is judged was learned by nobody, and labels help.
func TestWorld(t *testing.T) {
	w := draw(mails(t), group{name: "third"}, 1000, rand.New(rand.NewPCG(3, 4)))
	seen := map[*message]bool{}
	for _, l := range w.labels {
		seen[l.message] = true
	}
	for _, m := range w.site {
		if seen[m] {
			t.Fatal("the site has learned what the user labels")
		}
		seen[m] = true
	}
	for _, l := range append(w.disputed, w.undisputed...) {
		if seen[l.message] {
			t.Fatal("what is judged was learned")
		}
		seen[l.message] = true
	}
	if len(w.disputed) == 0 || len(w.undisputed) == 0 || !w.disputed[0].spam || w.disputed[0].message.spam {
		t.Fatalf("%d disputed, %d not", len(w.disputed), len(w.undisputed))
	}
	out := newUser(w, trainSite(w.site), chosen, false).live()
	if first, last := out[0], out[len(out)-1]; first.better+first.worse != 0 || last.wrong >= first.wrong {
		t.Errorf("from %+v to %+v", first, last)
	}
}

// Automatic labels are a share of the user's, of mail that nobody else has learned or judges,
// and move what he sees.
func TestLearnByItself(t *testing.T) {
	all := mails(t)
	w := draw(all, group{}, len(all)/4, rand.New(rand.NewPCG(5, 6)))
	for _, l := range w.stream {
		for _, other := range slices.Concat(w.labels, w.undisputed) {
			if l.message == other.message {
				t.Fatal("what comes was learned or is judged")
			}
		}
	}
	w.undisputed, w.stream = w.undisputed[:30], append(w.stream, w.undisputed[30:]...)
	a := newUser(w, trainSite(w.site), chosen, false).learnByItself()
	if most := autoRule().Share * float64(len(w.labels)); a.given < 2 || a.given > most || a.before == a.after {
		t.Errorf("%v labels for %d of his, from %+v to %+v", a.given, len(w.labels), a.before, a.after)
	}
}
