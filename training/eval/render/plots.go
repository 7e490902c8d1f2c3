package render

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

// series classes of the style sheet: the first and the second configuration.
func seriesClass(i int) string { return fmt.Sprintf("series%d", i) }

// rocPlot draws the shares of ham above and of spam below each cut-off, on scales
// that show a thousandth as well as a tenth.
func rocPlot(id string, all []eval.Series, names []string) plot {
	p := plot{
		ID: id, Title: "ROC curve", XLabel: "ham at or above the cut-off, %", YLabel: "spam below the cut-off, %",
		Desc: "For every cut-off the share of ham at or above it against the share of spam below it, both on logarithmic scales. " +
			"The nearer to the lower left corner the better. Marks stand at the cut-offs in force. " +
			"Shaded is, for each share of ham, the 95 % interval of the share of spam.",
	}
	x, y := xAxis(lowest(all, figures.HamCount), 100, math.Log10), yAxis(lowest(all, figures.SpamCount), 100, math.Log10)
	p.XTicks, p.YTicks = x.ticks(decades(x.lo, x.hi), atMost(x.lo)), y.ticks(decades(y.lo, y.hi), atMost(y.lo))
	for i, s := range all {
		roc := figures.ROC(s.Results)
		var d path
		for _, o := range roc {
			d.stairs(x.at(100*o.HamAbove), y.at(100*o.SpamBelow))
		}
		p.Lines = append(p.Lines, line{seriesClass(i), d.String()})
		p.Bands = append(p.Bands, band{seriesClass(i), rocBand(x, y, s.ROC), names[i] + ": 95 % interval of the spam below, for each share of ham"})
		for _, cut := range []float64{s.Cutoffs.Ham, s.Cutoffs.Spam, s.Cutoffs.Reject} {
			o := operatingAt(roc, cut)
			px, py := x.at(100*o.HamAbove), y.at(100*o.SpamBelow)
			p.Dots = append(p.Dots, dot{
				Class: seriesClass(i), D: shapes[i](px, py, 5), X: units(px), Y: units(py), Label: short(cut),
				Title: fmt.Sprintf("%s: at %s %.3f %% of ham above, %.3f %% of spam below", names[i], short(cut), 100*o.HamAbove, 100*o.SpamBelow),
			})
		}
	}
	p.legend(names, right-150, top+20)
	return p
}

// rocBand goes along the upper ends of the intervals with growing share of ham, and
// back along the lower ones. Between two shares it is as wide as the intervals of both
// make it, so that the curve stays inside.
func rocBand(x, y axis, roc []figures.Missed) string {
	var d path
	for _, m := range slices.Backward(roc) {
		d.stairs(x.at(100*m.HamAbove), y.at(100*m.High))
	}
	for i, m := range roc {
		px, py := x.at(100*m.HamAbove), y.at(100*m.Low)
		if i == 0 {
			d.to(px, py)
		}
		d.stairs(px, py)
	}
	return d.area()
}

// operatingAt finds what a cut-off does.
func operatingAt(roc []figures.Operating, cut float64) figures.Operating {
	at := roc[0]
	for _, o := range roc[1:] {
		if o.Score < cut {
			break
		}
		at = o
	}
	return at
}

// lowest is the power of ten below the smallest share, in percent, that messages
// of a class can show; less is drawn at the end of the scale.
func lowest(all []eval.Series, kind figures.Kind) float64 {
	n := 1
	for _, s := range all {
		if kind == figures.HamCount {
			n = max(n, s.Ham)
		} else {
			n = max(n, s.Spam)
		}
	}
	return math.Pow(10, math.Floor(math.Log10(99/float64(n))))
}

func atMost(lo float64) func(float64) string {
	return func(v float64) string {
		if v == lo {
			return "≤" + short(v)
		}
		return short(v)
	}
}

// legend says what is shaded, and names the series where there are several.
func (p *plot) legend(names []string, x, y float64) {
	shaded := "shaded: 95 % interval"
	if len(names) < 2 {
		p.Keys = append(p.Keys, key{seriesClass(0), units(x - 34), units(y - 7), "30", "14"})
		p.Names = append(p.Names, name{"key", units(x + 4), units(y + 4), shaded})
		return
	}
	for i, s := range names {
		at := y + 20*float64(i)
		p.Keys = append(p.Keys, key{seriesClass(i), units(x - 34), units(at - 7), "30", "14"})
		p.Rules = append(p.Rules, rule{Class: "key " + seriesClass(i), X1: units(x - 34), Y1: units(at), X2: units(x - 4), Y2: units(at)})
		p.Names = append(p.Names, name{"key", units(x + 4), units(at + 4), s})
	}
	p.Names = append(p.Names, name{"key", units(x - 34), units(y + 20*float64(len(names)) + 4), shaded})
}

