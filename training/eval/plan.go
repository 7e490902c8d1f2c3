package eval

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"fanmill/classify"
	"fanmill/training/eval/figures"
)

// Plan says in which order the messages of one run come, what is learned when,
// and what counts. Without Folds and Split a run is online: each message is
// scored by what was learned from those before it.
type Plan struct {
	From     int     // messages before the From-th (from 1) are not counted; see FromAuto
	Delay    int     // online: labels are learned so many messages late
	Folds    int     // K >= 2: score each of K parts by what was learned from the others
	Split    float64 // share of the messages that is learned, before the others are scored
	FlipHam  float64 // share of ham that is learned as spam
	FlipSpam float64 // share of spam that is learned as ham
	Seed     uint64  // decides how parts are drawn and which labels are flipped
	Shuffle  *uint64 // nil: the order of the index; else a permutation of it
	Auto     bool    // with Split: what is scored is also learned, where Config.Auto has the filter label it itself
}

// FromAuto counts from the message that is the 20th of the rarer class: before
// it, scores are kept inside the unsure band.
const FromAuto = 0

// check reports what is wrong with a plan, whatever the messages are.
func (p Plan) check() error {
	modes := 0
	for _, chosen := range []bool{p.Delay != 0, p.Folds != 0, p.Split != 0} {
		if chosen {
			modes++
		}
	}
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	var all faults
	want := all.want
	want(modes <= 1, "a delay, folds and a split exclude each other")
	want(p.From >= 0, "counting from message %d: want 1 or more", p.From)
	want(p.Delay >= 0, "labels %d messages late: want 0 or more", p.Delay)
	want(p.Folds == 0 || p.Folds >= 2, "%d folds: want 2 or more", p.Folds)
	want(p.Split == 0 || p.Split > 0 && p.Split < 1, "a split at %v: want a share between 0 and 1", p.Split)
	want(!p.Auto || p.Split > 0, "learning from own verdicts without a split")
	want(share(p.FlipHam) && share(p.FlipSpam), "flips of %v and %v: want shares from 0 to 1", p.FlipHam, p.FlipSpam)
	return errors.Join(all...)
}

// fits refuses an index that is too small for a plan, before a long run does.
func (p Plan) fits(index []Entry) error {
	ham, spam := classes(index)
	n := len(index)
	if ham == 0 || spam == 0 {
		return fmt.Errorf("%w: it names %d ham and %d spam", figures.ErrOneClass, ham, spam)
	}
	var all faults
	all.want(p.From <= n, "counting from message %d: it names %d", p.From, n)
	all.want(p.From != FromAuto || min(ham, spam) >= classify.MinLabels,
		"counting from the %dth message of the rarer class: it names %d ham and %d spam", classify.MinLabels, ham, spam)
	all.want(p.Delay < n, "labels %d messages late: it names %d", p.Delay, n)
	all.want(p.Folds <= n, "%d folds: it names %d messages", p.Folds, n)
	return errors.Join(all...)
}

// String says in words what the plan is.
func (p Plan) String() string {
	words := []string{"online"}
	switch {
	case p.Delay > 0:
		words[0] = fmt.Sprintf("online, labels %d messages late", p.Delay)
	case p.Folds > 0:
		words[0] = fmt.Sprintf("%d folds", p.Folds)
	case p.Split > 0:
		words[0] = fmt.Sprintf("the first %.4g %% learned, the rest scored", 100*p.Split)
	}
	if p.Auto {
		words[0] = strings.Replace(words[0], "scored", "scored and learned by its scores", 1)
	}
	if p.Shuffle != nil {
		words = append(words, "shuffled")
	}
	if p.FlipHam > 0 {
		words = append(words, fmt.Sprintf("%.4g %% of ham learned as spam", 100*p.FlipHam))
	}
	if p.FlipSpam > 0 {
		words = append(words, fmt.Sprintf("%.4g %% of spam learned as ham", 100*p.FlipSpam))
	}
	switch {
	case p.From == FromAuto:
		words = append(words, fmt.Sprintf("counted from the %dth message of the rarer class", classify.MinLabels))
	case p.From > 1:
		words = append(words, fmt.Sprintf("counted from message %d", p.From))
	}
	return strings.Join(words, ", ")
}

// faults collects errors.
type faults []error

func (f *faults) want(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// order is a permutation of the messages: which comes at each place.
func (p Plan) order(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if p.Shuffle != nil {
		shuffle(order, *p.Shuffle)
	}
	return order
}

func shuffle[T any](s []T, seed uint64) {
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// labels are what is taught of the message at each place: its class, or the
// other one if the label is flipped.
func (p Plan) labels(order []int, entries []Entry) []bool {
	stream := ^uint64(0) // not that of the parts
	if p.Shuffle != nil {
		stream -= *p.Shuffle
	}
	random := rand.New(rand.NewPCG(p.Seed, stream))
	labels := make([]bool, len(order))
	for at, i := range order {
		share := p.FlipHam
		if entries[i].Spam {
			share = p.FlipSpam
		}
		labels[at] = entries[i].Spam != (random.Float64() < share)
	}
	return labels
}

// parts deals the places out to the folds.
func (p Plan) parts(n int) []int {
	part := make([]int, n)
	for i := range part {
		part[i] = i % p.Folds
	}
	shuffle(part, p.Seed)
	return part
}

// learned is how many messages a split learns before it scores the others.
func (p Plan) learned(n int) int { return int(p.Split*float64(n) + 0.5) }

// start is the first place that counts.
func (p Plan) start(order []int, entries []Entry) int {
	from := p.From - 1
	if p.From == FromAuto {
		from = warm(order, entries)
	}
	return max(from, p.learned(len(order)))
}

// warm is the place of the 20th message of the rarer class; behind the last if
// there are fewer.
func warm(order []int, entries []Entry) int {
	var ham, spam int
	for at, i := range order {
		if entries[i].Spam {
			spam++
		} else {
			ham++
		}
		if min(ham, spam) == classify.MinLabels {
			return at
		}
	}
	return len(order)
}
