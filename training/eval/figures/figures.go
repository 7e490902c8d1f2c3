package figures

import (
	"encoding/json"
	"math"
)

// Figures are the numbers of one run, or their means over several. Rates are in
// percent.
type Figures struct {
	ROCA         float64 `json:"roca_pct"`      // 1-ROCA: area above the ROC curve
	ROCALate     Number  `json:"roca_late_pct"` // of the second half of the counted
	LAM          float64 `json:"lam_pct"`       // logistic average of both error rates at spam_cutoff
	LAM50        float64 `json:"lam50_pct"`     // the same at a score of 0.5
	Errors       float64 `json:"errors"`        // at 0.5
	First1000    float64 `json:"first1000"`     // of these among the first 1000 counted
	HamRejected  float64 `json:"ham_rejected"`  // at or above reject_cutoff
	HamAsSpam    float64 `json:"ham_as_spam"`   // from spam_cutoff up to reject_cutoff
	HamUnsure    float64 `json:"ham_unsure"`    // between ham_cutoff and spam_cutoff
	SpamPassed   float64 `json:"spam_passed"`   // below ham_cutoff
	SpamUnsure   float64 `json:"spam_unsure"`   // between ham_cutoff and spam_cutoff
	SpamRejected float64 `json:"spam_rejected"` // at or above reject_cutoff
	ECE          float64 `json:"ece_pct"`       // expected calibration error, see Bin
}

// Number is a float64 that JSON shows as null where it is not defined (NaN).
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Kind says how to print a figure.
type Kind uint8

// Kinds of figures.
const (
	Percent   Kind = iota
	Count          // of messages
	HamCount       // of ham
	SpamCount      // of spam
)

// Figure describes one of Figures.
type Figure struct {
	Key  string // in JSON
	Name string
	Note string // what it is, in a few words; a cut-off in it stands by its key
	Kind Kind
	at   func(*Figures) *float64
}

// Table lists the Figures in the order of a report.
var Table = []Figure{
	{"roca_pct", "1-ROCA", "chance that a ham scores above a spam", Percent, func(f *Figures) *float64 { return &f.ROCA }},
	{"roca_late_pct", "1-ROCA, 2nd half", "of the later half of the messages", Percent, func(f *Figures) *float64 { return (*float64)(&f.ROCALate) }},
	{"lam_pct", "lam", "mean error at spam_cutoff", Percent, func(f *Figures) *float64 { return &f.LAM }},
	{"lam50_pct", "lam50", "mean error at 0.5", Percent, func(f *Figures) *float64 { return &f.LAM50 }},
	{"errors", "errors at 0.5", "", Count, func(f *Figures) *float64 { return &f.Errors }},
	{"first1000", "errors, first 1000", "at 0.5", Count, func(f *Figures) *float64 { return &f.First1000 }},
	{"ham_rejected", "ham rejected", "at or above reject_cutoff", HamCount, func(f *Figures) *float64 { return &f.HamRejected }},
	{"ham_as_spam", "ham as spam", "at or above spam_cutoff, not rejected", HamCount, func(f *Figures) *float64 { return &f.HamAsSpam }},
	{"ham_unsure", "ham unsure", "from ham_cutoff, below spam_cutoff", HamCount, func(f *Figures) *float64 { return &f.HamUnsure }},
	{"spam_passed", "spam passed", "below ham_cutoff", SpamCount, func(f *Figures) *float64 { return &f.SpamPassed }},
	{"spam_unsure", "spam unsure", "from ham_cutoff, below spam_cutoff", SpamCount, func(f *Figures) *float64 { return &f.SpamUnsure }},
	{"spam_rejected", "spam rejected", "at or above reject_cutoff", SpamCount, func(f *Figures) *float64 { return &f.SpamRejected }},
	{"ece_pct", "calibration error", "mean distance of score and share of spam", Percent, func(f *Figures) *float64 { return &f.ECE }},
}

// Of returns the figure's value.
func (x Figure) Of(f Figures) float64 { return *x.at(&f) }

// each makes a figure of the same figure of several, for every figure.
func each(all []Figures, of func(values []float64) float64) (out Figures) {
	values := make([]float64, len(all))
	for _, x := range Table {
		for i := range all {
			values[i] = *x.at(&all[i])
		}
		*x.at(&out) = of(values)
	}
	return out
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// deviation is the standard deviation of a sample; of one value it is 0.
func deviation(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	m, sum := mean(values), 0.0
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

func minus(a, b Figures) (out Figures) {
	for _, x := range Table {
		*x.at(&out) = *x.at(&a) - *x.at(&b)
	}
	return out
}
