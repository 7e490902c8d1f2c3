package model

import "fanmill/classify"

// A user's mail is judged by the site's counts and his own together. The site has many
// more: each label of the user counts once, and once more for every perTime messages that
// count in the smaller of the site's classes. So he is heard beside a site of any size, and
// where the site knows little his labels stand for no more than they are
// (docs/training.md, Scopes).
const perTime = 100

// times is how often each label of a user counts, given the site's totals.
func times(site classify.Count) uint32 { return 1 + min(site.Ham, site.Spam)/perTime }

// joint is what site and user count together.
func joint(site, own classify.Count, times uint32) classify.Count {
	return classify.Count{Ham: site.Ham + times*own.Ham, Spam: site.Spam + times*own.Spam}
}

// beside adds to the site's counts of features, in out, what a user's labels count.
func (c *counts) beside(features []uint64, out []classify.Count, times uint32) {
	if c.tab == nil {
		return
	}
	for i, f := range features {
		out[i] = joint(out[i], c.tab.get(f), times)
	}
}

// silent tells whether nothing counts, so that the site's model says all.
func (c *counts) silent() bool { return c.totals == classify.Count{} }
