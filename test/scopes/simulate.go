package main

import (
	"fanmill/classify"
	"fanmill/store"
	"fanmill/store/model"
	"fanmill/training"
)

// marks are after how many own labels of each class the user's mail is judged.
var marks = []int{0, 1, 2, 5, 10, 20, 50}

// heldOut is how much mail that the user does not dispute is judged at most.
const heldOut = 400

// tally is what became of a user's mail after some labels of his own.
type tally struct {
	right, unsure, wrong float64 // disputed mail, by what the user wants
	better, worse, same  float64 // undisputed mail, beside the site's verdict
	counted              float64 // own labels that count
}

func (t *tally) add(o tally) {
	t.right, t.unsure, t.wrong = t.right+o.right, t.unsure+o.unsure, t.wrong+o.wrong
	t.better, t.worse, t.same = t.better+o.better, t.worse+o.worse, t.same+o.same
	t.counted += o.counted
}

func (t *tally) disputed() float64   { return t.right + t.unsure + t.wrong }
func (t *tally) undisputed() float64 { return t.better + t.worse + t.same }

// trainSite trains near errors, message by message.
func trainSite(list []*message) *model.Draft {
	model, scorer, by := model.NewDraft(nil), new(classify.Scorer), training.Rule{Margin: training.DefaultMargin}
	for _, m := range list {
		s := scorer.Score(m.Features, m.Grams, model)
		change(model, label{m, m.spam}, by.Judge(m.spam, s, len(m.Grams), model, false), s)
	}
	return model
}

func change(model *model.Draft, l label, e training.Effect, s classify.Score) {
	mark := store.Mark{Class: store.Ham, Adds: e.Adds, Step: e.Step}
	if l.spam {
		mark.Class = store.Spam
	}
	model.Change(store.Mark{}, mark, l.Features, l.Grams, classify.Label{C: s.C, E: s.E, L: s.L, Spam: l.spam})
}

// user is one user of a world under way.
type user struct {
	world
	model  *joined
	by     training.Rule
	scorer classify.Scorer
	before []int // what becomes of undisputed mail by the site alone
}

func newUser(w world, site *model.Draft, r rule, slips bool) *user {
	u := &user{world: w, model: newJoined(site, r), by: training.Rule{Margin: training.DefaultMargin, User: !slips}}
	for _, l := range w.undisputed {
		u.before = append(u.before, u.fate(l))
	}
	return u
}

// live gives the user's labels and tells how his mail is judged at each mark.
func (u *user) live() (out []tally) {
	given, counted := 0, 0.0
	for _, mark := range marks {
		for ; given < min(2*mark, len(u.labels)); given++ {
			l := u.labels[given]
			s := u.model.score(&u.scorer, l.message)
			e := u.by.Judge(l.spam, s, len(l.Grams), u.model, false)
			e.Step = 0 // of a user's labels there are counts only
			change(u.model.own, l, e, s)
			counted += float64(e.Adds)
		}
		t := u.look()
		t.counted = counted
		out = append(out, t)
	}
	return out
}

// look judges what is held out.
func (u *user) look() (t tally) {
	for _, l := range u.disputed {
		switch u.fate(l) {
		case right:
			t.right++
		case unsure:
			t.unsure++
		default:
			t.wrong++
		}
	}
	for i, l := range u.undisputed {
		switch now := u.fate(l); {
		case now < u.before[i]:
			t.better++
		case now > u.before[i]:
			t.worse++
		default:
			t.same++
		}
	}
	return t
}

// The fates of a message, the best first.
const (
	right = iota
	unsure
	wrong
)

func (u *user) fate(l label) int {
	v := classify.DefaultCutoffs().Verdict(u.model.score(&u.scorer, l.message).P)
	switch {
	case v == classify.Unsure:
		return unsure
	case (v == classify.Spam) == l.spam:
		return right
	}
	return wrong
}
