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
		if got := c.rule.Adds(c.spam, classify.Score{C: c.c}); got != c.want {
			t.Errorf("%+v spam=%v c=%v: %d adds, want %d", c.rule, c.spam, c.c, got, c.want)
		}
	}
}
