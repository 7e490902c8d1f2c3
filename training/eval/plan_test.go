package eval

import (
	"math"
	"slices"
	"testing"
)

// entries makes an index of the classes in a text such as "hhs".
func entries(text string) []Entry {
	var out []Entry
	for i, c := range text {
		out = append(out, Entry{Spam: c == 's', Line: i + 1})
	}
	return out
}

func TestWarm(t *testing.T) {
	var text []byte
	for range 30 {
		text = append(text, "sssh"...)
	}
	index := entries(string(text))
	order := Plan{}.order(len(index))
	if got := warm(order, index); got != 79 { // the 20th ham
		t.Errorf("got place %d", got)
	}
	slices.Reverse(order)
	if got := warm(order, index); got != 76 {
		t.Errorf("backwards: got place %d", got)
	}
	if got := warm(order[:50], index); got != 50 {
		t.Errorf("too few: got place %d", got)
	}
}

func TestStart(t *testing.T) {
	index := entries("hhhhhsssss")
	for _, c := range []struct {
		plan Plan
		want int
	}{
		{Plan{From: 1}, 0},
		{Plan{From: 4}, 3},
		{Plan{From: 1, Split: 0.5}, 5},
		{Plan{From: 9, Split: 0.5}, 8},
		{Plan{From: 1, Split: 0.26}, 3},
		{Plan{From: FromAuto}, 10},
	} {
		if got := c.plan.start(c.plan.order(10), index); got != c.want {
			t.Errorf("%+v: starts at %d, want %d", c.plan, got, c.want)
		}
	}
}

// The share of flipped labels is as asked for, on the side it is asked for; a
// seed gives the same ones again.
func TestLabels(t *testing.T) {
	index := entries(string(slices.Repeat([]byte("hs"), 5000)))
	count := func(p Plan) (ham, spam float64) {
		order := p.order(len(index))
		labels := p.labels(order, index)
		if !slices.Equal(labels, p.labels(order, index)) {
			t.Errorf("%+v: other labels at the second time", p)
		}
		for at, i := range order {
			if flipped := labels[at] != index[i].Spam; flipped && index[i].Spam {
				spam++
			} else if flipped {
				ham++
			}
		}
		return ham / 5000, spam / 5000
	}
	for _, p := range []Plan{{}, {FlipHam: 0.05, FlipSpam: 0.05}, {FlipHam: 0.1}, {FlipSpam: 0.1}, {FlipHam: 1, FlipSpam: 1}} {
		ham, spam := count(p)
		if math.Abs(ham-p.FlipHam) > 0.015 || math.Abs(spam-p.FlipSpam) > 0.015 || p.FlipHam == 0 && ham > 0 || p.FlipSpam == 0 && spam > 0 {
			t.Errorf("%+v: flipped %v of ham, %v of spam", p, ham, spam)
		}
	}
	one := uint64(1)
	plain := Plan{FlipHam: 0.5, FlipSpam: 0.5}
	shuffled, seeded := plain, plain
	shuffled.Shuffle, seeded.Seed = &one, 1
	order := plain.order(len(index))
	if a := plain.labels(order, index); slices.Equal(a, shuffled.labels(order, index)) || slices.Equal(a, seeded.labels(order, index)) {
		t.Error("another run flips the same labels")
	}
}

func TestParts(t *testing.T) {
	p := Plan{Folds: 3}
	part := p.parts(10)
	sizes := map[int]int{}
	for _, x := range part {
		sizes[x]++
	}
	if len(part) != 10 || sizes[0] != 4 || sizes[1] != 3 || sizes[2] != 3 {
		t.Errorf("parts %v", part)
	}
}

func TestAutoWantsASplit(t *testing.T) {
	if err := (Plan{From: 1, Auto: true}).check(); err == nil {
		t.Error("nothing is learned by hand, and it is accepted")
	}
	if err := (Plan{From: 1, Auto: true, Split: 0.5}).check(); err != nil {
		t.Error(err)
	}
}
