package render

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

// pageChanges is how many changed verdicts the page lists.
const pageChanges = 50

//go:embed page.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows. Its strings are clean, and escaped by the
// template.
type page struct {
	Title  string
	Method string
	Runs   int
	Groups []group
	Advice *advice
}

// group is an index, or several put together, with one configuration or two.
type group struct {
	Name       string
	Messages   string
	Columns    []string // names of the configurations
	Cutoffs    []string // of each
	Compared   bool
	Rows       []row
	Plots      []plot
	Series     []seriesPart
	Changed    []change
	ChangedAll int
	Better     int
	Worse      int
}

// row is one figure of all configurations.
type row struct {
	Name, Note string
	Cells      []cell
	Difference string
	Differs    bool
}

type cell struct{ Value, Interval, Spread, Share string }

// seriesPart is what is shown of each configuration.
type seriesPart struct {
	Name     string // "" where there is only one
	Plots    []plot
	Bins     []figures.Bin
	Mistakes []mistake
	Runs     int
}

type mistake struct {
	Class, Score, Subject, From, File string
	Runs                              int
	Clues                             []clue
}

type clue struct {
	Prob      string
	Ham, Spam uint32
	Text      string
}

type change struct{ Class, Before, After, ScoreA, ScoreB, File string }

type advice struct {
	OneIn     int
	Ham, Spam int
	Rows      []adviceRow
	Sentences []string
	TOML      string
	Highest   []eval.Highest
}

// WritePage writes an outcome as one HTML page without scripts, and without
// anything to fetch.
func WritePage(w io.Writer, out *eval.Outcome, clean Clean) error {
	p := page{Title: "Evaluation", Method: out.Method, Runs: out.Series[0].Report.Runs, Advice: pageAdvice(out.Advice, clean)}
	size := 1
	if len(out.Comparisons) > 0 {
		size = 2
	}
	for i := 0; i < len(out.Series); i += size {
		g := newGroup(i/size, out.Series[i:i+size], clean)
		if size == 2 {
			g.compare(out.Comparisons[i/2], out.Series[i].Report.Runs, clean)
		}
		p.Groups = append(p.Groups, g)
	}
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	return nil
}

func newGroup(n int, all []eval.Series, clean Clean) group {
	first := all[0]
	g := group{Name: clean(first.Index), Messages: fmt.Sprintf("%d messages: %d ham, %d spam", first.N, first.Ham, first.Spam)}
	for i, s := range all {
		g.Columns = append(g.Columns, clean(s.Config))
		g.Cutoffs = append(g.Cutoffs, fmt.Sprintf("ham_cutoff %s, spam_cutoff %s, reject_cutoff %s",
			short(s.Cutoffs.Ham), short(s.Cutoffs.Spam), short(s.Cutoffs.Reject)))
		if s.Config == "" {
			g.Columns[i] = "defaults"
		}
	}
	for _, x := range figures.Table {
		g.Rows = append(g.Rows, newRow(x, all))
	}
	g.Plots = append(g.Plots, rocPlot(plotID("roc", n, 0), all, g.Columns))
	if !first.Pooled {
		g.Plots = append(g.Plots, learningPlot(plotID("learning", n, 0), all, g.Columns))
	}
	for i, s := range all {
		part := seriesPart{
			Plots: []plot{histogramPlot(plotID("scores", n, i), s), calibrationPlot(plotID("calibration", n, i), s)},
			Bins:  s.Bins, Mistakes: pageMistakes(s.Mistakes, clean), Runs: s.Report.Runs,
		}
		if len(all) > 1 {
			part.Name = g.Columns[i]
		}
		g.Series = append(g.Series, part)
	}
	return g
}

func newRow(x figures.Figure, all []eval.Series) row {
	r := row{Name: x.Name, Note: x.Note}
	if x.Kind == figures.Percent {
		r.Name += ", %"
	}
	for _, s := range all {
		c := cell{Value: number(x, s.Figures, s.Report.Runs), Interval: interval(x, s.Report), Share: share(x, s)}
		if s.Spread != nil {
			c.Spread = "± " + number(x, *s.Spread, s.Report.Runs)
		}
		r.Cells = append(r.Cells, c)
	}
	return r
}

func (g *group) compare(c eval.Comparison, runs int, clean Clean) {
	g.Compared = true
	for i, x := range figures.Table {
		g.Rows[i].Difference, g.Rows[i].Differs = difference(x, c.Comparison, runs), differs(x, c.Comparison)
	}
	g.ChangedAll, g.Better, g.Worse = len(c.Changed), c.Better, len(c.Changed)-c.Better
	for _, x := range c.Changed[:min(len(c.Changed), pageChanges)] {
		g.Changed = append(g.Changed, change{
			class(x.Spam), x.Before.String(), x.After.String(), score(x.ScoreA), score(x.ScoreB), clean(x.File),
		})
	}
}

func pageMistakes(all []eval.Mistake, clean Clean) []mistake {
	var out []mistake
	for _, m := range all {
		x := mistake{
			Class: class(m.Spam), Score: score(m.Score), Subject: clean(m.Subject), From: clean(m.From), File: clean(m.File), Runs: m.Runs,
		}
		for _, c := range m.Clues {
			x.Clues = append(x.Clues, clue{score(c.Prob), c.Ham, c.Spam, clean(c.Text)})
		}
		out = append(out, x)
	}
	return out
}

func pageAdvice(a *eval.Advice, clean Clean) *advice {
	if a == nil {
		return nil
	}
	out := &advice{OneIn: a.OneIn, Ham: a.Ham, Spam: a.Spam, Rows: adviceRows(a), Sentences: promise(a), TOML: strings.TrimSpace(configuration(a))}
	for _, h := range a.Highest[:min(len(a.Highest), highestShown)] {
		out.Highest = append(out.Highest, eval.Highest{File: clean(h.File), Score: h.Score})
	}
	return out
}

// score prints a score or a share with four digits after the point.
func score(v float64) string { return fmt.Sprintf("%.4f", v) }
