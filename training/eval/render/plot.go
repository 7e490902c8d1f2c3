package render

import (
	"fmt"
	"math"
	"strings"
)

// The plotting area of a drawing of 640 by 400, in units of the SVG; page.tmpl
// has the same numbers.
const (
	left, right = 62.0, 626.0
	top, bottom = 14.0, 350.0
)

// plot is one drawing, ready for the template: all places are in SVG units.
type plot struct {
	ID     string // of its title and description, unique on the page
	Title  string
	Desc   string // what it shows, for those who cannot see it
	XLabel string
	YLabel string
	XTicks []tick
	YTicks []tick
	Bands  []band
	Keys   []key
	Lines  []line
	Bars   []bar
	Dots   []dot
	Rules  []rule
	Names  []name
}

type tick struct {
	At    string
	Label string
}

// line is a curve of the class Class of the style sheet.
type line struct{ Class, D string }

// band is the area between the ends of the intervals along a curve.
type band struct{ Class, D, Title string }

// key is a patch of a band in a legend.
type key struct{ Class, X, Y, W, H string }

type bar struct{ Class, X, Y, W, H, Title string }

// dot is a mark, with an upright interval where Low and High are set.
type dot struct {
	Class, D, Label, Title string // D: the outline
	X, Y, Low, High        string
}

// rule is a line across the plot; it ends at X2, Y2.
type rule struct{ Class, X1, Y1, X2, Y2, Label string }

// name is a text in the plot.
type name struct{ Class, X, Y, Text string }

func units(v float64) string { return fmt.Sprintf("%.1f", v) }

// axis maps values to places: f makes equal steps of what the axis shows, lo and
// hi are its ends. Values beyond are drawn at the ends.
type axis struct {
	lo, hi   float64
	f        func(float64) float64
	from, to float64 // places of lo and hi
}

func (a axis) at(v float64) float64 {
	share := (a.f(min(max(v, a.lo), a.hi)) - a.f(a.lo)) / (a.f(a.hi) - a.f(a.lo))
	return a.from + share*(a.to-a.from)
}

func xAxis(lo, hi float64, f func(float64) float64) axis { return axis{lo, hi, f, left, right} }

func yAxis(lo, hi float64, f func(float64) float64) axis { return axis{lo, hi, f, bottom, top} }

// Scales.
func linear(v float64) float64 { return v }

func logit(v float64) float64 { return math.Log(v / (1 - v)) }

// mirrored grows with the number of digits, on both sides of 0.
func mirrored(v float64) float64 { return math.Copysign(math.Log10(1+math.Abs(v)), v) }

func (a axis) ticks(values []float64, label func(float64) string) []tick {
	var out []tick
	for _, v := range values {
		out = append(out, tick{units(a.at(v)), label(v)})
	}
	return out
}

// decades are the powers of ten from lo to hi.
func decades(lo, hi float64) (out []float64) {
	for v := lo; v <= hi*1.001; v *= 10 {
		out = append(out, v)
	}
	return out
}

// evenly are whole round numbers from 0 to hi, at most eleven.
func evenly(hi float64) (out []float64) {
	decade := math.Pow(10, math.Floor(math.Log10(max(hi, 1))))
	step := decade
	for _, part := range []float64{0.5, 0.2, 0.1} {
		if hi <= 8*decade*part {
			step = max(decade*part, 1)
		}
	}
	for v := 0.0; v <= hi; v += step {
		out = append(out, v)
	}
	return out
}

// path collects the points of a curve; points that cannot be told apart are left
// out.
type path struct {
	strings.Builder
	x, y float64
}

func (p *path) to(x, y float64) {
	if p.Len() > 0 && units(x) == units(p.x) && units(y) == units(p.y) {
		return
	}
	command := "L"
	if p.Len() == 0 {
		command = "M"
	}
	fmt.Fprintf(p, "%s%s %s", command, units(x), units(y))
	p.x, p.y = x, y
}

// stairs goes level first, then upright.
func (p *path) stairs(x, y float64) {
	if p.Len() > 0 {
		p.to(x, p.y)
	}
	p.to(x, y)
}

// area is the path, closed.
func (p *path) area() string { return p.String() + "z" }

// shapes tell series apart by more than their colour.
var shapes = []func(x, y, size float64) string{
	func(x, y, s float64) string { // circle
		return fmt.Sprintf("M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z", x-s, y, s, s, 2*s, s, s, -2*s)
	},
	func(x, y, s float64) string { // square
		return fmt.Sprintf("M%.1f %.1fh%.1fv%.1fh%.1fz", x-s, y-s, 2*s, 2*s, -2*s)
	},
}

func diamond(x, y, s float64) string {
	return fmt.Sprintf("M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz", x-s, y, s, -s, s, s, -s, s)
}
