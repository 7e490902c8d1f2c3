package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"fanmill/store"
	"fanmill/training"
)

// automatic is a user whose scope learns from its own verdicts when he has given his
// labels: what became of his mail before and after, and the labels that the filter gave.
type automatic struct {
	before, after tally
	given, wrong  float64
}

// autoRule is the default of [autolearn], but for how many labels it asks of a person: a
// user seldom gives 200 of each class.
func autoRule() training.AutoRule {
	r := training.DefaultAutoRule()
	r.MinLabels = 20
	return r
}

// runAuto lets all users live by the chosen rule, and then lets their scopes learn.
func runAuto(out io.Writer, all []*message, o options) {
	fmt.Fprint(out, headOfAuto)
	for _, size := range sizes[:2] { // beside the largest there is no mail left
		results := map[kind][]automatic{}
		for _, g := range append(slices.Clone(groups), group{}) {
			seeds := o.seeds
			if g.name == "" {
				seeds *= 5
			}
			for seed := range seeds {
				w := draw(all, g, size, rand.New(rand.NewPCG(uint64(seed), uint64(size))))
				u := newUser(w, trainSite(w.site), chosen, false)
				results[kindOf(g)] = append(results[kindOf(g)], u.learnByItself())
			}
		}
		for _, k := range kinds {
			printAuto(out, size, k, results[k])
		}
	}
}

// learnByItself gives the user's labels, and then those that the rule allows for the mail
// that comes.
func (u *user) learnByItself() (a automatic) {
	marks := u.live()
	a.before = marks[len(marks)-1]
	people, own := store.Labels{}, store.Labels{}
	for _, l := range u.labels {
		count(&people, l.spam)
	}
	for _, l := range u.stream {
		s := u.model.score(&u.scorer, l.message)
		class := autoRule().Class(s)
		if class == store.None || !autoRule().Allows(class, people, own) {
			continue
		}
		spam := class == store.Spam
		e := u.by.Judge(spam, s, len(l.Grams), u.model, false)
		if e.Nothing() {
			continue
		}
		count(&own, spam)
		a.given++
		if spam != l.spam {
			a.wrong++
		}
		change(u.model.own, label{l.message, spam}, e, s)
	}
	a.after = u.look()
	return a
}

func count(l *store.Labels, spam bool) {
	if spam {
		l.Spam++
	} else {
		l.Ham++
	}
}

const headOfAuto = `
| user | site | automatic labels, of these wrong | disputed mail right before, after | still wrong | other mail worse | better |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
`

func printAuto(out io.Writer, size int, k kind, list []automatic) {
	var sum automatic
	for _, a := range list {
		sum.before.add(a.before)
		sum.after.add(a.after)
		sum.given, sum.wrong = sum.given+a.given, sum.wrong+a.wrong
	}
	disputed := func(of func(tally) float64) string {
		if k == agrees {
			return ""
		}
		return fmt.Sprintf("%.0f, %.0f %%", of(sum.before), of(sum.after))
	}
	n := float64(len(list))
	fmt.Fprintf(out, "| %s | %d | %.1f, %.1f | %s | %s | %.2f, %.2f %% | %.2f, %.2f %% |\n", k, size, sum.given/n, sum.wrong/n,
		disputed(rightOf), disputed(func(t tally) float64 { return percent(t.wrong, t.disputed()) }),
		worseOf(sum.before), worseOf(sum.after), betterOf(sum.before), betterOf(sum.after))
}
