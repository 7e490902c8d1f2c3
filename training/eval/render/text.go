// Package render shows what an evaluation measured: as text for a terminal, as
// JSON, and as one page of HTML that needs nothing beside it.
//
// Subjects, senders, clues and file names come from mail and are hostile. Text and
// page show them only after a Clean function has made them harmless; JSON holds
// them as they are.
package render

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"fanmill/training/eval"
	"fanmill/training/eval/figures"
)

// Clean makes hostile text one line of harmless characters.
type Clean func(string) string

const (
	changesShown = 10 // changed verdicts in the text
	highestShown = 5  // ham that set a cut-off
)

// WriteText writes an outcome for people.
func WriteText(w io.Writer, out *eval.Outcome, clean Clean) error {
	t := text{clean: clean}
	t.line("%s", out.Method)
	for _, s := range out.Series {
		t.line("")
		t.series(s)
	}
	for i, c := range out.Comparisons {
		t.line("")
		t.comparison(c, out.Series[2*i], out.Series[2*i+1])
	}
	if out.Advice != nil {
		t.line("")
		t.advice(out.Advice)
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// text collects lines.
type text struct {
	strings.Builder
	clean Clean
}

func (t *text) line(format string, args ...any) {
	t.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	t.WriteByte('\n')
}

func (t *text) series(s eval.Series) {
	t.line("%s", t.clean(title(s)))
	t.line("%-18s %8d   %d ham, %d spam", "messages", s.N, s.Ham, s.Spam)
	if s.Report.Runs > 1 {
		t.line("%-18s %8d   figures are means, +- is the standard deviation", "runs", s.Report.Runs)
	}
	for _, x := range figures.Table {
		t.figure(x, s)
	}
	t.line("%-18s %8.2f s (%.0f us a message and run)", "CPU time", s.Seconds, s.Seconds*1e6/float64(max(s.N*s.Report.Runs, 1)))
	t.curve(s.Curve, s.Report.Runs)
	t.calibration(s.Bins)
	t.mistakes(s)
}

// title names a series.
func title(s eval.Series) string {
	if s.Config == "" {
		return s.Index
	}
	return s.Index + " with " + s.Config
}

func (t *text) figure(x figures.Figure, s eval.Series) {
	value := fmt.Sprintf("%8s %s", number(x, s.Figures, s.Report.Runs), interval(x, s.Report))
	if x.Kind == figures.Percent {
		value += " %"
	}
	if s.Spread != nil {
		value = fmt.Sprintf("%-32s +- %-8s", value, number(x, *s.Spread, s.Report.Runs))
	}
	t.line("%-18s %-31s %s", x.Name, value, note(x, s))
}

// note is a count's share of its class and what the figure is, with cut-offs in
// numbers.
func note(x figures.Figure, s eval.Series) string {
	what := strings.NewReplacer(
		"ham_cutoff", short(s.Cutoffs.Ham), "spam_cutoff", short(s.Cutoffs.Spam), "reject_cutoff", short(s.Cutoffs.Reject),
	).Replace(x.Note)
	if share := share(x, s); share != "" && what != "" {
		return share + ", " + what
	} else if share != "" {
		return share
	}
	return what
}

// share is a count's share of its class.
func share(x figures.Figure, s eval.Series) string {
	of, class := s.N, "all"
	switch x.Kind {
	case figures.Percent:
		return ""
	case figures.HamCount:
		of, class = s.Ham, "ham"
	case figures.SpamCount:
		of, class = s.Spam, "spam"
	}
	if x.Key == "first1000" {
		of, class = min(s.N, 1000), "these"
	}
	return fmt.Sprintf("%.2f %% of %s", 100*x.Of(s.Figures)/float64(max(of, 1)), class)
}

// number prints a figure.
func number(x figures.Figure, f figures.Figures, runs int) string {
	v := x.Of(f)
	switch {
	case math.IsNaN(v):
		return "-"
	case x.Kind == figures.Percent:
		return fmt.Sprintf("%.4f", v)
	}
	return count(v, runs)
}

// count prints a number of messages: a whole one, but for the mean over several runs.
func count(v float64, runs int) string {
	if runs == 1 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func interval(x figures.Figure, r figures.Report) string {
	return fmt.Sprintf("(%s-%s)", number(x, r.Low, r.Runs), number(x, r.High, r.Runs))
}

// short prints a cut-off or score as briefly as it can be told.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

func (t *text) curve(points []figures.Point, runs int) {
	if len(points) == 0 {
		return
	}
	t.line("learning curve        after  errors at 0.5 (95 %% interval)")
	for _, p := range points {
		t.line("%-18s %8d  %s (%s-%s)", "", p.After, count(p.Errors, runs), count(p.Low, runs), count(p.High, runs))
	}
}

func (t *text) calibration(bins []figures.Bin) {
	t.line("calibration        messages  mean score  share of spam (95 %% interval)")
	for _, b := range bins {
		off := ""
		if b.Off {
			off = "  off"
		}
		t.line("%-18s %8s  %10.4f  %.4f (%.4f-%.4f)%s", "", short(b.N), b.Score, b.Share, b.Low, b.High, off)
	}
}

func (t *text) mistakes(s eval.Series) {
	if len(s.Mistakes) == 0 {
		return
	}
	t.line("surest mistakes: often the label is wrong")
	for _, m := range s.Mistakes {
		runs := ""
		if s.Report.Runs > 1 {
			runs = fmt.Sprintf("  in %d of %d runs", m.Runs, s.Report.Runs)
		}
		t.line("  %-4s %.4f  %s%s", class(m.Spam), m.Score, t.clean(m.File), runs)
		t.line("       from %s: %s", t.clean(m.From), t.clean(m.Subject))
		for _, c := range m.Clues {
			t.line("       %.4f  ham %-5d spam %-5d %s", c.Prob, c.Ham, c.Spam, t.clean(c.Text))
		}
	}
}

func class(spam bool) string {
	if spam {
		return "spam"
	}
	return "ham"
}

func (t *text) comparison(c eval.Comparison, a, b eval.Series) {
	t.line("%s", t.clean(c.Index))
	t.line("A is %s, B is %s; * marks a difference whose 95 %% interval leaves out 0", t.clean(a.Config), t.clean(b.Config))
	t.line("%-18s %10s %10s   B - A", "", "A", "B")
	for _, x := range figures.Table {
		mark := ""
		if differs(x, c.Comparison) {
			mark = " *"
		}
		t.line("%-18s %10s %10s   %s%s", x.Name, number(x, a.Figures, a.Report.Runs), number(x, b.Figures, a.Report.Runs), difference(x, c.Comparison, a.Report.Runs), mark)
	}
	of := ""
	if a.Report.Runs > 1 {
		of = ", in one run or more"
	}
	t.line("%-18s %10d %10s   %d to the right side, %d away from it%s", "verdict changed", len(c.Changed), "", c.Better, len(c.Changed)-c.Better, of)
	for _, x := range c.Changed[:min(len(c.Changed), changesShown)] {
		t.line("  %-4s %6s -> %-6s  %.4f -> %.4f  %s", class(x.Spam), x.Before, x.After, x.ScoreA, x.ScoreB, t.clean(x.File))
	}
	if rest := len(c.Changed) - changesShown; rest > 0 {
		t.line("  ... and %d more, all of them with --json", rest)
	}
}

// differs tells whether a difference is more than chance makes.
func differs(x figures.Figure, c figures.Comparison) bool { return x.Of(c.Low) > 0 || x.Of(c.High) < 0 }

func difference(x figures.Figure, c figures.Comparison, runs int) string {
	return fmt.Sprintf("%s (%s to %s)", number(x, c.Difference, runs), number(x, c.Low, runs), number(x, c.High, runs))
}

func (t *text) advice(a *eval.Advice) {
	t.line("advice for 1 in %d, from %d ham and %d spam that were held out", a.OneIn, a.Ham, a.Spam)
	t.line("%-18s %8s %8s", "", "now", "then")
	for _, r := range adviceRows(a) {
		t.line("%-18s %8d %8d", r.Name, r.Now, r.Then)
	}
	for _, s := range promise(a) {
		t.line("%s", s)
	}
	for _, h := range a.Highest[:min(len(a.Highest), highestShown)] {
		t.line("  %.6f  %s", h.Score, t.clean(h.File))
	}
	t.line("")
	t.WriteString(configuration(a))
}

// adviceRow is how many of the messages held out meet a fate, with the cut-offs in
// force and with the proposed ones.
type adviceRow struct {
	Name      string
	Now, Then int
}

func adviceRows(a *eval.Advice) []adviceRow {
	ham := func(name string, f figures.Fate) adviceRow { return adviceRow{name, a.Now.Ham[f], a.Then.Ham[f]} }
	spam := func(name string, f figures.Fate) adviceRow { return adviceRow{name, a.Now.Spam[f], a.Then.Spam[f]} }
	return []adviceRow{
		ham("ham rejected", figures.Reject), ham("ham as spam", figures.Spam), ham("ham unsure", figures.Unsure),
		spam("spam passed", figures.Ham), spam("spam unsure", figures.Unsure), spam("spam as spam", figures.Spam), spam("spam rejected", figures.Reject),
	}
}

// promise says in sentences what is promised, or what is lacking.
func promise(a *eval.Advice) []string {
	seen := fmt.Sprintf("%d of %d ham are at or above the proposed reject_cutoff", a.Above, a.Ham)
	most := fmt.Sprintf("1 in %.0f", math.Floor(1/a.Bound))
	out := []string{seen + ": of mail like this, " + most + " at most, with 95 % confidence."}
	if a.Promised {
		out = append(out, fmt.Sprintf("That keeps 1 in %d, as long as mail and labels stay as they are.", a.OneIn))
	} else {
		out = append(out, fmt.Sprintf("That is no promise of 1 in %d: it takes at least %d ham, none of them above. So reject_cutoff is not brought below the one in force.", a.OneIn, 3*a.OneIn))
	}
	if len(a.Highest) > 0 {
		out = append(out, "These ham set reject_cutoff. If one is mislabelled, correct the index and measure again:")
	}
	return out
}

// configuration is what to paste into the configuration.
func configuration(a *eval.Advice) string {
	exact := func(v float64) string { // TOML tells a number from an integer by the point
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprintf("[policy]\nham_cutoff = %s\nspam_cutoff = %s\nreject_cutoff = %s\n",
		exact(a.HamCutoff), exact(a.SpamCutoff), exact(a.RejectCutoff))
}
