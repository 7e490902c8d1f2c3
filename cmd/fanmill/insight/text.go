package insight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/daytable"
	"fanmill/control"
	"fanmill/milter/maillog"
)

// Text is what stats prints: a row for each part, then what was asked for
// beside it.
func Text(st control.Stats, days, mislabels int) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, cli.Safe(fmt.Sprintf(format, args...)))
	}
	if st.Scope != "" {
		row("scope", "%s", st.Scope)
	}
	row("ham", "%d labelled, counting %s", st.Ham, cli.Plural(st.HamAdds, "time", "times"))
	row("spam", "%d labelled, counting %s", st.Spam, cli.Plural(st.SpamAdds, "time", "times"))
	if st.Imported > 0 {
		row("imported", "%s of these by another filter's counts", cli.Plural(st.Imported, "time", "times"))
	}
	if st.Waiting > 0 {
		row("waiting", "%d of them, to be learned when %d of each class are known", st.Waiting, classify.MinLabels)
	}
	row("training", "%s", trainingWords(st))
	row("features", "%d", st.Features)
	scopes := "none but the site's"
	if len(st.Scopes) > 0 {
		scopes = strings.Join(st.Scopes, " ")
	}
	row("scopes", "%s", scopes)
	calibratorRows(row, st.Calibrator)
	if l := st.Labels; l.N > 0 {
		if st.Scope != "" {
			row("differ", "%s", DifferWords(l))
		} else {
			row("doubtful", "%d of the newest %s, %.1f %%", l.Doubtful, cli.Plural(l.N, "label", "labels"), l.DoubtfulPercent)
		}
		row("spam share", "%.0f %% of these labels, %s", l.SpamPercent, trafficWords(st.Traffic))
	}
	for _, a := range st.Advice {
		row("next", "%s", a)
	}
	switch {
	case mislabels == 0:
	case st.Scope != "":
		differText(&b, st.Labels.Differing)
	default:
		mislabelText(&b, st.Labels.Mislabels)
	}
	dayText(&b, st, days)
	return b.String()
}

func trainingWords(st control.Stats) string {
	switch {
	case st.HeldUnsure:
		return "too little: every score stays unsure"
	case !st.Trained:
		return fmt.Sprintf("scores, but less than %d of each class are labelled", st.MinLabels)
	}
	return fmt.Sprintf("trained: at least %d of each class are labelled", st.MinLabels)
}

func calibratorRows(row func(name, format string, args ...any), c control.Calibrator) {
	from := fmt.Sprintf("fitted from %s", cli.Plural(c.Labels, "label", "labels"))
	if c.Labels == 0 {
		from = "not fitted yet"
	}
	if c.FromSite {
		from += ", the site's"
	}
	w := c.Weights
	row("calibrator", "%s: counts %.2f, second reading %.2f, linear %.2f, constant %.2f", from, w.Counts, w.Second, w.Linear, w.Bias)
	row("slips", "%.1f %% of ham is labelled spam, %.1f %% of spam ham (estimate)", c.HamWrong, c.SpamWrong)
}

func trafficWords(t control.Traffic) string {
	n := t.Ham + t.Unsure + t.Spam
	if n == 0 {
		return fmt.Sprintf("no mail scored in the last %d days", t.Days)
	}
	return fmt.Sprintf("%.0f %% of %s in the last %d days (%.0f %% unsure)", t.SpamPercent, cli.Plural(n, "message", "messages"), t.Days, percent(t.Unsure, n))
}

// DifferWords says how many labels of a scope differ from the site.
func DifferWords(l control.Labels) string {
	return fmt.Sprintf("%d of the newest %s from what the site's training says, %.1f %%", l.Differ, cli.Plural(l.N, "label", "labels"), percent(l.Differ, l.N))
}

// differText lists labels of a scope that differ from the site. There is nothing to do
// about them.
func differText(b *strings.Builder, list []control.Difference) {
	if len(list) == 0 {
		b.WriteString("no label differs from what the site's training says\n")
		return
	}
	b.WriteString("labels that differ from what the site's training says, the farthest first:\n")
	for _, d := range list {
		fmt.Fprintf(b, "%-4s  site's score %.4f  %s  %s by %s\n", cli.Safe(d.Class), d.Score, d.Time.Local().Format("2006-01-02 15:04"), cli.Safe(d.Digest), cli.Safe(d.Source))
	}
	b.WriteString("A scope is there for this, they are no mistakes.\n")
}

// mislabelText lists labels that are probably wrong and says what to do about them.
func mislabelText(b *strings.Builder, list []control.Mislabel) {
	if len(list) == 0 {
		b.WriteString("no label is probably wrong\n")
		return
	}
	b.WriteString("probably wrong, the likeliest first:\n")
	for _, m := range list {
		fmt.Fprintf(b, "%3.0f %%  %-4s  %s  %s  %s\n       %s by %s\n", 100*m.Chance, cli.Safe(m.Class),
			m.Time.Local().Format("2006-01-02 15:04"), cli.Fit(m.From, 40), cli.Fit(m.Subject, 60), cli.Safe(m.Digest), cli.Safe(m.Source))
	}
	b.WriteString("`fanmill train --ham FILE` (or --spam) corrects a label that is wrong. One that is\n" +
		"right is believed once it is repeated: `fanmill learn` its id, or --message FILE.\n")
}

// dayText is the daily table, and below it which rules decided how much.
func dayText(b *strings.Builder, st control.Stats, days int) {
	switch {
	case days == 0:
		return
	case len(st.Table) == 0 && len(st.Days) == 0:
		fmt.Fprintf(b, "no mail was counted in the last %s\n", cli.Plural(days, "day", "days"))
		return
	}
	if len(st.Table) > 0 {
		var rows []maillog.Row
		for _, d := range st.Table {
			rows = append(rows, daytable.Row(d))
		}
		b.WriteString("\n" + daytable.Page(rows, st.Zone))
	}
	b.WriteString("\nby outcome and rule:\n")
	for _, d := range byRule(st.Days) {
		fmt.Fprintf(b, "%8d  %-10s  %s\n", d.N, cli.Safe(d.Outcome), cli.Safe(d.Rule))
	}
}

// byRule adds the counters of all days up, the largest first.
func byRule(days []control.DayCount) []control.DayCount {
	sum := map[control.DayCount]int64{}
	for _, d := range days {
		sum[control.DayCount{Outcome: d.Outcome, Rule: d.Rule}] += d.N
	}
	var list []control.DayCount
	for d, n := range sum {
		d.N = n
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b control.DayCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Outcome, b.Outcome), strings.Compare(a.Rule, b.Rule))
	})
	return list
}
