package training

import (
	"math"
	"testing"

	"fanmill/classify"
)

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
		if got := c.rule.Adds(c.spam, classify.Score{C: c.c}, classify.Count{Ham: 20, Spam: 20}); got != c.want {
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
		sure := classify.Score{C: 100}
		if !c.spam {
			sure.C = -100
		}
		if got := rule.Adds(c.spam, sure, c.total); got != c.want {
			t.Errorf("spam=%v totals %+v: %d adds, want %d", c.spam, c.total, got, c.want)
		}
	}
}
