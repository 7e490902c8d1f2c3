package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/cmd/fanmill/insight"
	"fanmill/control"
	"fanmill/store/ledger"
	"fanmill/store/query"
	"fanmill/training/cull"
)

// From where on doctor warns of training.
const (
	unbalanced  = 4 // times as many of one class as of the other
	longAgo     = 90 * 24 * time.Hour
	scopesShown = 10
	pairsShown  = 3
)

// checkLabels: ham and spam of each scope, and their balance.
func checkLabels(ctx context.Context, x *exam) []finding {
	const check = "labels"
	if x.db == nil {
		return unchecked(check, x.noLedger())
	}
	x.bar.Say("counting labels")
	all, err := x.db.Census(ctx)
	if err != nil {
		return unchecked(check, err)
	}
	if x.scoped {
		i := slices.IndexFunc(all, func(c query.Census) bool { return c.Scope == x.scope })
		if i < 0 {
			return []finding{labelFinding(query.Census{Scope: x.scope})}
		}
		return []finding{labelFinding(all[i])}
	}
	if len(all) == 0 || all[0].Scope != "" {
		all = slices.Insert(all, 0, query.Census{})
	}
	return append([]finding{labelFinding(all[0])}, scopeFindings(all[1:])...)
}

// scopeFindings tells of the scopes of users: those that were trained last.
func scopeFindings(scopes []query.Census) (list []finding) {
	slices.SortStableFunc(scopes, func(a, b query.Census) int { return b.Last.Compare(a.Last) })
	for _, c := range scopes[:min(scopesShown, len(scopes))] {
		list = append(list, labelFinding(c))
	}
	if more := len(scopes) - len(list); more > 0 {
		list = append(list, found(note, "scopes", "%d more have labels, all trained before these; `fanmill doctor --scope NAME` looks at one", more))
	}
	return list
}

// labelFinding tells of one scope. A user may well train one class only, for the
// site's labels stand behind his: there, balance is no more than a note.
func labelFinding(c query.Census) finding {
	where, bad := "", warning
	if c.Scope != "" {
		where, bad = "scope "+c.Scope+": ", note
	}
	f := found(good, "labels", "%s%d ham, counting %s, and %d spam, counting %s", where,
		c.Ham, cli.Plural(c.HamAdds, "time", "times"), c.Spam, cli.Plural(c.SpamAdds, "time", "times"))
	if c.Imported > 0 {
		f.Text += fmt.Sprintf("; %s of these by another filter's counts", cli.Plural(c.Imported, "time", "times"))
	}
	if c.Waiting > 0 {
		f.Text += fmt.Sprintf("; %d of them wait to be learned", c.Waiting)
	}
	if rare := rarer(c.Ham, c.Spam); rare != "" {
		f.Level = bad
		f.Text += fmt.Sprintf("; one class has more than %d times as many labels as the other: train %s%s", unbalanced, rare, cli.ScopeFlag(c.Scope))
	} else if rare := rarer(c.HamAdds, c.SpamAdds); rare != "" {
		f.Level = bad
		f.Text += fmt.Sprintf("; one class counts more than %d times as often as the other: train %s%s", unbalanced, rare, cli.ScopeFlag(c.Scope))
	}
	return f
}

// rarer names the class of which there is too little beside the other, "" for
// neither. Of a few messages it says nothing.
func rarer(ham, spam int) string {
	switch {
	case max(ham, spam) < classify.MinLabels:
		return ""
	case spam > unbalanced*ham:
		return "ham"
	case ham > unbalanced*spam:
		return "spam"
	}
	return ""
}

// insight is stats' view of the scope that is looked at.
func (x *exam) insight(ctx context.Context) (control.Stats, error) {
	switch {
	case x.db == nil:
		return control.Stats{}, errors.New(x.noLedger())
	case x.set == nil:
		return control.Stats{}, errors.New("the configuration is not accepted")
	}
	return insight.View{Settings: x.set, Ledger: x.db, History: x.history}.Stats(ctx, control.StatsRequest{Scope: x.scope})
}

