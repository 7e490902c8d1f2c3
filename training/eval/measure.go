package eval

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"

	"fanmill/classify"
)

// Result is one message as it was scored, with its true class.
type Result struct {
	Spam  bool
	Score classify.Score
}

// Report holds the figures of one run. Rates are in percent.
type Report struct {
	N           int     `json:"n"`            // messages counted
	Ham         int     `json:"ham"`          // of these
	Spam        int     `json:"spam"`         // of these
	ROCA        float64 `json:"roca_pct"`     // 1-ROCA: area above the ROC curve
	LAM         float64 `json:"lam_pct"`      // logistic average of both error rates at spam_cutoff
	LAM50       float64 `json:"lam50_pct"`    // the same at a score of 0.5
	HamRejected int     `json:"ham_rejected"` // at or above reject_cutoff
	HamUnsure   int     `json:"ham_unsure"`   //
	SpamPassed  int     `json:"spam_passed"`  // below ham_cutoff
	SpamUnsure  int     `json:"spam_unsure"`  //
	First1000   int     `json:"first1000"`    // errors at 0.5 among the first 1000 counted
	Seconds     float64 `json:"seconds"`      // CPU time of the run
}

// Measure computes a report, but for its Seconds, from results in the order
// they came. It is ErrOneClass if one class is missing.
func Measure(results []Result, cutoffs classify.Cutoffs) (Report, error) {
	r := Report{N: len(results)}
	var atSpam, atHalf errorCounts
	for i, x := range results {
		p := x.Score.P
		atSpam.count(x.Spam, p >= cutoffs.Spam)
		wrong := atHalf.count(x.Spam, p >= 0.5)
		if wrong && i < 1000 {
			r.First1000++
		}
		r.verdict(x.Spam, p, cutoffs)
	}
	r.Ham, r.Spam = atSpam.ham, atSpam.spam
	if r.Ham == 0 || r.Spam == 0 {
		return r, fmt.Errorf("%w: there are %d ham and %d spam", ErrOneClass, r.Ham, r.Spam)
	}
	r.ROCA = 100 * aboveROC(results)
	r.LAM, r.LAM50 = 100*atSpam.lam(), 100*atHalf.lam()
	return r, nil
}

func (r *Report) verdict(spam bool, p float64, cutoffs classify.Cutoffs) {
	verdict := cutoffs.Verdict(p)
	switch {
	case spam && verdict == classify.Ham:
		r.SpamPassed++
	case spam && verdict == classify.Unsure:
		r.SpamUnsure++
	case !spam && verdict == classify.Unsure:
		r.HamUnsure++
	case !spam && p >= cutoffs.Reject:
		r.HamRejected++
	}
}

// errorCounts counts errors of one division into ham and spam.
type errorCounts struct {
	ham, spam           int
	hamWrong, spamWrong int
}

func (e *errorCounts) count(spam, calledSpam bool) (wrong bool) {
	wrong = spam != calledSpam
	n := 0
	if wrong {
		n = 1
	}
	if spam {
		e.spam++
		e.spamWrong += n
	} else {
		e.ham++
		e.hamWrong += n
	}
	return wrong
}

// lam is the logistic average of the two error rates (Cormack and Lynam, TREC
// 2005 Spam Track Overview), with 0.5 added to the counts of wrong and of right
// messages, so that it is defined when nothing is wrong.
func (e errorCounts) lam() float64 {
	x := (logit(e.hamWrong, e.ham) + logit(e.spamWrong, e.spam)) / 2
	return 1 / (1 + math.Exp(-x))
}

func logit(wrong, of int) float64 {
	return math.Log((float64(wrong) + 0.5) / (float64(of-wrong) + 0.5))
}

// aboveROC is the chance that a ham drawn at random scores above a spam drawn
// at random; equal scores count half. Messages are ranked by log-odds, which do
// not round to 0 and 1.
func aboveROC(results []Result) float64 {
	sorted := slices.Clone(results)
	slices.SortFunc(sorted, func(a, b Result) int { return cmp.Compare(a.Score.LogOdds, b.Score.LogOdds) })
	var ham, spam, above float64 // above: pairs in the wrong order
	for len(sorted) > 0 {
		tied, h, s := 0, 0.0, 0.0
		for tied < len(sorted) && cmp.Compare(sorted[tied].Score.LogOdds, sorted[0].Score.LogOdds) == 0 {
			if sorted[tied].Spam {
				s++
			} else {
				h++
			}
			tied++
		}
		above += h * (spam + s/2)
		ham, spam = ham+h, spam+s
		sorted = sorted[tied:]
	}
	return above / (ham * spam)
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, `messages        %7d   %d ham, %d spam
1-ROCA          %9.4f %%
lam             %9.4f %%   at spam_cutoff
lam             %9.4f %%   at 0.5
ham rejected    %7d   at or above reject_cutoff
ham unsure      %7d   (%.2f %% of ham)
spam passed     %7d   below ham_cutoff
spam unsure     %7d   (%.2f %% of spam)
errors at 0.5   %7d   in the first 1000
CPU time        %9.2f s   (%.0f us per message)
`,
		r.N, r.Ham, r.Spam, r.ROCA, r.LAM, r.LAM50, r.HamRejected, r.HamUnsure, percent(r.HamUnsure, r.Ham),
		r.SpamPassed, r.SpamUnsure, percent(r.SpamUnsure, r.Spam), r.First1000,
		r.Seconds, r.Seconds*1e6/float64(max(r.N, 1)))
	return err
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }
