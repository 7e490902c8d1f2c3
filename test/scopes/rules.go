package main

import (
	"math"

	"fanmill/classify"
	"fanmill/store/model"
)

// join makes one count of the site's and the user's, of a feature or of all messages;
// sites and owns are those of all messages.
type join func(site, own, sites, owns classify.Count) classify.Count

// rule is a way to judge a user's mail by what the site and he have learned.
type rule struct {
	name  string
	join  join
	shift float64 // how often what his own labels change in log-odds counts
	alone bool    // his labels have an opinion of their own, which is added to the site's
}

// chosen is what the filter does; model.Draft does it too.
var chosen = rule{"counts once more per 100, change twice", perClass(100), 2, false}

var rules = []rule{
	{"sum of both", times(1), 1, false},
	{"own counts 4 times", times(4), 1, false},
	{"own counts 16 times", times(16), 1, false},
	{"own counts once more per 100 of the site's", perClass(100), 1, false},
	{"the same by feature, per 5 messages with it", perFeature(5), 1, false},
	{"site counts for at most 5 times the own", atMost(5), 1, false},
	{"own opinion apart, added", only, 1, true},
	{"sum of both, change twice", times(1), 2, false},
	{"sum of both, change 3 times", times(1), 3, false},
	{"own counts 4 times, change twice", times(4), 2, false},
	{"counts once more per 50, change twice", perClass(50), 2, false},
	chosen,
	{"counts once more per 200, change twice", perClass(200), 2, false},
	{"counts once more per 100, change 3 times", perClass(100), 3, false},
}

func sum(c classify.Count) uint32 { return c.Ham + c.Spam }

func plus(a, b classify.Count, times uint32) classify.Count {
	return classify.Count{Ham: a.Ham + times*b.Ham, Spam: a.Spam + times*b.Spam}
}

// times lets each own label count so often.
func times(n uint32) join {
	return func(site, own, _, _ classify.Count) classify.Count { return plus(site, own, n) }
}

// perClass lets each own label count once, and once more for every n messages in the
// smaller class of the site.
func perClass(n uint32) join {
	return func(site, own, sites, _ classify.Count) classify.Count {
		return plus(site, own, 1+min(sites.Ham, sites.Spam)/n)
	}
}

// perFeature lets each own label count once, and once more for every n messages of the
// site that have the very feature.
func perFeature(n uint32) join {
	return func(site, own, _, _ classify.Count) classify.Count { return plus(site, own, 1+sum(site)/n) }
}

// atMost scales the site down to k times the own messages, if it has more.
func atMost(k uint32) join {
	return func(site, own, sites, owns classify.Count) classify.Count {
		if sum(owns) == 0 {
			return site
		}
		share := min(1, float64(k*(1+sum(owns)))/float64(max(1, sum(sites))))
		scale := func(n uint32) uint32 { return uint32(math.Round(float64(n) * share)) }
		return plus(classify.Count{Ham: scale(site.Ham), Spam: scale(site.Spam)}, own, 1)
	}
}

// only leaves the site out.
func only(_, own, _, _ classify.Count) classify.Count { return own }

// joined is the model that a user's mail is judged by.
type joined struct {
	*model.Draft // the site's
	own          *model.Draft
	rule         rule
	buffer       []classify.Count
}

func newJoined(site *model.Draft, r rule) *joined {
	return &joined{Draft: site, own: model.NewDraft(nil), rule: r}
}

func (j *joined) Totals() classify.Count {
	s, o := j.Draft.Totals(), j.own.Totals()
	return j.rule.join(s, o, s, o)
}

func (j *joined) Lookup(features []uint64, out []classify.Count) {
	j.Draft.Lookup(features, out)
	if cap(j.buffer) < len(features) {
		j.buffer = make([]classify.Count, 2*len(features))
	}
	own, s, o := j.buffer[:len(features)], j.Draft.Totals(), j.own.Totals()
	j.own.Lookup(features, own)
	for i := range own {
		out[i] = j.rule.join(out[i], own[i], s, o)
	}
}

func (j *joined) Base() (classify.Model, uint32) {
	if j.own.Totals() == (classify.Count{}) {
		return nil, 1
	}
	return j.Draft, 1
}

// score is the score by the rule. Scorer.Score lets a change count twice.
func (j *joined) score(sc *classify.Scorer, m *message) classify.Score {
	base, _ := j.Base()
	switch {
	case base == nil:
		return sc.Score(m.Features, m.Grams, j.Draft)
	case j.rule.alone:
		return j.apart(sc, m)
	}
	s := sc.Score(m.Features, m.Grams, j)
	if j.rule.shift != 2 {
		s.LogOdds += (j.rule.shift - 2) * s.Own
		s.P = 0.003 + 0.994/(1+math.Exp(-s.LogOdds))
	}
	return s
}

// apart adds the opinion of the own labels to the site's, by their number in the
// smaller class: with 20 of each for half.
func (j *joined) apart(sc *classify.Scorer, m *message) classify.Score {
	s, o := sc.Score(m.Features, m.Grams, j.Draft), sc.Score(m.Features, nil, j.own)
	n := float64(min(j.own.Totals().Ham, j.own.Totals().Spam))
	f, share := classify.PriorFit(), n/(n+20)
	s.C += share * o.C
	s.LogOdds += share * f.LogOdds(o.C, o.E, 0)
	s.P = 0.003 + 0.994/(1+math.Exp(-s.LogOdds))
	return s
}
