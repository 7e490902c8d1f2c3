package insight

import (
	"fmt"
	"strings"

	"fanmill/classify"
	"fanmill/cmd/fanmill/cli"
	"fanmill/control"
	"fanmill/policy"
	"fanmill/store"
)

// From where on stats advises.
const (
	muchDoubt   = 5   // percent of labels that are probably wrong
	farApart    = 20  // points between the spam among the labels and that in the mail
	fewMessages = 100 // with a verdict: their share of spam says nothing yet
)

// advise says what to do next: about training first, then about what is odd with
// the labels. known are the labels of scope and site, counted how often they count.
func advise(st *control.Stats, known store.Labels, counted classify.Count, until policy.Outcome) []string {
	list := []string{nextTraining(st, known, counted, until)}
	for _, a := range []string{AboutDoubts(st), AboutShares(st)} {
		if a != "" {
			list = append(list, a)
		}
	}
	return list
}

// AboutDoubts is what to do about labels that are probably wrong, "" if they are few.
func AboutDoubts(st *control.Stats) string {
	if st.Labels.DoubtfulPercent <= muchDoubt {
		return ""
	}
	return fmt.Sprintf("%.0f %% of the labels are probably wrong: `fanmill stats --mislabels 20` shows the likeliest",
		st.Labels.DoubtfulPercent)
}

// AboutShares is what to do where the labels hold far more or less spam than the
// mail, "" where they do not. No calibrator is fitted to the labels of a user's scope: he
// labels what he likes.
func AboutShares(st *control.Stats) string {
	if st.Scope != "" || !apart(&st.Labels, &st.Traffic) {
		return ""
	}
	return fmt.Sprintf("%.0f %% of the labels are spam, of the mail %.0f %%: train mail as it comes in, not what was collected of one class",
		st.Labels.SpamPercent, st.Traffic.SpamPercent)
}

// nextTraining is the one thing to do about training.
func nextTraining(st *control.Stats, known store.Labels, counted classify.Count, until policy.Outcome) string {
	const least = classify.MinLabels
	train := "train" + cli.ScopeFlag(st.Scope)
	ham, spam := missing(known.Ham, counted.Ham, st.Waiting), missing(known.Spam, counted.Spam, st.Waiting)
	switch {
	case st.Waiting > 0 && ham+spam == 0:
		return train + fmt.Sprintf(" any message again: %s from a training that was broken off, to be learned by the next",
			cli.Plural(st.Waiting, "message is left", "messages are left"))
	case st.HeldUnsure:
		return train + " " + more(ham, spam) + fmt.Sprintf(": until %d of each class count, every score stays unsure", least)
	case st.Waiting > 0:
		return train + " " + more(ham, spam) + fmt.Sprintf(": %s until %d of each class are known", cli.Plural(st.Waiting, "message waits", "messages wait"), least)
	case !st.Trained:
		does := "tagged"
		if until == policy.Accept {
			does = "accepted"
		}
		return train + " " + more(max(0, st.MinLabels-known.Ham), max(0, st.MinLabels-known.Spam)) +
			fmt.Sprintf(": until %d of each class are labelled, mail that would be refused, held or dropped is only %s", st.MinLabels, does)
	}
	return "trained: go on with what it gets wrong or is unsure of"
}

// missing is how many messages of a class have to be trained before its score may
// leave the unsure band. Those that wait count as soon as enough are labelled.
func missing(labelled int, counted uint32, waiting int) int {
	if labelled < classify.MinLabels || waiting > 0 {
		return max(0, classify.MinLabels-labelled)
	}
	return max(0, classify.MinLabels-int(counted))
}

// more is "12 more ham and 3 more spam".
func more(ham, spam int) string {
	var parts []string
	if ham > 0 {
		parts = append(parts, fmt.Sprintf("%d more ham", ham))
	}
	if spam > 0 {
		parts = append(parts, fmt.Sprintf("%d more spam", spam))
	}
	return strings.Join(parts, " and ")
}

// apart tells whether the labels hold far more or less spam than the mail does.
// Unsure mail may be either, so the mail's share lies between two bounds.
func apart(l *control.Labels, t *control.Traffic) bool {
	n := t.Ham + t.Unsure + t.Spam
	if l.N == 0 || n < fewMessages {
		return false
	}
	return l.SpamPercent < t.SpamPercent-farApart || l.SpamPercent > percent(t.Spam+t.Unsure, n)+farApart
}
