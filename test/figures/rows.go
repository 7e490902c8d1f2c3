package main

import (
	"fmt"

	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

// row is one way to measure, and the figures of interest there.
type row struct {
	name    string
	plans   []eval.Plan
	times   []eval.Plan // what figures named "times" are divided by
	figures []figure
}

// figure is one figure with its limits: none where they are negative.
type figure struct {
	name      string
	of        func(*figures.Figures) float64
	class     func(figures.Report) int // a count is given as a share of so many; nil: as it is
	ratio     bool                     // to the row's times
	digits    int
	unit      string
	must, aim float64
	atLeast   bool // the limits are lower ones
}

const none = -1

var (
	online  = []eval.Plan{{From: 1}}
	counted = []eval.Plan{{From: eval.FromAuto}}
	orders  = shuffled(eval.Plan{From: 1})
	late    = shuffled(eval.Plan{From: 1001})
	flipped = eval.Plan{From: 1, FlipHam: 0.05, FlipSpam: 0.05}
)

// shuffled is a plan in ten orders.
func shuffled(p eval.Plan) (plans []eval.Plan) {
	for seed := range uint64(10) {
		number := seed + 1
		p.Shuffle = &number
		plans = append(plans, p)
	}
	return plans
}

func from(p eval.Plan, first int) eval.Plan { p.From = first; return p }

// percent makes a figure that is a percentage, share one that counts messages and is
// given in percent of a class, count one that is given as it is.
func percent(name string, of func(*figures.Figures) float64, must, aim float64) figure {
	return figure{name: name, of: of, digits: 4, unit: " %", must: must, aim: aim}
}

func share(name string, of func(*figures.Figures) float64, class func(figures.Report) int, must, aim float64) figure {
	return figure{name: name, of: of, class: class, digits: 2, unit: " %", must: must, aim: aim}
}

func count(name string, of func(*figures.Figures) float64, must, aim float64) figure {
	return figure{name: name, of: of, digits: 1, must: must, aim: aim}
}

// times makes the ratio of two 1-ROCA.
func times(name string, must, aim float64) figure {
	return figure{name: name, of: roca, ratio: true, digits: 2, must: must, aim: aim}
}

func ham(r figures.Report) int  { return r.Ham }
func spam(r figures.Report) int { return r.Spam }
func all(r figures.Report) int  { return r.N }

func roca(f *figures.Figures) float64         { return f.ROCA }
func rocaLate(f *figures.Figures) float64     { return float64(f.ROCALate) }
func lam50(f *figures.Figures) float64        { return f.LAM50 }
func wrong(f *figures.Figures) float64        { return f.Errors }
func first1000(f *figures.Figures) float64    { return f.First1000 }
func hamRejected(f *figures.Figures) float64  { return f.HamRejected }
func hamUnsure(f *figures.Figures) float64    { return f.HamUnsure }
func spamPassed(f *figures.Figures) float64   { return f.SpamPassed }
func spamUnsure(f *figures.Figures) float64   { return f.SpamUnsure }
func spamRejected(f *figures.Figures) float64 { return f.SpamRejected }
func calibration(f *figures.Figures) float64  { return f.ECE }

func atLeast(f figure) figure { f.atLeast = true; return f }

// rows are the figures to reach.
var rows = []row{
	{name: "date order", plans: online, figures: []figure{
		percent("1-ROCA", roca, 0.15, 0.11),
		percent("lam50", lam50, 1.4, 1.1),
		percent("second half alone: 1-ROCA", rocaLate, 0.05, 0.03),
		count("ham rejected", hamRejected, 0, none),
	}},
	{name: "date order, from the 20th ham on", plans: counted, figures: []figure{
		count("ham rejected", hamRejected, 0, 0),
		share("spam passed", spamPassed, spam, 0.8, 0.5),
		share("unsure ham", hamUnsure, ham, 1.5, 1),
		share("unsure spam", spamUnsure, spam, 7, 4),
	}},
	{name: "shuffled, 10 orders", plans: orders, figures: []figure{
		percent("1-ROCA", roca, 0.095, 0.07),
		count("errors at 0.5 in the first 1,000", first1000, 36, 28),
	}},
	{name: "10-fold", plans: []eval.Plan{{From: 1, Folds: 10}}, figures: []figure{
		percent("1-ROCA", roca, 0.015, 0.01),
		share("errors at 0.5", wrong, all, 0.4, 0.3),
		count("ham rejected", hamRejected, 0, 0),
		atLeast(share("spam rejected", spamRejected, spam, none, 90)),
		percent("calibration error", calibration, 1, none),
	}},
	{name: "first half by date learned", plans: []eval.Plan{{From: 1, Split: 0.5}}, figures: []figure{
		percent("second half: 1-ROCA", roca, 0.62, 0.4),
	}},
	{name: "shuffled, 5 % of labels wrong", plans: shuffled(flipped), times: orders, figures: []figure{
		percent("1-ROCA", roca, 0.13, 0.10),
		times("times that of right labels", 1.6, 1.3),
	}},
	{name: "the same, after message 1,000", plans: shuffled(from(flipped, 1001)), figures: []figure{
		count("ham rejected", hamRejected, 0, 0),
		share("unsure ham", hamUnsure, ham, 2, 1.5),
		share("unsure spam", spamUnsure, spam, 6, 4),
		atLeast(share("spam rejected", spamRejected, spam, none, 60)),
	}},
	{name: "shuffled, 10 % of spam labelled ham", plans: shuffled(eval.Plan{From: 1, FlipSpam: 0.1}), figures: []figure{
		percent("1-ROCA", roca, 0.11, none),
	}},
	{name: "the same, from message 1,001 on", plans: shuffled(eval.Plan{From: 1001, FlipSpam: 0.1}), figures: []figure{
		share("unsure spam", spamUnsure, spam, 4, none),
	}},
	{name: "shuffled, labels 500 late, after message 1,000", plans: shuffled(eval.Plan{From: 1001, Delay: 500}), times: late, figures: []figure{
		percent("1-ROCA", roca, none, none),
		times("times that of labels at once", 1.6, 1.3),
	}},
}

// line is a figure's line of the table.
func (f figure) line(row string, s, base eval.Series) string {
	of, by := 1.0, f.of
	if f.class != nil {
		of = float64(f.class(s.Report)) / 100
	}
	value := by(&s.Figures) / of
	text := fmt.Sprintf("%.*f%s", f.digits, value, f.unit)
	if f.ratio {
		value /= by(&base.Figures)
		text = fmt.Sprintf("%.*f", f.digits, value)
	} else {
		text += fmt.Sprintf(" (%.*f to %.*f)", f.digits, by(&s.Low)/of, f.digits, by(&s.High)/of)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", row, f.name, f.limit(f.must), f.limit(f.aim), text, f.reached(value))
}

// limit is a limit as the table shows it.
func (f figure) limit(x float64) string {
	switch {
	case x == none:
		return ""
	case f.atLeast:
		return fmt.Sprintf("%g%s or more", x, f.unit)
	}
	return fmt.Sprintf("%g%s", x, f.unit)
}

// reached says which of the limits a value keeps.
func (f figure) reached(value float64) string {
	keeps := func(limit float64) bool {
		return limit != none && (value <= limit || f.atLeast) && (value >= limit || !f.atLeast)
	}
	switch {
	case keeps(f.aim):
		return "aim"
	case keeps(f.must):
		return "must"
	case f.must == none:
		return ""
	}
	return "missed"
}
