package training

import (
	"math"
	"testing"

	"fanmill/classify"
)

// sized is a model of which only the sizes of the classes, the weights and the
// calibrator matter.
type sized struct {
	classify.Untrained
	total classify.Count
	fit   classify.Fit
}

func (m sized) Totals() classify.Count { return m.total }
func (m sized) Fit() classify.Fit      { return m.fit }

func large() sized {
	fit := classify.PriorFit()
	fit.HamSlip, fit.SpamSlip = 0.05, 0.05
	return sized{total: classify.Count{Ham: 20, Spam: 20}, fit: fit}
}

// believed is a score at which the label is no slip.
func believed(spam bool, c float64) classify.Score {
	s := classify.Score{C: c, LogOdds: 1}
	if !spam {
		s.LogOdds = -1
	}
	return s
}

func TestRule(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		spam bool
		c    float64
		want int
	}{
		// Both classes are large here; the floor has its own table below.
		{Rule{Margin: 15}, true, 14.999, 1},
		{Rule{Margin: 15}, true, 15, 0},
		{Rule{Margin: 15}, true, -100, 1},
		{Rule{Margin: 15}, false, -14.999, 1},
		{Rule{Margin: 15}, false, -15, 0},
		{Rule{Margin: 15}, false, 100, 1},
		{Rule{Margin: 15}, true, math.Inf(1), 0},
		{Rule{Margin: 15}, true, math.NaN(), 1},
		{Rule{All: true, Margin: 15}, true, 100, 1},
		{Rule{All: true, Margin: 15}, false, -100, 1},
	} {
		if got := c.rule.Judge(c.spam, believed(c.spam, c.c), 0, large(), false).Adds; got != c.want {
			t.Errorf("%+v spam=%v c=%v: %d adds, want %d", c.rule, c.spam, c.c, got, c.want)
		}
	}
}

func TestRuleCountsAllOfAThinClass(t *testing.T) {
	rule := Rule{Margin: 15}
	for _, c := range []struct {
		spam  bool
		total classify.Count
		want  int
	}{
		{true, classify.Count{Ham: 500, Spam: 19}, 1},
		{true, classify.Count{Ham: 0, Spam: 20}, 0},
		{false, classify.Count{Ham: 19, Spam: 500}, 1},
		{false, classify.Count{Ham: 20, Spam: 0}, 0},
	} {
		m := large()
		m.total = c.total
		sure := believed(c.spam, 100)
		if !c.spam {
			sure.C = -100
		}
		if got := rule.Judge(c.spam, sure, 0, m, false).Adds; got != c.want {
			t.Errorf("spam=%v totals %+v: %d adds, want %d", c.spam, c.total, got, c.want)
		}
	}
}

// A label that is likely a slip is recorded, but hardly learned, unless a person
// insists on it.
func TestRuleDoubtsSlips(t *testing.T) {
	ham := classify.Score{C: -40, L: -2, LogOdds: -6} // labelled spam
	doubted := Rule{Margin: 15}.Judge(true, ham, 1000, large(), false)
	insisted := Rule{Margin: 15}.Judge(true, ham, 1000, large(), true)
	if doubted.Adds != 0 || insisted.Adds != 1 {
		t.Errorf("adds %d, insisted %d", doubted.Adds, insisted.Adds)
	}
	if doubted.Step <= 0 || doubted.Step > insisted.Step/5 {
		t.Errorf("step %d, insisted %d", doubted.Step, insisted.Step)
	}
}

// Later rounds want more of what was learned, but learn no label that only the
// message itself speaks for.
func TestRuleInLaterRounds(t *testing.T) {
	rule, m := Rule{Margin: 15}, large()
	at := func(c, l, logOdds float64) classify.Score { return classify.Score{C: c, L: l, LogOdds: logOdds} }
	for name, c := range map[string]struct {
		now, without classify.Score
		want         bool
	}{
		"well known":                   {at(21, 1.1, 6), at(-9, -9, -9), false},
		"known to the counts too near": {at(19, 1.1, 6), at(10, 0.5, 2), true},
		"not to the linear part":       {at(21, 0.9, 6), at(10, 0.5, 2), true},
		"by its own word alone":        {at(5, 0.5, 3), at(-30, -1, -6), false},
	} {
		got := rule.Again(true, c.now, func() classify.Score { return c.without }, 1000, m, false)
		if got.Nothing() == c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if e := rule.Again(true, at(5, 0.5, 3), func() classify.Score { return at(-30, -1, -6) }, 1000, m, true); e.Adds != 1 || e.Step == 0 {
		t.Errorf("a label that a person insists on: %+v", e)
	}
}
