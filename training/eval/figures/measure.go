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
	ROC     []Missed `json:"roc"`
	Scores  []Slot   `json:"scores"` // the histogram

	Fine  []Point   `json:"-"` // the learning curve at up to 300 places, for drawing
	draws []Figures // of the resamples
}

// Measure computes the report, but for its Seconds, of at least one run, with
// intervals from so many resamples. It is ErrOneClass if a run has only one. step,
// which may be nil, is called after each resample; its error ends the measuring.
func Measure(runs []Run, c classify.Cutoffs, resamples int, step func() error) (Report, error) {
	s, err := newSample(runs, c)
	if err != nil {
		return Report{}, err
	}
	r := Report{Runs: len(runs), Bins: calibration(s)}
	all := s.figures(s.once())
	r.Figures = each(all, mean)
	if len(runs) > 1 {
		spread := each(all, deviation)
		r.Spread = &spread
	}
	r.count(runs)
	t := newTracer(runs)
	traces, err := r.resample(s, t, resamples, step)
	if err != nil {
		return Report{}, err
	}
	r.Low, r.High = intervals(r.Figures, r.draws)
	r.ruleOfThree()
	r.curves(t, t.trace(s.once()), traces)
	return r, nil
}

// count counts the messages of a run.
func (r *Report) count(runs []Run) {
	for _, run := range runs {
		for _, x := range run {
			r.N++
			r.Spam += class(x.Spam)
		}
	}
	r.N, r.Spam = r.N/len(runs), r.Spam/len(runs)
	r.Ham = r.N - r.Spam
}

// resample keeps the figures of n resamples, and returns the curves of as many as
// maxTraces allows.
func (r *Report) resample(s sample, t *tracer, n int, step func() error) (traces []trace, err error) {
	err = s.resample(n, func(weight []float64) error {
		r.draws = append(r.draws, each(s.figures(weight), mean))
		if len(traces) < maxTraces {
			traces = append(traces, t.trace(weight))
		}
		if step == nil {
			return nil
		}
		return step()
	})
	return traces, err
}

// ruleOfThree widens the intervals of counts.
func (r *Report) ruleOfThree() {
	limit := map[Kind]int{Count: r.N, HamCount: r.Ham, SpamCount: r.Spam}
	for _, x := range Table {
		if n, counts := limit[x.Kind]; counts {
			threeOf(x.Of(r.Figures), float64(n), 3, x.at(&r.Low), x.at(&r.High))
		}
	}
}
