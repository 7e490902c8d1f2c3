// Package eval measures the filter on labelled mail, in the way of TREC's spam
// track: every message is scored by what was learned from those before it, then
// learned from. Labels may come late or wrong, and messages may be held out
// instead; see Plan.
//
// A corpus is given by an index, a text file of lines `spam PATH` and `ham
// PATH`, paths relative to the index's folder, one message per file. Each run
// starts from an empty model that lives in memory and follows the rules of the
// store: a message that was seen before changes nothing, with the other label it
// changes sides.
//
// The features of a corpus are taken from its files once, on all CPUs, and all
// runs share them. Several runs, and the parts of a cross-validation, are done at
// once as far as memory allows; the results do not depend on it.
package eval

import (
	"context"
	"errors"
	"fmt"

	"fanmill/classify"
	"fanmill/training"
	"fanmill/training/eval/figures"
)

// Config is a configuration of the filter, as far as accuracy depends on it.
type Config struct {
	Name     string // of the file it stands in, "" for the defaults
	Classify classify.Options
	Cutoffs  classify.Cutoffs
	Rule     training.Rule
	Auto     training.AutoRule // for Plan.Auto
}

// Options are one run over one index.
type Options struct {
	Index string // path of the index file
	Config
	Plan
	Progress Progress
}

// Phase is a part of the work.
type Phase uint8

// The phases, in this order.
const (
	Measuring  Phase = iota // messages read, scored and learned
	Resampling              // resamples drawn for the intervals
)

// Progress is told now and then how much of a phase is done; it may be nil.
type Progress func(p Phase, done, total int)

// DefaultOptions measures online, in the order of the index, with the defaults
// of scoring and training.
func DefaultOptions(index string) Options {
	return Options{
		Index: index,
		Config: Config{
			Classify: classify.DefaultOptions(), Cutoffs: classify.DefaultCutoffs(),
			Rule: training.Rule{Margin: training.DefaultMargin}, Auto: training.DefaultAutoRule(),
		},
		Plan: Plan{From: 1},
	}
}

// Run measures and reports one run.
func Run(ctx context.Context, o Options) (figures.Report, error) {
	b := Bench{Indexes: []string{o.Index}, Configs: []Config{o.Config}, Plans: []Plan{o.Plan}, Progress: o.Progress}
	out, err := b.Run(ctx)
	if err != nil {
		return figures.Report{}, err
	}
	return out.Series[0].Report, nil
}

// Bench is a set of runs: each index with each configuration by each plan.
type Bench struct {
	Indexes   []string
	Configs   []Config // one, or two to compare
	Plans     []Plan   // one for each run, alike but for Seed and Shuffle
	Resamples int      // for intervals; 0: figures.Resamples
	Worst     int      // mistakes to explain of each index
	OneIn     int      // advise cut-offs that lose 1 in OneIn ham at most; 0: none
	Drops     bool     // see figures.Wish
	Progress  Progress
}

// Outcome is what was measured: a Series for each index and configuration, the
// configurations of an index side by side; those of several indexes put together
// come last. With two configurations there is a Comparison for each pair.
type Outcome struct {
	Method      string       `json:"method"` // the plan, in words
	Series      []Series     `json:"reports"`
	Comparisons []Comparison `json:"comparisons,omitempty"`
	Advice      *Advice      `json:"advice,omitempty"`
}

// Series is what was measured of one index with one configuration.
type Series struct {
	Index  string `json:"index"`
	Pooled bool   `json:"pooled,omitempty"` // several indexes, put together
	Config string `json:"config,omitempty"`
	figures.Report
	Mistakes []Mistake `json:"mistakes,omitempty"`

	Results []figures.Run    `json:"-"` // what was counted of each run
	Cutoffs classify.Cutoffs `json:"-"`
	Entries []Entry          `json:"-"` // the corpus: results name its messages by their place
}

// Comparison is what the second configuration changes.
type Comparison struct {
	Index string `json:"index"`
	figures.Comparison
}

// Advice are proposed cut-offs.
type Advice struct {
	figures.Advice
	HamCutoff    float64   `json:"ham_cutoff"`
	SpamCutoff   float64   `json:"spam_cutoff"`
	RejectCutoff float64   `json:"reject_cutoff"`
	Highest      []Highest `json:"highest_ham"`
}

// Highest is one of the ham that score highest, which set reject_cutoff.
type Highest struct {
	File  string  `json:"file"`
	Score float64 `json:"score"`
}

// check refuses what cannot be run, before anything is read.
func (b Bench) check() error {
	var errs []error
	if len(b.Indexes) == 0 || len(b.Plans) == 0 || len(b.Configs) < 1 || len(b.Configs) > 2 {
		errs = append(errs, fmt.Errorf("%d indexes, %d runs, %d configurations: want one or more, of configurations one or two",
			len(b.Indexes), len(b.Plans), len(b.Configs)))
	}
	if b.OneIn != 0 && (len(b.Indexes) > 1 || len(b.Plans) > 1 || len(b.Configs) > 1) {
		errs = append(errs, errors.New("cut-offs are advised from one run over one index with one configuration"))
	}
	for _, p := range b.Plans {
		if err := p.check(); err != nil {
			errs = append(errs, err)
			break // the others are alike
		}
	}
	for _, c := range b.Configs {
		errs = append(errs, c.Classify.Validate(), c.Auto.Validate())
	}
	return errors.Join(errs...)
}