// checkTraining: the filter knows enough to act. The advice is that of stats.
func checkTraining(ctx context.Context, x *exam) []finding {
	st, err := x.insight(ctx)
	if err != nil {
		return unchecked("training", err)
	}
	l := good
	if st.HeldUnsure || !st.Trained || st.Waiting > 0 {
		l = warning
	}
	list := one(l, "training", "%s", st.Advice[0])
	if a := insight.AboutShares(&st); a != "" {
		list = append(list, found(warning, "spam share", "%s", a))
	}
	return list
}

// checkLast: when something was learned last, and by whom.
func checkLast(ctx context.Context, x *exam) []finding {
	const check = "last training"
	if x.db == nil {
		return unchecked(check, x.noLedger())
	}
	op, err := x.db.LastTraining(ctx, x.scope)
	switch {
	case errors.Is(err, ledger.ErrNoRow):
		if begin, pruned, err := x.db.LogBegin(ctx); err == nil && pruned {
			return one(note, check, "none since %s, where the log begins: spam changes, train what it gets wrong or is unsure of", begin.Local().Format("2006-01-02"))
		}
		return one(note, check, "there was none: `fanmill train%s --ham PATH` and `--spam PATH` begin it", cli.ScopeFlag(x.scope))
	case err != nil:
		return unchecked(check, err)
	}
	text := fmt.Sprintf("%s by %s (%s), a message as %s", op.Time.Local().Format("2006-01-02 15:04"), cmp.Or(op.Origin.Actor, "fanmill itself"), op.Origin.Source, op.After.Class)
	if time.Since(op.Time) > longAgo {
		return one(note, check, "%s: spam changes, train what it gets wrong or is unsure of", text)
	}
	return one(good, check, "%s", text)
}

// checkDoubts: labels that the filter takes for slips; in a user's scope, which differ.
func checkDoubts(ctx context.Context, x *exam) []finding {
	const check = "doubtful"
	st, err := x.insight(ctx)
	if err != nil {
		return unchecked(check, err)
	}
	if x.scope != "" {
		return one(good, "labels differ", "%s", insight.DifferWords(st.Labels))
	}
	if a := insight.AboutDoubts(&st); a != "" {
		return one(warning, check, "%s", a)
	}
	return one(good, check, "%d of the newest %s probably wrong", st.Labels.Doubtful, cli.Plural(st.Labels.N, "label is", "labels are"))
}

// checkContradictions: messages that look nearly alike, one labelled ham and one spam, as
// when a file of ham is given as spam.
func checkContradictions(ctx context.Context, x *exam) []finding {
	const check = "contradiction"
	switch {
	case x.quick:
		return unchecked(check, "left out by --quick")
	case x.db == nil:
		return unchecked(check, x.noLedger())
	}
	x.bar.Phase("comparing", "messages")
	c, err := cull.Contradict(ctx, x.db, x.scope, func(n int) { x.bar.Show(n, 0, 0) })
	if err != nil {
		return unchecked(check, err)
	}
	if len(c.Pairs) == 0 {
		return one(good, check, "of %s compared, no two look nearly alike and have different labels", cli.Plural(c.Looked, "message", "messages"))
	}
	list := one(warning, check, "%s of messages look nearly alike, but one is labelled ham and one spam; `fanmill train%s --ham FILE` (or --spam) corrects the wrong one of",
		cli.Plural(len(c.Pairs), "pair", "pairs"), cli.ScopeFlag(x.scope))
	for _, p := range c.Pairs[:min(pairsShown, len(c.Pairs))] {
		list = append(list, found(warning, check, "%.0f %% the same: ham %s and spam %s", 100*p.Alike, x.described(ctx, p.Ham), x.described(ctx, p.Spam)))
	}
	return list
}

// described names a message of the ledger.
func (x *exam) described(ctx context.Context, id int64) string {
	d, err := x.db.Describe(ctx, id)
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	return fmt.Sprintf("%s by %s %s (%s, %s)", d.Digest, d.Source, d.Time.Local().Format(time.DateOnly), cli.Fit(d.From, 40), cli.Fit(d.Subject, 60))
}
