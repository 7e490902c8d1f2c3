// Package insight says how far training is, what became of the mail of the last days,
// and what to do next: it reckons that from ledger and history, with the daemon and
// without one, and writes it for people. What stats prints, doctor judges by too.
package insight

import (
	"context"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/daytable"
	"fanmill/cmd/fanmill/settings"
	"fanmill/control"
	"fanmill/milter/maillog"
	"fanmill/policy"
	"fanmill/store"
	"fanmill/store/history"
)

// TrafficDays is how far back stats looks at the mail: the labels need not follow
// what a week or a holiday brings.
const TrafficDays = 30

// View looks into ledger and history for stats, in the daemon and without one.
type View struct {
	Settings *settings.Settings
	Ledger   *store.DB
	History  *history.History // nil: no mail has been seen yet
}

// Stats answers for a scope. What is not asked for by a number is left out.
func (in View) Stats(ctx context.Context, q control.StatsRequest) (_ control.Stats, err error) {
	if q.Scope, err = in.Settings.Scope(q.Scope); err != nil {
		return control.Stats{}, err
	}
	st := control.Stats{Scope: q.Scope, Scopes: []string{}}
	known, counted, err := in.training(&st)
	if err != nil {
		return st, err
	}
	for _, look := range []func(context.Context, *control.Stats, control.StatsRequest) error{in.labels, in.traffic, in.days} {
		if err := look(ctx, &st, q); err != nil {
			return st, err
		}
	}
	st.Advice = advise(&st, known, counted, in.Settings.Policy.UntilTrained)
	return st, nil
}

// training tells how far training of a scope is. It returns what the scope's mail is
// judged by: the labels of scope and site together, and how often they count.
func (in View) training(st *control.Stats) (known store.Labels, counted classify.Count, err error) {
	m, err := in.Ledger.Model(st.Scope)
	if err != nil {
		return known, counted, err
	}
	site, err := in.Ledger.Model("")
	if err != nil {
		return known, counted, err
	}
	l := m.Labels()
	st.Ham, st.Spam, st.HamAdds, st.SpamAdds, st.Waiting, st.Features = l.Ham, l.Spam, l.HamAdds, l.SpamAdds, l.Waiting, m.Features()
	st.Imported = l.Imported
	known, counted = m.Known(), m.Totals()
	st.HeldUnsure = classify.Thin(m)
	st.MinLabels, st.Trained = in.Settings.Policy.MinLabels, in.Settings.Rules.Trained(known.Ham, known.Spam)
	st.Calibrator = calibrator(m.Fit())
	st.Calibrator.FromSite = st.Scope != "" && m.Fit() == site.Fit()
	names, err := in.Ledger.Scopes()
	for _, n := range names {
		if n != "" {
			st.Scopes = append(st.Scopes, n)
		}
	}
	return known, counted, err
}

func calibrator(f classify.Fit) control.Calibrator {
	return control.Calibrator{
		Labels:   f.Labels,
		Weights:  control.Weights{Counts: f.WC, Second: f.WE, Linear: f.WL, Bias: f.Bias},
		HamWrong: 100 * f.HamSlip, SpamWrong: 100 * f.SpamSlip,
	}
}

// labels looks at what was labelled: at what is probably wrong, or, in a user's scope,
// where he differs from the site. No slip is looked for there.
func (in View) labels(ctx context.Context, st *control.Stats, q control.StatsRequest) error {
	if q.Scope != "" {
		return in.differing(ctx, st, q)
	}
	m, err := in.Ledger.Model(q.Scope)
	if err != nil {
		return err
	}
	d, err := in.Ledger.Doubtful(ctx, q.Scope, m.Fit(), q.Mislabels)
	if err != nil {
		return err
	}
	st.Labels = control.Labels{
		N: d.Labels, Spam: d.Spam, SpamPercent: percent(d.Spam, d.Labels),
		Doubtful: d.Total, DoubtfulPercent: percent(d.Total, d.Labels), Mislabels: []control.Mislabel{},
	}
	for _, w := range d.Worst {
		st.Labels.Mislabels = append(st.Labels.Mislabels, control.Mislabel{
			Class: w.Class.String(), Chance: w.Chance, Time: w.Time, Source: w.Source,
			Digest: w.Digest.String(), Subject: w.Subject, From: w.From,
		})
	}
	return nil
}

func (in View) differing(ctx context.Context, st *control.Stats, q control.StatsRequest) error {
	site, err := in.Ledger.Model("")
	if err != nil {
		return err
	}
	d, err := in.Ledger.Differing(ctx, q.Scope, site, in.Settings.Policy.Cutoffs, q.Mislabels)
	if err != nil {
		return err
	}
	st.Labels = control.Labels{N: d.Labels, Spam: d.Spam, SpamPercent: percent(d.Spam, d.Labels), Mislabels: []control.Mislabel{}, Differ: d.Total}
	for _, x := range d.Most {
		st.Labels.Differing = append(st.Labels.Differing, control.Difference{
			Class: x.Class.String(), Score: x.Site.P, Time: x.Time, Source: x.Source, Digest: x.Digest.String(),
		})
	}
	return nil
}

func (in View) traffic(ctx context.Context, st *control.Stats, q control.StatsRequest) error {
	st.Traffic.Days = TrafficDays
	if in.History == nil {
		return nil
	}
	v, err := in.History.Verdicts(ctx, q.Scope, TrafficDays)
	st.Traffic = control.Traffic{
		Days: TrafficDays, Ham: v.Ham, Unsure: v.Unsure, Spam: v.Spam,
		SpamPercent: percent(v.Spam, v.Ham+v.Unsure+v.Spam),
	}
	return err
}

// days tells what became of the mail of the last days: by outcome and rule, and as the
// daily table.
func (in View) days(ctx context.Context, st *control.Stats, q control.StatsRequest) error {
	if in.History == nil || q.Days == 0 {
		return nil
	}
	counts, err := in.History.Daily(ctx, q.Days)
	if err != nil {
		return err
	}
	for _, r := range counts {
		st.Days = append(st.Days, control.DayCount{Day: r.Day, Outcome: r.Outcome, Rule: r.Rule, N: r.N})
	}
	cells, err := in.History.Table(ctx, q.Days)
	if err != nil || len(cells) == 0 {
		return err
	}
	st.Zone = daytable.Zone()
	for _, r := range rowsOf(append(cells, history.DayTally{Day: history.Day(time.Now())})) {
		st.Table = append(st.Table, daytable.Answer(r))
	}
	return nil
}

// rowsOf makes rows of cells that are in the order of days.
func rowsOf(cells []history.DayTally) []maillog.Row {
	var rows []maillog.Row
	for _, c := range cells {
		if len(rows) == 0 || rows[len(rows)-1].Day != c.Day {
			rows = append(rows, maillog.Row{Day: c.Day})
		}
		if column, ok := policy.ParseColumn(c.Column); ok {
			rows[len(rows)-1].N[column] = c.N
		}
	}
	return maillog.Fill(rows)
}

// percent is 0 where there is nothing to have a share of.
func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
