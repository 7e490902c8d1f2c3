package figures

import "fanmill/classify"

// Report is what is said of one run, or of several over the same messages: then
// the figures are means over the runs.
type Report struct {
	Runs int `json:"runs"`
	N    int `json:"n"`    // messages counted in a run
	Ham  int `json:"ham"`  // of these
	Spam int `json:"spam"` // of these
	Figures
	Seconds float64  `json:"seconds"`          // CPU time of all runs
	Low     Figures  `json:"low"`              // ends of the 95 % intervals
	High    Figures  `json:"high"`             //
	Spread  *Figures `json:"spread,omitempty"` // standard deviations over the runs, where there are several
	Curve   []Point  `json:"curve"`            // the learning curve
	Bins    []Bin    `json:"calibration"`

	draws []Figures // of the resamples
}

// Measure computes the report, but for its Seconds, of at least one run, with
// intervals from so many resamples. It is ErrOneClass if a run has only one.
func Measure(runs []Run, c classify.Cutoffs, resamples int) (Report, error) {
	s, err := newSample(runs, c)
	if err != nil {
		return Report{}, err
	}
	r := Report{Runs: len(runs), Curve: curve(runs), Bins: calibration(s)}
	all := s.figures(s.once())
	r.Figures = each(all, mean)
	if len(runs) > 1 {
		spread := each(all, deviation)
		r.Spread = &spread
	}
	for _, run := range runs {
		for _, x := range run {
			r.N++
			r.Spam += class(x.Spam)
		}
	}
	r.N, r.Spam = r.N/len(runs), r.Spam/len(runs)
	r.Ham = r.N - r.Spam
	r.draws = s.draws(resamples)
	r.Low, r.High = intervals(r.Figures, r.draws)
	r.ruleOfThree()
	return r, nil
}

// ruleOfThree widens the interval of a count of none or of all. Where nothing
// was seen resampling sees nothing either, but 0 of n is compatible with 3/n: that
// many would have been seen with 95 % chance.
func (r *Report) ruleOfThree() {
	limit := map[Kind]int{Count: r.N, HamCount: r.Ham, SpamCount: r.Spam}
	for _, x := range Table {
		n, counts := limit[x.Kind]
		all := float64(n)
		switch v := x.Of(r.Figures); {
		case counts && v == 0:
			*x.at(&r.High) = min(3, all)
		case counts && v == all:
			*x.at(&r.Low) = max(all-3, 0)
		}
	}
}