// learningPlot draws the errors so far against the messages so far.
func learningPlot(id string, all []eval.Series, names []string) plot {
	p := plot{
		ID: id, Title: "Learning curve", XLabel: "messages counted", YLabel: "errors at 0.5 so far",
		Desc: "The number of errors at a score of 0.5 so far, against the number of messages so far. " +
			"The flatter the curve, the fewer errors come with each further message. Shaded are 95 % intervals.",
	}
	n, most := 1, 1.0
	for _, s := range all {
		for _, c := range s.Fine {
			n, most = max(n, c.After), max(most, c.High)
		}
	}
	x, y := xAxis(0, float64(n), linear), yAxis(0, most*1.05, linear)
	p.XTicks, p.YTicks = x.ticks(evenly(x.hi), short), y.ticks(evenly(y.hi), short)
	for i, s := range all {
		var d, around path
		d.to(x.at(0), y.at(0))
		around.to(x.at(0), y.at(0))
		for _, c := range s.Fine {
			d.to(x.at(float64(c.After)), y.at(c.Errors))
			around.to(x.at(float64(c.After)), y.at(c.High))
		}
		for _, c := range slices.Backward(s.Fine) {
			around.to(x.at(float64(c.After)), y.at(c.Low))
		}
		p.Lines = append(p.Lines, line{seriesClass(i), d.String()})
		p.Bands = append(p.Bands, band{seriesClass(i), around.area(), names[i] + ": 95 % interval of the errors so far"})
	}
	p.legend(names, left+50, top+20)
	return p
}

// histogramPlot counts ham and spam by score; several runs are averaged.
func histogramPlot(id string, s eval.Series) plot {
	p := plot{
		ID: id, Title: "Scores", XLabel: "score", YLabel: "messages (logarithmic)",
		Desc: "How many ham, upwards, and spam, downwards and hatched, have which score, in steps of 0.05. The scale is logarithmic. " +
			"Upright strokes are 95 % intervals; where there is no bar, up to 3 messages are possible. Long lines stand at the cut-offs.",
	}
	most := 1.0
	for _, slot := range s.Scores {
		most = max(most, slot.Ham.High, slot.Spam.High)
	}
	x, y := xAxis(0, 1, linear), yAxis(-most, most, mirrored)
	p.XTicks = x.ticks([]float64{0, 0.2, 0.4, 0.6, 0.8, 1}, short)
	size := func(v float64) string { return short(math.Abs(v)) }
	for _, v := range append([]float64{0}, decades(10, most)...) {
		p.YTicks = append(p.YTicks, y.ticks([]float64{v}, size)...)
		if v > 0 {
			p.YTicks = append(p.YTicks, y.ticks([]float64{-v}, size)...)
		}
	}
	for _, slot := range s.Scores {
		p.histogramBar(x, y, "ham", slot, slot.Ham)
		p.histogramBar(x, y, "spam", slot, slot.Spam)
	}
	for _, cut := range []float64{s.Cutoffs.Ham, s.Cutoffs.Spam, s.Cutoffs.Reject} {
		at := units(x.at(cut))
		p.Rules = append(p.Rules, rule{Class: "cut", X1: at, Y1: units(bottom), X2: at, Y2: units(top)})
	}
	middle := (left + right) / 2
	p.Names = append(p.Names, name{"middle", units(middle), units(top + 16), "ham ↑"}, name{"middle", units(middle), units(bottom - 8), "spam ↓"})
	return p
}

// histogramBar draws a bar, upwards for ham, and across its end its interval.
func (p *plot) histogramBar(x, y axis, class string, slot figures.Slot, c figures.Counted) {
	if c.N == 0 {
		return
	}
	up := 1.0
	if class == "spam" {
		up = -1
	}
	from, to := y.at(0), y.at(up*c.N)
	p.Bars = append(p.Bars, bar{
		Class: class, X: units(x.at(slot.From) + 1), Y: units(min(from, to)), W: units(x.at(slot.To) - x.at(slot.From) - 2), H: units(math.Abs(to - from)),
		Title: fmt.Sprintf("%.2f to %.2f: %s %s (%s-%s)", slot.From, slot.To, short(c.N), class, short(c.Low), short(c.High)),
	})
	middle := units(x.at((slot.From + slot.To) / 2))
	p.Rules = append(p.Rules, rule{Class: "interval", X1: middle, Y1: units(y.at(up * c.Low)), X2: middle, Y2: units(y.at(up * c.High))})
}

// calibrationPlot draws the share of spam against the score.
func calibrationPlot(id string, s eval.Series) plot {
	p := plot{
		ID: id, Title: "Calibration", XLabel: "mean score", YLabel: "share of spam",
		Desc: "Ten groups of equally many messages by score: the share of spam in each with its 95 % interval, against the mean score, " +
			"both on scales that stretch the ends. On the slanted line the two are equal. Groups that are off it by more than 2 points and the interval are diamonds.",
	}
	const end = 0.0005
	x, y := xAxis(end, 1-end, logit), yAxis(end, 1-end, logit)
	ticks := []float64{0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999}
	p.XTicks, p.YTicks = x.ticks(ticks, short), y.ticks(ticks, short)
	p.Rules = []rule{{Class: "even", X1: units(left), Y1: units(bottom), X2: units(right), Y2: units(top)}}
	for _, b := range s.Bins {
		px, py := x.at(b.Score), y.at(b.Share)
		d := dot{
			Class: "fits", D: shapes[0](px, py, 4), X: units(px), Y: units(py), Low: units(y.at(b.Low)), High: units(y.at(b.High)),
			Title: fmt.Sprintf("mean score %.4f, share of spam %.4f (%.4f-%.4f)", b.Score, b.Share, b.Low, b.High),
		}
		if b.Off {
			d.Class, d.D = "off", diamond(px, py, 6)
		}
		p.Dots = append(p.Dots, d)
	}
	return p
}

// plotID makes ids that are unique on the page.
func plotID(kind string, group, series int) string {
	return kind + strconv.Itoa(group) + "-" + strconv.Itoa(series)
}
